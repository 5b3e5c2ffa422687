/**
 * A store in memory, whose faults are the test's. It keeps records and evidence, and has a clock if the test
 * gives it one. Each call ends in a later turn of the event loop, as with a real store.
 */

import type { Evidence, EvidenceLog, EvidenceNews } from "../../src/stores/evidence.ts";
import {
  type RecordFields,
  type Snapshot,
  type Store,
  StoreError,
  type StoreRecord,
  type Written,
} from "../../src/stores/store.ts";

type Values = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** Called with each write before it is done. It may write too, throw, or say that the answer is lost. */
export type Before = (application: string, version: string, fields: RecordFields) => "lose" | undefined;

export class MemoryStore implements Store {
  readonly address = "memory:";
  readonly evidence: Evidence;
  clock?: (signal: AbortSignal) => Promise<number>;
  /** Number of calls of each kind. */
  readonly calls = { read: 0, write: 0, append: 0, readEvidence: 0, clock: 0 };
  before: Before | undefined;
  /** Called after a write whose answer is lost. */
  afterLoss: (() => void) | undefined;
  readonly #applications = new Map<string, Map<string, StoreRecord>>();
  readonly #evidence = new Map<string, string[]>();
  readonly #nudges = new Map<string, Set<() => void>>();
  #revision = 0;

  /** @param nowMs the clock of the store; undefined if it has none */
  constructor(nowMs?: () => number) {
    if (nowMs !== undefined) {
      this.clock = async () => {
        this.calls.clock++;
        return nowMs();
      };
    }
    this.evidence = {
      append: (log, batches) => this.#append(log, batches),
      read: (log, cursor) => this.#readEvidence(log, cursor),
    };
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    this.calls.read++;
    await turn();
    signal.throwIfAborted();
    return this.snapshot(application);
  }

  watch(application: string, changed: () => void): () => void {
    const nudges = this.#nudges.get(application) ?? new Set();
    this.#nudges.set(application, nudges.add(changed));
    return () => nudges.delete(changed);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    this.calls.write++;
    await turn();
    signal.throwIfAborted();
    const fate = this.before?.(application, version, fields);
    const current = this.#applications.get(application)?.get(version);
    if ((current?.revision ?? null) !== expected) return { ok: false, current };
    const revision = this.put(application, version, { ...(current?.value as object), ...fields });
    if (fate === "lose") {
      this.afterLoss?.();
      throw new StoreError("unavailable", "the answer is lost");
    }
    return { ok: true, revision };
  }

  /** Writes at once, as a person with the engine's own tools does. Returns the revision. */
  put(application: string, version: string, value: Readonly<Record<string, unknown>>): string {
    const records = this.#applications.get(application) ?? new Map<string, StoreRecord>();
    this.#applications.set(application, records);
    const revision = String(++this.#revision);
    // A store of JSON has no field that is undefined.
    records.set(version, { value: JSON.parse(JSON.stringify(value)), revision, position: this.#revision });
    for (const changed of this.#nudges.get(application) ?? []) changed();
    return revision;
  }

  /** The fields of a record now; undefined if there is none. */
  value(application: string, version: string): Readonly<Record<string, unknown>> | undefined {
    return this.#applications.get(application)?.get(version)?.value as
      | Readonly<Record<string, unknown>>
      | undefined;
  }

  /** All records of an application now. */
  snapshot(application: string): Snapshot {
    return new Map(this.#applications.get(application) ?? []);
  }

  /** All values of an application now. A later `restore` brings them back, as an older replica does. */
  values(application: string): Values {
    const records = this.#applications.get(application) ?? new Map<string, StoreRecord>();
    return new Map([...records].map(([version, { value }]) => [version, value as Record<string, unknown>]));
  }

  restore(application: string, values: Values): void {
    this.#applications.set(application, new Map());
    for (const [version, value] of values) this.put(application, version, value);
  }

  /** All batches of a log. */
  batches({ application, key }: EvidenceLog): readonly string[] {
    return this.#evidence.get(`${application}~${key}`) ?? [];
  }

  async close(): Promise<void> {}

  async #append({ application, key }: EvidenceLog, batches: readonly string[]): Promise<void> {
    this.calls.append++;
    await turn();
    const name = `${application}~${key}`;
    this.#evidence.set(name, [...(this.#evidence.get(name) ?? []), ...batches]);
  }

  async #readEvidence(log: EvidenceLog, cursor: string | undefined): Promise<EvidenceNews> {
    this.calls.readEvidence++;
    await turn();
    const all = this.batches(log);
    return { batches: all.slice(Number(cursor ?? 0)), cursor: String(all.length), hasMore: false };
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
