/**
 * The contract of a store: the place in which operators keep rollouts.
 *
 * The life of a store: `open` makes it, without waiting for its server. The feed calls `read` and `watch`,
 * and the command line calls `write` and `remove`, in any order, any number of times, and at the same time.
 * `close` is the last call. It comes once, and a read may still be under way.
 *
 * Failures: `read`, `write` and `remove` reject, best with a `StoreError` whose message says what to do.
 * `watch` and `close` must not fail. A store stops retrying when its caller's signal is aborted, starts no
 * work before it is called, and has no global state. It does not check records: it returns a malformed one as
 * it is, and the feed checks it.
 *
 * This contract is about rollouts only. Data of another kind, such as evidence of how well a version works,
 * has its own interface in `evidence.ts`, and not another optional method here. One class may implement both.
 */

import type { Evidence } from "./evidence.ts";

// `maxwells-daemon/store` is this file, and the author of a custom store needs both contracts.
export type { Evidence, EvidenceLog, EvidenceNews } from "./evidence.ts";

/** The record of one version of an application in the store. */
export interface StoreRecord {
  /** A number, or an object with at least `rollout`; unchecked. */
  readonly value: unknown;
  /**
   * Changes whenever a field changes that a daemon acts upon. Opaque: callers only compare it, and pass it
   * back. Two states of a record never have the same one, not even if the engine has fallen back to an older
   * state between them: a count alone is not enough.
   */
  readonly revision: string;
  /** Grows with each write, if the engine counts writes. A lower one than before means an older state. */
  readonly position?: number;
}

/**
 * An application may have this many records: eight times the number that counts. Checking more would make
 * visitors wait.
 */
export const RECORDS_MAX = 512;

/** An earlier state of a record, from the engine's history. */
export interface PastRecord {
  readonly version: string;
  /** Unchecked; undefined if the record was removed. */
  readonly value: unknown;
  /** The time of the write by the engine's own clock, if the engine keeps it: milliseconds since 1970. */
  readonly atMs?: number;
  /** The login of the writer, if the engine keeps it. `updatedBy` in a value is only the writer's claim. */
  readonly login?: string;
}

/** All records of an application by version, read at one moment. */
export type Snapshot = ReadonlyMap<string, StoreRecord>;

/**
 * The answer of a store for several applications. The feed calls `get` for each one; a `Map` will do. `get`
 * may make the snapshot only then, but in much less than a millisecond, because visitors wait meanwhile.
 */
export interface Snapshots {
  /**
   * The application's snapshot, or the error that concerns this application only; undefined is a failure too.
   * If the result is the same object as in the last read, it must be unchanged. The feed then knows that
   * nothing has changed, and does not check it again.
   */
  get(application: string): Snapshot | StoreError | undefined;
}

/**
 * The fields that `write` sets in a record. Fields that are not named stay as they are; one that is undefined
 * is removed.
 */
export type RecordFields = Readonly<Record<string, unknown>> & { readonly rollout: number };

/** The outcome of a compare-and-set. */
export type Written = { readonly ok: true; readonly revision: string } | Lost;

/** The outcome of a compare-and-set that removes. */
export type Removed = { readonly ok: true } | Lost;

/** Another writer was first. `current` is what is there now, undefined if the record is gone. */
export interface Lost {
  readonly ok: false;
  readonly current: StoreRecord | undefined;
}

export interface Store {
  /** Its address for people, without secrets. */
  readonly address: string;

  /**
   * Reads one whole snapshot: everything or an error, never a part. An application that the store does not
   * know has an empty snapshot.
   *
   * @param signal aborts when the caller no longer waits
   */
  read(application: string, signal: AbortSignal): Promise<Snapshot>;

