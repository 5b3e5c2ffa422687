/**
 * One connection to a Redis, on which every wait is short. Opening includes the login and the database; if a
 * step fails, there is no connection. If a reply is late, the connection ends. It is never repaired: a new
 * one replaces it. Three features of the client are switched off: the queue while Redis is away, endless
 * retries, and repeated subscriptions. They would hide how long Redis has not answered, and keep commands
 * whose callers no longer wait.
 *
 * The login is done here, so that a refusal differs from a broken connection, and a database that cannot be
 * selected is an error and not database 0.
 */

import { isIP } from "node:net";
import type { Redis } from "ioredis";
import type { RedisPlace } from "./address.ts";
import { DatabaseError, FloodError, LoginError } from "./faults.ts";

/** From the first packet to the selected database. */
const OPEN_TIMEOUT_MS = 1_500;

/** From a command to its complete reply. */
const COMMAND_TIMEOUT_MS = 1_000;

/**
 * The most bytes of an answer, or of the messages between two PINGs. One read of many applications needs less
 * than half of it.
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

  /** Rejects with the error of the client or of Redis: see `redisFault`. */
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
    // Without a listener, the client's errors would end the process.
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

  /** Aborts when the connection has ended for any reason. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Sends a command, and resolves with its reply. An error reply leaves the connection open; every other
   * failure ends it.
   */
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

  /** Subscribes to these channels. From then on the connection can only subscribe to more, and `PING`. */
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
 * Ends a connection that brings more bytes than any answer has. The client would parse all bytes until its
 * time limit: half a gigabyte in a second, or one endless list, which would block the event loop.
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

/** Whether Redis itself answered with an error, so that the connection still works. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

async function logIn(redis: Redis, { login, database }: RedisPlace): Promise<void> {
  if (login !== undefined) {
    // Redis before version 6 has no users.
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
 * The error of a login: Redis is still loading its data, or it refuses the login. The text is left out,
 * because it may quote secrets.
 */
function loginFault(error: unknown): unknown {
  return /^(?:LOADING|BUSY|MASTERDOWN|DENIED)\b|max number of clients/.test((error as Error).message)
    ? error
    : new LoginError();
}
