/**
 * Nudges when a message about an application arrives: from a writer of this program, or from Redis itself if
 * its operator has switched keyspace notifications on.
 *
 * There is one connection for all applications. When it ends, another one follows. Messages in between are
 * lost, so listeners are nudged after each subscription. A PING finds a connection that has died silently.
 * Until then, and if nothing is published, the feed's poll finds changes.
 */

import { pause } from "../shared/abort.ts";
import { Listeners } from "../shared/listeners.ts";
import { isReply, type RedisConnection } from "./connection.ts";

/** The time between two PINGs on a connection. */
const PING_EVERY_MS = 5_000;

/** At most this many channels are subscribed to at once. More would make Redis and visitors wait. */
const CHANNELS_AT_ONCE = 256;

export interface SubscriptionOptions {
  readonly open: (signal: AbortSignal) => Promise<RedisConnection>;
  /** The prefix of keys and channels. */
  readonly prefix: string;
  readonly database: number;
  readonly warn: (message: string) => void;
}

export class RedisSubscription {
  readonly #options: SubscriptionOptions;
  readonly #listeners = new Listeners((ending) => this.#follow(ending));
  #connection: RedisConnection | undefined;
  #subscribed = new Set<string>();
  #soon: Promise<void> | undefined;
  #isWarned = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  add(application: string, changed: () => void): () => void {
    const end = this.#listeners.add(application, changed);
    if (this.#subscribed.has(application)) changed();
    else if (this.#connection !== undefined) this.#subscribeSoon(this.#connection);
    return end;
  }

  close(): Promise<void> {
    return this.#listeners.close();
  }

  /**
   * Subscribes once for all applications that are added in this turn. If it fails, the connection has ended,
   * and the next one subscribes to all of them.
   */
  #subscribeSoon(connection: RedisConnection): void {
    this.#soon ??= Promise.resolve().then(() => {
      this.#soon = undefined;
      return this.#subscribe(connection).catch(() => {});
    });
  }

  /** Follows one connection until it ends. */
  async #follow(ending: AbortSignal): Promise<void> {
    const connection = await this.#options.open(ending);
    if (ending.aborted) return connection.close();
    const end = () => connection.close();
    ending.addEventListener("abort", end, { once: true });
    this.#connection = connection;
    this.#subscribed = new Set();
    connection.onMessage((channel) => {
      const { prefix } = this.#options;
      this.#listeners.nudge(channel.slice(channel.indexOf(prefix) + prefix.length));
    });
    try {
      await this.#subscribe(connection);
      while (!connection.ended.aborted) {
        await pause(PING_EVERY_MS, connection.ended);
        if (connection.ended.aborted) return;
        await connection.call("PING").catch((error: unknown) => {
          // A refusal is an answer too.
          if (!isReply(error)) throw error;
        });
      }
    } finally {
      ending.removeEventListener("abort", end);
      connection.close();
      if (this.#connection === connection) {
        this.#connection = undefined;
        this.#subscribed = new Set();
      }
    }
  }

  /**
   * Subscribes to all applications that are not subscribed yet, and then nudges each of them. Rejects if the
   * connection ends.
   */
  async #subscribe(connection: RedisConnection): Promise<void> {
    const fresh = this.#listeners.applications.filter((application) => !this.#subscribed.has(application));
    for (const application of fresh) this.#subscribed.add(application);
    for (let at = 0; at < fresh.length; at += CHANNELS_AT_ONCE) {
      const some = fresh.slice(at, at + CHANNELS_AT_ONCE);
      const keys = some.map((application) => `${this.#options.prefix}${application}`);
      await this.#subscribeTo(connection, keys);
      await this.#subscribeTo(
        connection,
        keys.map((key) => `__keyspace@${this.#options.database}__:${key}`),
      );
      for (const application of some) this.#listeners.nudge(application);
    }
  }

  async #subscribeTo(connection: RedisConnection, channels: readonly string[]): Promise<void> {
    try {
      await connection.subscribe(channels);
    } catch (error) {
      if (!isReply(error)) throw error;
      // If one channel is refused, Redis refuses them all.
      if (channels.length > 1) {
        for (const channel of channels) await this.#subscribeTo(connection, [channel]);
        return;
      }
      if (this.#isWarned) return;
      this.#isWarned = true;
      this.#options.warn(
        "this user may not SUBSCRIBE, so changes are found by the poll; see the rights in docs/stores/redis.md",
      );
    }
  }
}
