/**
 * Rollouts in Redis or Valkey, one hash for each application:
 *
 *     HSET maxwells-daemon:website canary 0.25
 *
 * Because it is one key, a snapshot is one read at one moment, and a write is one compare-and-set. Values
 * that people set by hand are found without an index, and Redis's own notifications name the application. See
 * docs/decisions/0014-redis.md.
 */

import type { Evidence } from "./evidence.ts";
import { parsePlace, type RedisPlace, shownPlace } from "./redis/address.ts";
import { type Ioredis, RedisConnection } from "./redis/connection.ts";
import { RedisEvidence } from "./redis/evidence.ts";
import { redisFault, replyFault } from "./redis/faults.ts";
import { argumentsOf, RedisMany } from "./redis/many.ts";
import {
  changeOf,
  type RawChange,
  type RawRecord,
  REST,
  REVISION,
  rawRecords,
  recordOf,
  snapshotOf,
} from "./redis/records.ts";
import { READ, READ_MANY, WRITE } from "./redis/scripts.ts";
import { RedisSubscription } from "./redis/subscription.ts";
import { abandoned, unlessAborted } from "./shared/abort.ts";
import { refuseReserved } from "./shared/reserved.ts";
import {
  type RecordFields,
  type Removed,
  type Snapshot,
  type Snapshots,
  type Store,
  type StoreContext,
  StoreError,
  type StoreKind,
  type StoreRecord,
  type Written,
} from "./store.ts";

/** The beginning of keys and channels; the application's name follows. */
const PREFIX = "maxwells-daemon:";

/**
 * The largest hash of an application: 64 versions with the history that `set` keeps. A larger one would make
 * visitors wait.
 */
const HASH_BYTES_MAX = 256 * 1024;
const HASH_FIELDS_MAX = 1024;

/** Names of fields that this store needs for itself, so a record cannot have them. */
const RESERVED: ReadonlySet<string> = new Set([REVISION, REST]);

/** One step of listing all applications scans this many keys. */
const SCAN_COUNT = 1_000;

export const redis: StoreKind = kind("redis");
export const rediss: StoreKind = kind("rediss");

function kind(name: "redis" | "rediss"): StoreKind {
  return {
    name,
    usage: `${name}://[USER:PASSWORD@]HOST[:PORT][/DB]`,
    summary: name === "redis" ? "a Redis or Valkey, with push" : "the same over TLS",
    check(location) {
      return parsePlace(name, location) === undefined
        ? `write ${name}://HOST, ${name}://HOST:6379/0 or ${name}://USER:PASSWORD@HOST, other signs percent-encoded`
        : undefined;
    },
    async open(context: StoreContext): Promise<Store> {
      const place = parsePlace(name, context.location);
      if (place === undefined) throw new TypeError(`an address that ${name}'s check does not take`);
      return new RedisStore(await import("ioredis"), place, context.warn.bind(context));
    },
  };
}

class RedisStore implements Store {
  readonly address: string;
  readonly evidence: Evidence;
  readonly #client: Ioredis;
  readonly #place: RedisPlace;
  readonly #closing = new AbortController();
  readonly #many = new RedisMany();
  readonly #subscription: RedisSubscription;
  /** Shared by all reads and writes; absent until one is needed, and after it has ended. */
  #connection: Promise<RedisConnection> | undefined;

