/**
 * Tells when something was said of an application: by a writer of this program, or by Redis itself where its operator
 * has switched keyspace notifications on.
 *
 * One connection for all applications, followed by another when it ends. What was said in between is lost, so listeners
 * are nudged whenever they have been subscribed. A connection that has died without a word is found by a PING; until
 * then, and where nothing is published, the feed's poll finds changes.
 */

import { backoffMs } from "../backoff.ts";
import { isReply, type RedisConnection } from "./connection.ts";

/** How often a connection on which nobody speaks has to answer. */
const PING_EVERY_MS = 5_000;

export interface SubscriptionOptions {
  readonly open: (signal: AbortSignal) => Promise<RedisConnection>;
  /** What keys and channels begin with. */
  readonly prefix: string;
  readonly database: number;
  readonly warn: (message: string) => void;
  readonly random?: () => number;
}

export class RedisSubscription {
  readonly #options: SubscriptionOptions;
  readonly #listeners = new Map<string, Set<() => void>>();
  #ending: AbortController | undefined;
  #connection: RedisConnection | undefined;
  #subscribed = new Set<string>();
  #isWarned = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  add(application: string, changed: () => void): () => void {
    const listener = () => changed();
    const listeners = this.#listeners.get(application) ?? new Set();
    this.#listeners.set(application, listeners.add(listener));
    if (this.#ending === undefined) {
      this.#ending = new AbortController();
      void this.#run(this.#ending.signal);
    } else if (this.#subscribed.has(application)) {
      listener();
    } else if (this.#connection !== undefined) {
      // Where it fails, its connection has ended, and the next one has this application as well.
      void this.#subscribe(this.#connection).catch(() => {});
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(application);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#ending?.abort();
    this.#ending = undefined;
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** Never rejects. */
  async #run(ending: AbortSignal): Promise<void> {
    let failures = 0;
    while (!ending.aborted) {
      try {
        const connection = await this.#options.open(ending);
        await this.#follow(connection, ending, () => {
          failures = 0;
        });
      } catch {
        // The feed's reads meet the same and tell of it.
      }
      failures++;
      await pause(backoffMs(failures, (this.#options.random ?? Math.random)()), ending);
    }
  }

  /** Until the connection ends. `isSound` is called when it has lasted. */
  async #follow(connection: RedisConnection, ending: AbortSignal, isSound: () => void): Promise<void> {
    if (ending.aborted) return connection.close();
    this.#connection = connection;
    this.#subscribed = new Set();
    connection.onMessage((channel) => {
      this.#nudge(channel.slice(channel.indexOf(this.#options.prefix) + this.#options.prefix.length));
    });
    try {
      await this.#subscribe(connection);
      while (!connection.ended.aborted) {
        await pause(PING_EVERY_MS, connection.ended);
        if (connection.ended.aborted) return;
        await connection.call("PING").catch((error: unknown) => {
          // A refusal is an answer.
          if (!isReply(error)) throw error;
        });
        isSound();
      }
    } finally {
      connection.close();
      if (this.#connection === connection) {
        this.#connection = undefined;
        this.#subscribed = new Set();
      }
    }
  }

  /** All applications that are not yet; each is nudged once it is. Rejects where the connection ends. */
  async #subscribe(connection: RedisConnection): Promise<void> {
    const fresh = [...this.#listeners.keys()].filter((application) => !this.#subscribed.has(application));
    await Promise.all(
      fresh.map(async (application) => {
        this.#subscribed.add(application);
        const key = `${this.#options.prefix}${application}`;
        const channels = [key, `__keyspace@${this.#options.database}__:${key}`];
        await Promise.all(channels.map((channel) => this.#subscribeTo(connection, channel)));
        this.#nudge(application);
      }),
    );
  }

  async #subscribeTo(connection: RedisConnection, channel: string): Promise<void> {
    try {
      await connection.subscribe(channel);
    } catch (error) {
      if (!isReply(error)) throw error;
      if (this.#isWarned) return;
      this.#isWarned = true;
      this.#options.warn(
        "this user may not SUBSCRIBE, so changes are found by the poll; see the rights in docs/stores/redis.md",
      );
    }
  }

  #nudge(application: string): void {
    for (const listener of this.#listeners.get(application) ?? []) listener();
  }
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    signal.addEventListener("abort", end, { once: true });
  });
}
