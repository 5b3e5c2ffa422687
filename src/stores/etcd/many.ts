/**
 * Reads many applications: all keys below the prefix, page by page, at one revision. If the revision of the
 * whole store is the same as last time, nothing has changed. One small request finds that out.
 *
 * If there are only a few applications, or the user may not read all keys, each application is read by its
 * own range.
 */

import { RECORDS_MAX, type Snapshot, type Snapshots, StoreError } from "../store.ts";
import { EtcdError } from "./faults.ts";
import { applicationOf, below, directoryOf, next } from "./keys.ts";
import { type KeyValue, type Range, snapshotOf } from "./records.ts";

/**
 * At most this many applications are read by their own ranges, and at most this many such reads run at once.
 */
const FEW = 8;

/** Number of keys in a page. Parsing a page must not make visitors wait. */
const PAGE_KEYS = 256;
const PAGES_MAX = 512;

/** Bytes of an answer. A page of records with authors and reasons takes less. */
const ANSWER_BYTES_MAX = 512 * 1024;

/**
 * An application's records may have this many bytes together: 64 versions with 2 KiB each. More would make
 * visitors wait.
 */
export const APPLICATION_BYTES_MAX = 128 * 1024;

export interface EtcdManyOptions {
  readonly prefix: string;
  readonly address: string;
  readonly range: (
    query: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    bytesMax: number,
  ) => Promise<Range>;
}

interface Known {
  /** Keys and their revisions. */
  readonly text: string;
  readonly answer: Snapshot | StoreError;
}

/** The keys of an application, or the error that keeps them from being used. */
type Found = KeyValue[] | StoreError;

export class EtcdMany {
  readonly #options: EtcdManyOptions;
  /** All applications that were ever asked for. */
  readonly #asked = new Set<string>();
  readonly #known = new Map<string, Known>();
  #last: { readonly state: string; readonly snapshots: Snapshots; readonly asked: number } | undefined;
  /** The user may not read all keys. */
  #isDenied = false;

  constructor(options: EtcdManyOptions) {
    this.#options = options;
  }

  async read(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    for (const application of applications) this.#asked.add(application);
    if (applications.length <= FEW || this.#isDenied) return this.#readEach(applications, signal);
    try {
      return await this.#readAll(signal);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== "denied") throw error;
      const snapshots = await this.#readEach(applications, signal);
      this.#isDenied = true;
      return snapshots;
    }
  }

  async #readEach(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    const answer = new Map<string, Snapshot | StoreError>();
    const waiting = applications[Symbol.iterator]();
    const failures: StoreError[] = [];
    const readOn = async () => {
      for (const application of waiting) {
        try {
          answer.set(application, this.#understand(application, await this.#own(application, signal)));
        } catch (error) {
          if (!(error instanceof StoreError) || error.code === "unavailable") throw error;
          failures.push(error);
          answer.set(application, error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(FEW, applications.length) }, readOn));
    const [first] = failures;
    if (first !== undefined && failures.length === applications.length) throw first;
    return answer;
  }

  async #own(application: string, signal: AbortSignal): Promise<KeyValue[]> {
    const { prefix, range } = this.#options;
    const query = { ...below(directoryOf(prefix, application)), limit: String(RECORDS_MAX + 1) };
    try {
      return [...(await range(query, signal, ANSWER_BYTES_MAX)).values];
    } catch (error) {
      throw error instanceof EtcdError && error.isTooLong ? tooLong(application) : error;
    }
  }

  async #readAll(signal: AbortSignal): Promise<Snapshots> {
    const { prefix, range } = this.#options;
    const last = this.#last;
    if (last !== undefined && last.asked === this.#asked.size) {
      const first = await range({ ...below(prefix), keys_only: true, limit: "1" }, signal, ANSWER_BYTES_MAX);
      if (first.state === last.state) return last.snapshots;
    }
    const found = new Map<string, Found>();
    const state = await this.#readPages(found, signal);
    const snapshots = new EtcdSnapshots(found, (application, values) =>
      this.#understand(application, values),
    );
    this.#last = { state, snapshots, asked: this.#asked.size };
    return snapshots;
  }