  constructor(client: Ioredis, place: RedisPlace, warn: (message: string) => void) {
    this.address = shownPlace(place);
    this.#client = client;
    this.#place = place;
    this.evidence = new RedisEvidence(
      this.#call.bind(this),
      (application) => PREFIX + application,
      () => this.#noReply(),
    );
    this.#subscription = new RedisSubscription({
      open: (signal) => RedisConnection.open(client, place, signal),
      prefix: PREFIX,
      database: place.database,
      warn,
    });
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    return snapshotOf(await this.#readRaw(application, signal));
  }

  async readMany(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    return this.#many.read(applications, {
      ask: (some) => {
        const keys = some.map((application) => PREFIX + application);
        const limits = argumentsOf(HASH_FIELDS_MAX, HASH_BYTES_MAX);
        return this.#call(signal, `${PREFIX}*`, "EVAL", READ_MANY, keys.length, keys, ...limits);
      },
      readOne: (application) => this.read(application, signal),
      faultOf: (application, text) => replyFault(`${this.address} (${PREFIX}${application})`, text),
      noReply: () => this.#noReply(),
    });
  }

  watch(application: string, changed: () => void): () => void {
    return this.#subscription.add(application, changed);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    if (version.includes(":")) throw new TypeError(`${JSON.stringify(version)} cannot be a version in Redis`);
    refuseReserved(this.address, version, fields, RESERVED);
    const hash = await this.#readRaw(application, signal);
    // A record that is to be new is asked for in any case, so that Redis refuses a user without the rights.
    const seen = expected === null ? undefined : hash.get(version);
    const current = seen === undefined ? undefined : recordOf(version, seen);
    if ((current?.revision ?? null) !== expected) return { ok: false, current };

    const change = changeOf(version, seen ?? new Map(), fields, nowUs());
    this.#refuseTooLarge(hash, change.sets);
    const { isWritten, after } = await this.#change(application, version, seen, change, signal);
    if (isWritten && after !== undefined) return { ok: true, revision: after.revision };
    return { ok: false, current: after };
  }

  async remove(
    application: string,
    version: string,
    expected: string,
    signal: AbortSignal,
  ): Promise<Removed> {
    const seen = (await this.#readRaw(application, signal)).get(version);
    const current = seen === undefined ? undefined : recordOf(version, seen);
    if (seen === undefined || current?.revision !== expected) return { ok: false, current };
    const change = { sets: [], removes: [...seen.keys()] };
    const { isWritten, after } = await this.#change(application, version, seen, change, signal);
    return isWritten ? { ok: true } : { ok: false, current: after };
  }

  /** Changes a record if it is still as `seen`. Resolves with whether it was, and with the current record. */
  async #change(
    application: string,
    version: string,
    seen: RawRecord | undefined,
    { sets, removes }: RawChange,
    signal: AbortSignal,
  ): Promise<{ isWritten: boolean; after: StoreRecord | undefined }> {
    const key = PREFIX + application;
    const pairs = [...(seen ?? [])];
    const counts = [pairs.length, sets.length, removes.length];
    const reply = await this.#call(signal, key, "EVAL", WRITE, 1, key, version, key, ...counts, [
      ...pairs.flat(),
      ...sets.flat(),
      ...removes,
    ]);
    const [isWritten, flat] = Array.isArray(reply) ? reply : [];
    const after = this.#understand(flat).get(version);
    return {
      isWritten: isWritten === 1,
      after: after === undefined ? undefined : recordOf(version, after),
    };
  }

  /** Scans all keys of the database. Needs the right `SCAN`, which nothing else does. */
  async applications(signal: AbortSignal): Promise<readonly string[]> {
    const names = new Set<string>();
    let cursor = "0";
    do {
      const args = [cursor, "MATCH", `${PREFIX}*`, "COUNT", SCAN_COUNT, "TYPE", "hash"];
      const reply = await this.#call(signal, PREFIX, "SCAN", ...args);
      const [next, keys] = Array.isArray(reply) ? reply : [];
      if (typeof next !== "string" || !Array.isArray(keys)) throw this.#noReply();
      for (const key of keys) names.add(String(key).slice(PREFIX.length));
      cursor = next;
    } while (cursor !== "0");
    return [...names];
  }

  async clock(signal: AbortSignal): Promise<number> {
    const reply = await this.#call(signal, PREFIX, "TIME");
    const [seconds, microseconds] = Array.isArray(reply) ? reply : [];
    const nowMs = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
    if (!Number.isSafeInteger(nowMs)) throw this.#noReply();
    return nowMs;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#subscription.close();
    await this.#connection?.then(
      (connection) => connection.close(),
      () => {},
    );
  }

  async #readRaw(application: string, signal: AbortSignal): Promise<ReadonlyMap<string, RawRecord>> {
    const key = PREFIX + application;
    const limits = [HASH_FIELDS_MAX, HASH_BYTES_MAX];
    return this.#understand(await this.#call(signal, key, "EVAL", READ, 1, key, ...limits));
  }

  #understand(flat: unknown): ReadonlyMap<string, RawRecord> {
    const records = rawRecords(flat);
    if (records === undefined) throw this.#noReply();
    return records;
  }

  /** Refuses a write after which no daemon could read the hash. */
  #refuseTooLarge(hash: ReadonlyMap<string, RawRecord>, sets: readonly (readonly [string, string])[]): void {
    const all = new Map([...[...hash.values()].flatMap((raw) => [...raw]), ...sets]);
    const bytes = [...all].flat().reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (bytes <= HASH_BYTES_MAX && all.size <= HASH_FIELDS_MAX) return;
    const remedy = "remove with HDEL the versions that no daemon serves; nothing was written";
    throw new StoreError("refused", `${this.address} would have more data than a daemon can read; ${remedy}`);
  }

  /**
   * A command that ends when its signal is aborted. Opens a connection if there is none. Rejects with a
   * `StoreError`.
   */
  async #call(
    signal: AbortSignal,
    key: string,
    command: string,
    ...args: readonly (string | number | readonly string[])[]
  ): Promise<unknown> {
    const wanted = AbortSignal.any([signal, this.#closing.signal]);
    if (wanted.aborted) throw abandoned(wanted);
    try {
      return await unlessAborted(wanted, this.#send(command, args.flat()));
    } catch (error) {
      throw wanted.aborted ? abandoned(wanted) : redisFault(`${this.address} (${key})`, error);
    }
  }

  async #send(command: string, args: readonly (string | number)[]): Promise<unknown> {
    this.#connection ??= this.#connect();
    return (await this.#connection).call(command, ...args);
  }

  /** Opens a connection. It is dropped when it ends or cannot be opened. */
  async #connect(): Promise<RedisConnection> {
    const forget = () => {
      this.#connection = undefined;
    };
    try {
      const connection = await RedisConnection.open(this.#client, this.#place, this.#closing.signal);
      if (connection.ended.aborted) forget();
      else connection.ended.addEventListener("abort", forget, { once: true });
      return connection;
    } catch (error) {
      forget();
      throw error;
    }
  }

  #noReply(): StoreError {
    return new StoreError("malformed", `the server at ${this.address} is not Redis; check host and port`);
  }
}

/**
 * The time of day in microseconds, because the second of two writes within a millisecond must not look
 * older.
 */
function nowUs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1_000);
}
