/**
 * A witness of a release: it reads the record again and again, and knows for each write between which two
 * moments of this machine's monotonic clock it came. It believes no time that the record says.
 */

import { recordNow } from "../../../src/records/beside-release.ts";
import type { Release } from "../../../src/releases/release.ts";
import type { Store } from "../../../src/stores/store.ts";

const LOOK_EVERY_MS = 20;
const READ_MS = 10_000;

/** No state of a release lasts that long here, also on a machine that is busy with other things. */
const STUCK_MS = 90_000;

export interface Witnessed {
  readonly release: Release;
  readonly rollout: number;
  readonly offset: number;
  /** The write came after this moment, by `performance.now`. */
  readonly afterMs: number;
  /** It came before this moment. */
  readonly beforeMs: number;
}

export class Witness {
  /** The states of the release, each once, in their order. */
  readonly states: Witnessed[] = [];
  readonly #store: Store;
  #isClosed = false;
  readonly #looking: Promise<void>;
  #error: unknown;

  constructor(store: Store) {
    this.#store = store;
    this.#looking = this.#look().catch((error) => {
      this.#error = error;
    });
  }

  /** The last state. */
  get last(): Witnessed | undefined {
    return this.states.at(-1);
  }

  /** Resolves when the last state is such. Rejects if there is no new state for long. */
  async sees(isSuch: (last: Witnessed) => boolean, what: string): Promise<void> {
    let seen = 0;
    let untilMs = performance.now() + STUCK_MS;
    while (this.last === undefined || !isSuch(this.last)) {
      if (this.#error !== undefined) throw this.#error;
      const nowMs = performance.now();
      if (this.states.length > seen) untilMs = nowMs + STUCK_MS;
      seen = this.states.length;
      if (nowMs > untilMs) throw new Error(`${what} does not come after ${this.#spelled}`);
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#looking;
  }

  get #spelled(): string {
    const { release, rollout } = this.last ?? {};
    return `${release?.state}, step ${release?.step}, rollout ${rollout}, reason ${release?.reason}`;
  }

  async #look(): Promise<void> {
    let afterMs = performance.now();
    while (!this.#isClosed) {
      const askedMs = performance.now();
      const snapshot = await this.#store.read("website", AbortSignal.timeout(READ_MS));
      const beforeMs = performance.now();
      const { found, rollout, offset } = recordNow("canary", snapshot.get("canary")?.value);
      if (found.kind === "release" && found.release.tx !== this.last?.release.tx) {
        this.states.push({ release: found.release, rollout, offset, afterMs, beforeMs });
      }
      afterMs = askedMs;
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }
}
