/**
 * The contract of a store: the place in which operators keep rollouts.
 *
 * The life of a store: `open` makes it, without waiting for its server. The feed calls `read` and `watch`,
 * and the command line calls `write` and `remove`, in any order and number, also at once. `close` is called
 * once, last, also while a read is under way.
 *
 * Failures: `read`, `write` and `remove` reject, best with a `StoreError` whose message says what to do;
 * `watch` and `close` do not. A store never retries for longer than its caller's signal lasts, starts no work
 * before it is asked, and keeps nothing global. The feed judges what a store read: a malformed record is
 * returned as it is.
 *
 * This contract is about rollouts. A need of another kind, such as evidence of how well a version serves,
 * gets an interface of its own, and not a further optional method here. One class may implement both.
 */

/** One (application, version) as it lies in the store. */
export interface StoreRecord {
  /** A number, or an object with at least `rollout`; unchecked. */
  readonly value: unknown;
  /** Changes whenever what a daemon acts upon changes. Opaque: compare it, pass it back, no more. */
  readonly revision: string;
  /** Grows with each write, if the engine counts writes. A lower one than before is an older state. */
  readonly position?: number;
}

/**
 * An application may have this many records, eight times as many as count; checking more would make visitors
 * wait.
 */
export const RECORDS_MAX = 512;

/** One state that a record had, as an engine remembers it. */
export interface PastRecord {
  readonly version: string;
  /** Unchecked; undefined where the record was removed. */
  readonly value: unknown;
  /** The time of the write by the engine's own clock, if it remembers that: milliseconds since 1970. */
  readonly atMs?: number;
  /**
   * The login that wrote it, if the engine remembers that. `updatedBy` in a value is the writer's own claim.
   */
  readonly login?: string;
}

/** All records of an application by version, read at one moment. */
export type Snapshot = ReadonlyMap<string, StoreRecord>;

/**
 * The answer of a store for several applications, each asked for with `get`; a `Map` is one. `get` may still
 * make the snapshot, in well under a millisecond, because visitors wait meanwhile.
 */
export interface Snapshots {
  /**
   * The application's snapshot, or why it alone cannot be had; undefined counts as a failure too. The very
   * object of the last read, unchanged, says that nothing has changed since: then the feed does not look at
   * it again.
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
   * Reads whole snapshots of many applications, with as few questions to the engine as it can. Rejects if it
   * can read none of them; what is wrong with one application is that application's answer. Each snapshot is
   * of one moment, which is not before the call; two snapshots may be of two. This is for daemons: fields
   * that they do not act upon may be left out, and a revision is of no use for `write`. Absent in a store
   * that can only read one after another: then the feed calls `read` for each, some at once.
   *
   * @param applications at least one, each once
   * @param signal       aborts when the caller no longer waits
   */
  readMany?(applications: readonly string[], signal: AbortSignal): Promise<Snapshots>;

  /**
   * Calls `changed` soon after each change of the application's records that the engine reports, and when the
   * engine may have missed one. Further calls do no harm. Absent if the engine has no push.
   *
   * @returns a function that ends the watch
   */
  watch?(application: string, changed: () => void): () => void;

  /**
   * Writes a record if it still has the revision `expected` (null: if it does not exist). A field that cannot
   * be kept is refused, with that code, and nothing is written. Absent in a store that is read-only.
   */
  write?(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written>;

  /**
   * Removes a record if it still has the revision `expected`. A record that is made again later has a higher
   * `position` than it had, in an engine that counts. Absent in a store that is read-only, or cannot remove.
   */
  remove?(application: string, version: string, expected: string, signal: AbortSignal): Promise<Removed>;

  /**
   * The names of all applications that have records, in any order. Absent if the engine cannot list them.
   */
  applications?(signal: AbortSignal): Promise<readonly string[]>;

  /**
   * The past of an application's records, newest first, with their present state, at most `limit` of them.
   * Absent if the engine remembers nothing: then the command line keeps a short list in the record itself.
   */
  history?(application: string, limit: number, signal: AbortSignal): Promise<readonly PastRecord[]>;

  /**
   * Makes what the store needs in its engine, such as a table; may be repeated, and changes no record that is
   * there. Absent if nothing is needed.
   *
   * @returns what is there now, in a sentence for people
   */
  init?(signal: AbortSignal): Promise<string>;

  close(): Promise<void>;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that a store is made with. */
export interface StoreContext {
  /** The part of the address behind the kind's name and colon. */
  readonly location: string;
  /** For DynamoDB, as in 2016. */
  readonly table: string;
  readonly region: string;
  /** For what an engine's own tools read there, such as `PGPASSWORD`. */
  readonly environment: Environment;
  /** For what an operator should know and no caller is told. */
  warn(message: string): void;
}

/** A kind of store. Its file exports one of these, and `list.ts` names it. */
export interface StoreKind {
  /** The scheme of its addresses: `file` for `file:PATH`. */
  readonly name: string;
  /** How an address is written, for help and error messages. */
  readonly usage: string;
  readonly summary: string;
  /**
   * Whether its stores have `history`, because the engine remembers the changes of all writers, and removals.
   */
  readonly keepsHistory?: true;
  /**
   * The fault in the part of an address behind the colon, in words that end in the remedy. Opens nothing.
   */
  check(location: string): string | undefined;
  open(context: StoreContext): Promise<Store>;
}

/** The closed set of what goes wrong with stores. */
export type StoreErrorCode =
  /** No answer, or the server says that it cannot serve now. */
  | "unavailable"
  /** It answered what cannot be a snapshot. */
  | "malformed"
  /** It refuses who is asking. */
  | "denied"
  /** The table, file or key is not there. */
  | "missing"
  /** It answered with an older state than before: a replica that lags, or a backup. */
  | "outdated"
  /**
   * It cannot keep what was to be written, and nothing was: of a write only, and only where that is certain.
   */
  | "refused";

/** A failure of a store, told so that an operator knows what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
