/**
 * The server of the simulated store: records with compare-and-set, evidence, and a clock that may be wrong.
 * It keeps each version that it ever had, with its writer and its true time, so that the laws can be checked
 * over the whole history. It may go back to an older state, as if a replica that lagged took over.
 */

import type { EvidenceLog, EvidenceNews } from "../../src/stores/evidence.ts";
import type { RecordFields, Snapshot, StoreRecord, Written } from "../../src/stores/store.ts";
import { EPOCH_MS, type Scheduler } from "./scheduler.ts";

export interface EngineOptions {
  readonly hasClock: boolean;
  /** Whether records have positions that grow. */
  readonly hasPositions: boolean;
  /**
   * `content`: the revision is the content, as in a file. `count`: it is a number that goes back with the
   * state, and the content. `unique`: it never comes twice.
   */
  readonly revisions: "content" | "count" | "unique";
  /** The engine's clock less true time at the beginning. */
  readonly clockSkewMs: number;
}

/** The author of a change of the store. */
export interface Author {
  readonly kind: "controller" | "person" | "hand" | "world";
  readonly name: string;
  /** The process that wrote, and the call with which it did; for the laws. */
  readonly call?: unknown;
}

/** A change of one record. */
export interface Commit {
  readonly index: number;
  readonly atMs: number;
  /** The engine's clock at this moment. */
  readonly storeMs: number;
  readonly application: string;
  readonly version: string;
  /** Undefined if there is no record. */
  readonly before: StoreRecord | undefined;
  readonly after: StoreRecord | undefined;
  readonly by: Author;
}

type Records = ReadonlyMap<string, ReadonlyMap<string, StoreRecord>>;

/** The state of the store after a change. */
interface State {
  readonly records: Records;
  readonly atMs: number;
  readonly position: number;
}

const NO_RECORDS: ReadonlyMap<string, StoreRecord> = new Map();

export class Engine {
  readonly scheduler: Scheduler;
  readonly options: EngineOptions;
  /** Grows with each fall back to an older state. */
  epoch = 0;
  clockSkewMs: number;
  /** The skew from a true time on, for the laws. */
  readonly #skews: { readonly atMs: number; readonly skewMs: number }[] = [];
  /** Called with each change, at once. */
  onCommit: (commit: Commit) => void = () => {};
  /** Called when the store has gone back. */
  onFailover: () => void = () => {};
  readonly commits: Commit[] = [];
  readonly #states: State[] = [{ records: new Map(), atMs: 0, position: 0 }];
  #position = 0;
  #unique = 0;
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #evidence = new Map<string, { readonly batch: string; readonly atMs: number }[]>();

  constructor(scheduler: Scheduler, options: EngineOptions) {
    this.scheduler = scheduler;
    this.options = options;
    this.clockSkewMs = options.clockSkewMs;
    this.#skews.push({ atMs: 0, skewMs: options.clockSkewMs });
  }

  jump(byMs: number): void {
    this.clockSkewMs += byMs;
    this.#skews.push({ atMs: this.scheduler.nowMs, skewMs: this.clockSkewMs });
  }

  /** The engine's clock at a true time. */
  storeMsAt(atMs: number): number {
    const skewMs = this.#skews.findLast((each) => each.atMs <= atMs)?.skewMs ?? 0;
    return EPOCH_MS + atMs + skewMs;
  }

  /** The engine's clock: milliseconds since 1970. */
  get storeMs(): number {
    return EPOCH_MS + this.scheduler.nowMs + this.clockSkewMs;
  }

  get state(): State {
    return this.#states.at(-1) as State;
  }

  /** The records of an application; the same object as long as they do not change. */
  snapshot(application: string, { records }: State = this.state): Snapshot {
    return records.get(application) ?? NO_RECORDS;
  }

  record(application: string, version: string): StoreRecord | undefined {
    return this.snapshot(application).get(version);
  }

  /** The state that a replica has that lags. */
  stateAgo(ms: number): State {
    const untilMs = this.scheduler.nowMs - ms;
    return this.#states.findLast(({ atMs }) => atMs <= untilMs) ?? (this.#states[0] as State);
  }