  /**
   * Reads whole snapshots of many applications, with as few requests to the engine as possible. Rejects only
   * if it can read none of them; a fault of one application is the answer for that application. Each snapshot
   * is the state at one moment after the call; two snapshots may be of different moments. This is for
   * daemons: fields that they do not act upon may be left out, and the revisions cannot be used with `write`.
   * `release` is there. If the release is over, its `log` and its `arcs` may be left out.
   * Absent if the store can only read one application at a time: then the feed calls `read` for each, several
   * at once.
   *
   * @param applications at least one, each once
   * @param signal       aborts when the caller no longer waits
   */
  readMany?(applications: readonly string[], signal: AbortSignal): Promise<Snapshots>;

  /**
   * Calls `changed` soon after each change of the application's records that the engine reports, and after
   * each time in which a report may have been lost. Additional calls do no harm. Absent if the engine has no
   * push.
   *
   * @returns a function that ends the watch
   */
  watch?(application: string, changed: () => void): () => void;

  /**
   * Writes a record if it still has the revision `expected` (null: if there is no record). If the engine
   * cannot store a field, rejects with the code `refused` and writes nothing. Absent if the store is
   * read-only.
   */
  write?(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written>;

  /**
   * Removes a record if it still has the revision `expected`. If the engine counts writes, a record that is
   * created again later must have a higher `position` than before. Absent if the store is read-only, or
   * cannot remove.
   */
  remove?(application: string, version: string, expected: string, signal: AbortSignal): Promise<Removed>;

  /** The names of all applications that have records, in any order. Absent if the engine cannot list them. */
  applications?(signal: AbortSignal): Promise<readonly string[]>;

  /**
   * The history of an application's records, newest first, including their current state: `limit` states at
   * most. Absent if the engine keeps no history: then the command line keeps a short list in the record
   * itself.
   */
  history?(application: string, limit: number, signal: AbortSignal): Promise<readonly PastRecord[]>;

  /**
   * The engine's own clock, now: milliseconds since 1970, exact to a second or better. Absent if the engine
   * has no clock that a client can read.
   */
  clock?(signal: AbortSignal): Promise<number>;

  /** The second contract, for releases. Absent if the store cannot keep evidence. */
  readonly evidence?: Evidence;

  /**
   * Creates what the store needs in its engine, such as a table. It may be repeated, and changes no existing
   * record. Absent if nothing is needed.
   *
   * @returns a sentence for people that says what exists now
   */
  init?(signal: AbortSignal): Promise<string>;

  close(): Promise<void>;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that a store is made with. */
export interface StoreContext {
  /** The part of the address after the kind's name and the colon. */
  readonly location: string;
  /** For DynamoDB, as in 2016. */
  readonly table: string;
  readonly region: string;
  /** For variables that the engine's own tools read too, such as `PGPASSWORD`. */
  readonly environment: Environment;
  /** Logs a warning for the operator that is not the error of any call. */
  warn(message: string): void;
}

/** A kind of store. Its file exports one of these, and `list.ts` names it. */
export interface StoreKind {
  /** The scheme of its addresses: `file` for `file:PATH`. */
  readonly name: string;
  /** The form of an address, for help and error messages. */
  readonly usage: string;
  readonly summary: string;
  /** Whether its stores have `history`, because the engine keeps the changes of all writers, and removals. */
  readonly keepsHistory?: true;
  /** Whether its stores have no `write`. */
  readonly isReadOnly?: true;
  /**
   * The fault in the part of an address after the colon, in a message that ends in the remedy; undefined if
   * there is none. Opens nothing.
   */
  check(location: string): string | undefined;
  open(context: StoreContext): Promise<Store>;
}

/** All kinds of failures of a store. */
export type StoreErrorCode =
  /** No answer, or the server says that it cannot serve now. */
  | "unavailable"
  /** The answer cannot be a snapshot. */
  | "malformed"
  /** The server refuses this user. */
  | "denied"
  /** The table, file or key does not exist. */
  | "missing"
  /** The answer is an older state than before, from a replica that lags or from a backup. */
  | "outdated"
  /** For writes only: the engine cannot store the value, and it is certain that nothing was written. */
  | "refused";

/** A failure of a store. Its message says what the operator can do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