  /** @returns the state of the store in which all of it was read */
  async #readPages(found: Map<string, Found>, signal: AbortSignal): Promise<string> {
    const { prefix, address, range } = this.#options;
    let { key, range_end } = below(prefix);
    let first: Range | undefined;
    let limit = PAGE_KEYS;
    for (let page = 0; page < PAGES_MAX; page++) {
      const at = first === undefined ? {} : { revision: first.revision };
      let read: Range;
      try {
        read = await range({ key, range_end, ...at, limit: String(limit) }, signal, ANSWER_BYTES_MAX);
      } catch (error) {
        if (!(error instanceof EtcdError && error.isTooLong)) throw error;
        if (limit > 1) {
          limit = Math.ceil(limit / 4);
          continue;
        }
        // One key alone is too long. Only its application fails; the others are read.
        read = await range({ key, range_end, ...at, limit: "1", keys_only: true }, signal, ANSWER_BYTES_MAX);
        for (const value of read.values) {
          const application = applicationOf(prefix, value.key);
          if (application !== undefined) found.set(application, tooLong(application));
        }
      }
      first ??= read;
      this.#sort(read.values, found);
      if (!read.isCut) return first.state;
      key = next(read.values.at(-1)?.key ?? key);
      limit = Math.min(PAGE_KEYS, limit * 2);
    }
    const remedy = "name a prefix that only maxwells-daemon uses";
    throw new EtcdError("malformed", `${address} has more than ${PAGES_MAX * PAGE_KEYS} keys; ${remedy}`);
  }

  #sort(values: readonly KeyValue[], found: Map<string, Found>): void {
    for (const value of values) {
      const application = applicationOf(this.#options.prefix, value.key);
      if (application === undefined || !this.#asked.has(application)) continue;
      const own = found.get(application);
      if (own === undefined) found.set(application, [value]);
      else if (Array.isArray(own) && own.length <= RECORDS_MAX) own.push(value);
    }
  }

  #understand(application: string, values: readonly KeyValue[]): Snapshot | StoreError {
    const refused = refusalOf(application, values);
    if (refused !== undefined) return refused;
    const text = values
      .map(({ key, modRevision, text: value }) => `${key} ${modRevision} ${value}`)
      .join("\n");
    const known = this.#known.get(application);
    if (known?.text === text) return known.answer;
    const answer = snapshotOf(this.#options.prefix, application, values);
    this.#known.set(application, { text, answer });
    return answer;
  }
}

/** Snapshots that are made on request. */
class EtcdSnapshots implements Snapshots {
  readonly #found: Map<string, Found>;
  readonly #understand: (application: string, values: readonly KeyValue[]) => Snapshot | StoreError;
  readonly #made = new Map<string, Snapshot | StoreError>();

  constructor(
    found: Map<string, Found>,
    understand: (application: string, values: readonly KeyValue[]) => Snapshot | StoreError,
  ) {
    this.#found = found;
    this.#understand = understand;
  }

  get(application: string): Snapshot | StoreError {
    const made = this.#made.get(application);
    if (made !== undefined) return made;
    const found = this.#found.get(application) ?? [];
    const answer = Array.isArray(found) ? this.#understand(application, found) : found;
    this.#found.delete(application);
    this.#made.set(application, answer);
    return answer;
  }
}

/** The reason why an application with these keys is not used. */
export function refusalOf(application: string, values: readonly KeyValue[]): StoreError | undefined {
  if (values.length > RECORDS_MAX) {
    const remedy = "delete the keys of versions that no longer exist";
    return new EtcdError("malformed", `${application} has more than ${RECORDS_MAX} keys; ${remedy}`);
  }
  const bytes = values.reduce((sum, { text }) => sum + text.length, 0);
  return bytes > APPLICATION_BYTES_MAX ? tooLong(application) : undefined;
}

function tooLong(application: string): StoreError {
  const remedy = "delete versions and fields that nothing needs";
  return new EtcdError(
    "malformed",
    `${application} has more than ${APPLICATION_BYTES_MAX} bytes of records; ${remedy}`,
  );
}