  write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    by: Author,
  ): Written {
    const current = this.record(application, version);
    if ((current?.revision ?? null) !== expected) return { ok: false, current };
    const value = { ...(current?.value as object), ...fields };
    return { ok: true, revision: this.put(application, version, value, by) ?? "" };
  }

  /** Writes whatever the record is, as the engine's own tools do. An undefined value removes the record. */
  put(application: string, version: string, value: unknown, by: Author): string | undefined {
    const before = this.record(application, version);
    const position = ++this.#position;
    const after = value === undefined ? undefined : this.#recordOf(value, position);
    const versions = new Map(this.snapshot(application));
    if (after === undefined) versions.delete(version);
    else versions.set(version, after);
    const records = new Map(this.state.records).set(application, versions);
    const { nowMs } = this.scheduler;
    this.#states.push({ records, atMs: nowMs, position });
    const commit = {
      ...{ index: this.commits.length, atMs: nowMs, storeMs: this.storeMs },
      ...{ application, version, before, after, by },
    };
    this.commits.push(commit);
    this.onCommit(commit);
    this.#nudge(application);
    return after?.revision;
  }

  /**
   * Goes back to the state of some time ago, with the evidence of that time. Calls that are on their way
   * reach the old server, and are lost.
   */
  failOver(agoMs: number, clockByMs: number): void {
    const state = this.stateAgo(agoMs);
    const before = this.state;
    this.epoch++;
    this.jump(clockByMs);
    const { nowMs } = this.scheduler;
    this.#states.push({ ...state, atMs: nowMs });
    this.#position = state.position;
    for (const batches of this.#evidence.values()) {
      while ((batches.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) > nowMs - agoMs) batches.pop();
    }
    this.#tellChanges(before, state);
    this.onFailover();
  }

  /** A person brings an older state of the records back, as new writes. The evidence stays. */
  restore(agoMs: number, application: string): void {
    const old = this.snapshot(application, this.stateAgo(agoMs));
    const by: Author = { kind: "world", name: "restored" };
    const versions = new Set([...this.snapshot(application).keys(), ...old.keys()]);
    for (const version of versions) {
      const value = old.get(version)?.value;
      if (value !== this.record(application, version)?.value) this.put(application, version, value, by);
    }
  }

  watch(application: string, changed: () => void): () => void {
    const watchers = this.#watchers.get(application) ?? new Set();
    this.#watchers.set(application, watchers.add(changed));
    return () => watchers.delete(changed);
  }

  append({ application, key }: EvidenceLog, batches: readonly string[]): void {
    const name = `${application}~${key}`;
    const log = this.#evidence.get(name) ?? [];
    this.#evidence.set(name, log);
    for (const batch of batches) log.push({ batch, atMs: this.scheduler.nowMs });
  }

  /** @param most at most this many batches */
  readEvidence({ application, key }: EvidenceLog, cursor: string | undefined, most: number): EvidenceNews {
    const log = this.#evidence.get(`${application}~${key}`) ?? [];
    const [epoch, index] = (cursor ?? "").split(":");
    const from = epoch === String(this.epoch) ? Number(index) : 0;
    const batches = log.slice(from, from + most).map(({ batch }) => batch);
    const next = from + batches.length;
    return { batches, cursor: `${this.epoch}:${next}`, hasMore: next < log.length };
  }

  #recordOf(value: unknown, position: number): StoreRecord {
    // A store of JSON has no field that is undefined.
    const text = JSON.stringify(value);
    const revision = {
      content: text,
      count: `${position} ${text}`,
      unique: `u${++this.#unique}`,
    }[this.options.revisions];
    const record = { value: JSON.parse(text) as unknown, revision };
    return this.options.hasPositions ? { ...record, position } : record;
  }

  /** Records that the fall back has changed are changes by the world. */
  #tellChanges(before: State, after: State): void {
    for (const application of new Set([...before.records.keys(), ...after.records.keys()])) {
      const [old, now] = [this.snapshot(application, before), this.snapshot(application, after)];
      for (const version of new Set([...old.keys(), ...now.keys()])) {
        if (old.get(version) === now.get(version)) continue;
        const commit: Commit = {
          ...{ index: this.commits.length, atMs: this.scheduler.nowMs, storeMs: this.storeMs },
          ...{ application, version, before: old.get(version), after: now.get(version) },
          by: { kind: "world", name: "failover" },
        };
        this.commits.push(commit);
        this.onCommit(commit);
      }
      this.#nudge(application);
    }
  }

  #nudge(application: string): void {
    for (const changed of [...(this.#watchers.get(application) ?? [])]) changed();
  }
}
