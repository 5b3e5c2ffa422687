/**
 * Reads many applications. The first time, it reads all keys below the prefix, page by page, at one revision.
 * Later it asks only for the keys that were written since then. So a poll of ten thousand applications costs
 * little, although some release may write to etcd every few seconds.
 *
 * etcd does not say which keys were deleted. But it counts all keys of the range: if there are fewer than the
 * new ones explain, all keys are read again. They are also read again after each failure, and some rounds
 * after a round that read only a part, because a backup that was restored may have a past of its own. So a
 * store in which nothing changes costs one small request each time.
 *
 * If there are only a few applications, or the user may not read all keys, each application is read by its
 * own range.
 */

import { Slices } from "../../slices.ts";
import { RECORDS_MAX, type Snapshot, type Snapshots, StoreError } from "../store.ts";
import { EtcdError } from "./faults.ts";
import { below, directoryOf } from "./keys.ts";
import { ANSWER_BYTES_MAX, type EtcdPagesOptions, readPages } from "./many-pages.ts";
import type { KeyValue, Range } from "./records.ts";
import { areSame, EMPTY, type EtcdSnapshot, snapshotFor, tooLong } from "./snapshots.ts";

/**
 * At most this many applications are read by their own ranges, and at most this many such reads run at once.
 */
const FEW = 8;

/** This many rounds after a part of the keys was read, all are read again: after about a minute. */
const ROUNDS_MAX = 15;

type Answer = EtcdSnapshot | StoreError;

/** All that was below the prefix at one revision. */
interface Base {
  readonly era: string;
  readonly revision: string;
  /** The number of keys. */
  readonly count: number;
  /** The number of applications that had been asked for. */
  readonly asked: number;
  /** Rounds since a round brought only a part of the keys; 0 if all were read at this revision. */
  readonly rounds: number;
  /** When all keys were read. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** The applications that were written since. They are few, because all keys are read again soon. */
  readonly changed: ReadonlyMap<string, Answer>;
}

export class EtcdMany {
  readonly #options: EtcdPagesOptions;
  /** All applications that were ever asked for. */
  readonly #asked = new Set<string>();
  /** The last snapshot of each application. */
  readonly #known = new Map<string, EtcdSnapshot>();
  #base: Base | undefined;
  /** The user may not read all keys. */
  #isDenied = false;

  constructor(options: EtcdPagesOptions) {
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
          answer.set(application, this.#answerOf(application, await this.#own(application, signal)));
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

  async #own(application: string, signal: AbortSignal): Promise<readonly KeyValue[]> {
    const { prefix, range } = this.#options;
    const query = { ...below(directoryOf(prefix, application)), limit: String(RECORDS_MAX + 1) };
    try {
      return (await range(query, signal, ANSWER_BYTES_MAX)).values;
    } catch (error) {
      throw error instanceof EtcdError && error.isTooLong ? tooLong(application) : error;
    }
  }

  async #readAll(signal: AbortSignal): Promise<Snapshots> {
    const base = this.#base;
    this.#base = undefined;
    const isUsable = base !== undefined && base.asked === this.#asked.size && base.rounds < ROUNDS_MAX;
    const now =
      (isUsable ? await this.#changedSince(base, signal) : undefined) ?? (await this.#whole(signal));
    this.#base = now;
    return { get: (application) => answerIn(now, application) ?? EMPTY };
  }

  async #whole(signal: AbortSignal): Promise<Base> {
    const asked = this.#asked.size;
    const { first, values, tooLong: long } = await readPages(this.#options, this.#asked, undefined, signal);
    const answers = new Map<string, Answer>();
    const slices = new Slices();
    for (const [application, own] of values) {
      answers.set(application, this.#answerOf(application, own));
      if (slices.isOverNow()) await slices.next();
    }
    for (const application of long) answers.set(application, tooLong(application));
    return { ...stateOf(first), asked, rounds: 0, answers, changed: new Map() };
  }

  /** Undefined if all keys have to be read. */
  async #changedSince(base: Base, signal: AbortSignal): Promise<Base | undefined> {
    const { prefix, range } = this.#options;
    const query = { ...below(prefix), keys_only: true, limit: "1" };
    const { era, revision } = await range(query, signal, ANSWER_BYTES_MAX);
    const rounds = base.rounds + 1;
    if (era !== base.era || BigInt(revision) < BigInt(base.revision)) return undefined;
    if (revision === base.revision) return base.rounds === 0 ? base : { ...base, rounds };

    const {
      first,
      values,
      created,
      tooLong: long,
    } = await readPages(this.#options, this.#asked, base.revision, signal);
    const isTold = first.era === era && first.count - created === base.count && long.size === 0;
    if (!isTold) return undefined;
    const changed = new Map<string, Answer>();
    for (const [application, own] of values) {
      const before = answerIn(base, application);
      if (before instanceof StoreError) return undefined;
      changed.set(application, this.#answerOf(application, own, before));
    }
    // The answers of an earlier round stay as they are: its reader may still be at work on them.
    const all = changed.size === 0 ? base.changed : new Map([...base.changed, ...changed]);
    return { ...base, ...stateOf(first), rounds, changed: all };
  }

  /** If nothing has changed, the snapshot is the same object as before. */
  #answerOf(application: string, values: readonly KeyValue[], before?: EtcdSnapshot): Answer {
    const answer = snapshotFor(this.#options.prefix, application, values, before);
    if (answer instanceof StoreError) return answer;
    const known = this.#known.get(application);
    if (known !== undefined && areSame(known, answer)) return known;
    this.#known.set(application, answer);
    return answer;
  }
}

function answerIn({ changed, answers }: Base, application: string): Answer | undefined {
  return changed.get(application) ?? answers.get(application);
}

function stateOf({ era, revision, count }: Range): Pick<Base, "era" | "revision" | "count"> {
  return { era, revision, count };
}
