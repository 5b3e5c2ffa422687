/**
 * The listeners of a store whose engine pushes changes, and the life of the connection that brings them.
 * There is one connection for all applications. It is made for the first listener, followed by another
 * whenever it ends, and closed with the last listener. The feed's poll finds changes that happen while there
 * is no connection.
 */

import { pause } from "./abort.ts";
import { backoffMs } from "./backoff.ts";

/** After a connection that lasted this long, the back-off begins again from the shortest wait. */
const SOUND_MS = 5_000;

export class Listeners {
  readonly #follow: (ending: AbortSignal) => Promise<void>;
  readonly #byApplication = new Map<string, Set<() => void>>();
  #ending: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  /**
   * @param follow opens a connection, nudges for each message, and settles when the connection has ended for
   *               any reason; `ending` ends it
   */
  constructor(follow: (ending: AbortSignal) => Promise<void>) {
    this.#follow = follow;
  }

  /** Applications with listeners, in the order in which they came. */
  get applications(): readonly string[] {
    return [...this.#byApplication.keys()];
  }

  /** The number of applications with a listener. */
  get count(): number {
    return this.#byApplication.size;
  }

  /** Calls `changed` at each nudge of its application, until the returned function is called. */
  add(application: string, changed: () => void): () => void {
    // The same function may be added twice.
    const listener = () => changed();
    const listeners = this.#byApplication.get(application) ?? new Set();
    this.#byApplication.set(application, listeners.add(listener));
    if (this.#ending === undefined) {
      this.#ending = new AbortController();
      // The connection before may still be ending.
      this.#running = Promise.all([this.#running, this.#run(this.#ending.signal)]).then(() => {});
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#byApplication.get(application) !== listeners) return;
      this.#byApplication.delete(application);
      if (this.#byApplication.size === 0) this.#end();
    };
  }

  nudge(application: string): void {
    const listeners = this.#byApplication.get(application);
    if (listeners === undefined) return;
    // Usually there is only one, and ten thousand may be nudged at once.
    if (listeners.size === 1) {
      const [only] = listeners;
      only?.();
      return;
    }
    // A listener that begins meanwhile waits for the next one, and one that has ended is not called.
    for (const listener of [...listeners]) if (listeners.has(listener)) listener();
  }

  nudgeAll(): void {
    for (const application of this.applications) this.nudge(application);
  }

  /** Forgets all listeners. Resolves when all connections have ended. */
  async close(): Promise<void> {
    this.#byApplication.clear();
    this.#end();
    await this.#running;
  }

  #end(): void {
    this.#ending?.abort();
    this.#ending = undefined;
  }

  /** Never rejects. */
  async #run(ending: AbortSignal): Promise<void> {
    // A feed of several applications adds all of them in one turn.
    await Promise.resolve();
    let failures = 0;
    while (!ending.aborted) {
      const beganMs = performance.now();
      try {
        await this.#follow(ending);
      } catch {
        // The feed's reads meet the same error and report it.
      }
      failures = performance.now() - beganMs >= SOUND_MS ? 1 : failures + 1;
      await pause(backoffMs(failures, Math.random()), ending);
    }
  }
}
