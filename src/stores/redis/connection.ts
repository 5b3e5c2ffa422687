/**
 * One connection to a Redis, over which nothing waits for long. It is made whole, with its login and its
 * database, or not at all. It ends at the first silence. It is never mended: another one follows it. The
 * client's own ways of being patient are switched off: a queue while Redis is away, tries without end,
 * subscriptions that it repeats. They hide for how long there has been no answer, and keep commands whose
 * callers no longer wait.
 *
 * Logging in is done here, so that a refusal is told from a connection that broke, and that a database which
 * cannot be chosen is an error and not database 0.
 */

import { isIP } from "node:net";
import type { Redis } from "ioredis";
import type { RedisPlace } from "./address.ts";
import { DatabaseError, FloodError, LoginError } from "./faults.ts";

/** From the first packet to the chosen database. */
const OPEN_TIMEOUT_MS = 1_500;

/** From a command to its whole reply. */
const COMMAND_TIMEOUT_MS = 1_000;

/**
 * An answer, or what is heard between two PINGs, may have this many bytes: what is read at once is less than
 * half of it.
 */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** The client's package; loaded only when such a store is opened. */
export type Ioredis = typeof import("ioredis");

export class RedisConnection {
  readonly #redis: Redis;
  readonly #flood: FloodGuard;
  readonly #ending = new AbortController();

  private constructor(redis: Redis, flood: FloodGuard) {
    this.#redis = redis;
    this.#flood = flood;
    redis.once("end", () => this.#ending.abort());
    if (redis.status !== "ready") this.close();
  }

  /** Rejects with what the client, or Redis, reports: see `redisFault`. */
  static async open(
    { Redis: Constructor }: Ioredis,
    place: RedisPlace,
    signal: AbortSignal,
  ): Promise<RedisConnection> {
    const redis = new Constructor({
      host: place.host,
      port: place.port,
      ...(place.isTls ? { tls: isIP(place.host) === 0 ? { servername: place.host } : {} } : {}),
      protocol: 2,
      lazyConnect: true,
      connectTimeout: OPEN_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      disableClientInfo: true,
    });
    let reason: unknown;
    // A client without a listener throws its errors at the process.
    redis.on("error", (error: unknown) => {
      reason ??= error;
    });
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
    const giveUp = () => redis.disconnect();
    inTime.addEventListener("abort", giveUp, { once: true });
    try {
      if (inTime.aborted) throw inTime.reason;
      await redis.connect();
      const flood = new FloodGuard(redis);
      await logIn(redis, place);
      return new RedisConnection(redis, flood);
    } catch (error) {
      redis.disconnect();
      if (error instanceof LoginError || error instanceof DatabaseError || isReply(error)) throw error;
      throw inTime.aborted ? inTime.reason : (reason ?? error);
    } finally {
      inTime.removeEventListener("abort", giveUp);
    }
  }

  /** Aborts when it has ended, for whatever reason. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** A command and its reply. Anything but a reply, an error reply included, ends the connection. */
  async call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.#redis.call(command, ...args.map(String));
    } catch (error) {
      if (!isReply(error)) this.close();
      throw this.#flood.fault ?? error;
    } finally {
      this.#flood.bytes = 0;
    }
  }

  /**
   * From now on it hears what is published in these channels, and takes no commands but more of these and
   * `PING`.
   */
  async subscribe(channels: readonly string[]): Promise<void> {
    try {
      await this.#redis.subscribe(...channels);
    } catch (error) {
      if (!isReply(error)) this.close();
      throw error;
    }
  }

  onMessage(heard: (channel: string) => void): void {
    this.#redis.on("message", heard);
  }

  close(): void {
    this.#ending.abort();
    this.#redis.disconnect();
  }
}

/**
 * Ends a connection that brings more than any answer has. The client would parse what comes until its limit
 * of time: half a gigabyte in a second, or one list without end, at which the event loop stands still.
 */
class FloodGuard {
  /** Since the last answer. */
  bytes = 0;
  fault: FloodError | undefined;

  constructor(redis: Redis) {
    redis.stream.prependListener("data", (bytes: Buffer) => {
      this.bytes += bytes.byteLength;
      if (this.bytes <= ANSWER_BYTES_MAX) return;
      this.fault ??= new FloodError();
      redis.disconnect();
      redis.stream.destroy();
    });
  }
}

/** Whether Redis itself said no, so that the connection is sound. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

async function logIn(redis: Redis, { login, database }: RedisPlace): Promise<void> {
  if (login !== undefined) {
    // Redis before version 6 knows no users.
    const args = login.user === "" ? [login.password] : [login.user, login.password];
    await redis.call("AUTH", ...args).catch((error: unknown) => {
      throw isReply(error) ? loginFault(error) : error;
    });
  }
  if (database !== 0) {
    await redis.call("SELECT", String(database)).catch((error: unknown) => {
      const isRange = isReply(error) && /^ERR|^NOPERM/.test((error as Error).message);
      throw isRange ? new DatabaseError() : error;
    });
  }
}

/**
 * A Redis that is loading says so when a client logs in; all else is a refusal. Without the text, which may
 * quote.
 */
function loginFault(error: unknown): unknown {
  return /^(?:LOADING|BUSY|MASTERDOWN|DENIED)\b|max number of clients/.test((error as Error).message)
    ? error
    : new LoginError();
}
