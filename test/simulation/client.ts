/** The simulated store, as one process sees it through the network. */

import { fieldsOf } from "../../src/records/fields.ts";
import { isUnderWay, RELEASE } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Evidence, EvidenceLog } from "../../src/stores/evidence.ts";
import { abandoned } from "../../src/stores/shared/abort.ts";
import {
  type RecordFields,
  type Snapshot,
  type Store,
  StoreError,
  type StoreRecord,
  type Written,
} from "../../src/stores/store.ts";
import type { Random } from "../support/random.ts";
import type { Author, Engine } from "./engine.ts";
import { nowOfRecord } from "./laws/knowledge.ts";
import { drawFate, type Fate, type Weather } from "./network.ts";
import type { Typed } from "./person.ts";
import type { Process } from "./scheduler.ts";
import type { Timeline } from "./timeline.ts";

/** The abilities of a run's store. */
export interface Abilities {
  readonly hasReadMany: boolean;
  readonly hasWatch: boolean;
  readonly keepsHistory: boolean;
  readonly hasEvidence: boolean;
  /** Whether `readMany` leaves out the log of a release that is over. */
  readonly omitsLogs: boolean;
}

/** A call of a process, for the laws. */
export interface Call {
  readonly process: Process;
  /** In true time, on the monotonic clock of the process, and on its wall clock. */
  readonly calledAtMs: number;
  readonly clockMs: number;
  readonly wallMs: number;
  /** The command of a person; undefined for a daemon. */
  readonly typed: Typed | undefined;
  /** The knowledge of the process when it called. */
  readonly reads: ReadonlyMap<string, Seen>;
}

/** The last snapshot of an application that reached a process. */
export interface Seen {
  readonly snapshot: Snapshot;
  /** When the store gave it, and when it reached the process, in true time. */
  readonly givenAtMs: number;
  readonly atMs: number;
  /** When it reached the process, on its monotonic clock. */
  readonly clockMs: number;
}

/** The store's answer. */
type Given = Pick<Seen, "snapshot" | "givenAtMs">;

export interface ClientOptions {
  readonly engine: Engine;
  readonly process: Process;
  readonly author: Author;
  readonly abilities: Abilities;
  readonly weather: () => Weather;
  readonly random: Random;
  readonly timeline: Timeline;
  /** Called when a snapshot has reached the process. */
  readonly saw?: (application: string, seen: Seen) => void;
  /** Called when the process knows that its write is done. */
  readonly wrote?: (application: string, version: string, record: StoreRecord) => void;
}

export class Client implements Store {
  readonly address = "sim:";
  readonly #options: ClientOptions;
  readonly #reads = new Map<string, Seen>();
  /** Number of calls that were made, and that were out of the ordinary. */
  calls = 0;
  unfair = 0;
  /** The time that the calls took, one after the other, in milliseconds. */
  callsMs = 0;
  /** The command to which the calls belong; undefined for a daemon. */
  typed: Typed | undefined;
  readMany?: NonNullable<Store["readMany"]>;
  watch?: NonNullable<Store["watch"]>;
  history?: NonNullable<Store["history"]>;
  clock?: NonNullable<Store["clock"]>;
  readonly evidence?: Evidence;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { abilities, engine } = options;
    if (abilities.hasReadMany) this.readMany = (applications, signal) => this.#readMany(applications, signal);
    if (abilities.hasWatch) this.watch = (application, changed) => this.#watch(application, changed);
    if (abilities.keepsHistory) this.history = async () => [];
    if (engine.options.hasClock) this.clock = (signal) => this.#call("clock", signal, () => engine.storeMs);
    if (abilities.hasEvidence) this.evidence = this.#evidenceOf();
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    const seen = await this.#call("read", signal, () => this.#give(application));
    this.#saw(application, seen);
    // Only `readMany` may return the same object again.
    return new Map(seen.snapshot);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    const { engine, process, author, weather } = this.#options;
    const fate = this.#fate();
    const call: Call = {
      ...{ process, calledAtMs: engine.scheduler.nowMs, typed: this.typed },
      ...{ clockMs: process.clock(), wallMs: process.wallClock() },
      reads: new Map(this.#reads),
    };
    const by: Author = { ...author, call };
    let record: StoreRecord | undefined;
    const written = await this.#call(
      "write",
      signal,
      () => {
        if (weather().isDenied) throw new StoreError("denied", "this user may not write");
        const answer = engine.write(application, version, fields, expected, by);
        if (answer.ok) record = engine.record(application, version);
        return answer;
      },
      fate,
    );
    if (written.ok && record !== undefined) this.#options.wrote?.(application, version, record);
    return written;
  }

  /** The last snapshot of an application that reached the process. */
  seen(application: string): Snapshot | undefined {
    return this.#reads.get(application)?.snapshot;
  }

  async close(): Promise<void> {}

  async #readMany(
    applications: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Snapshot>> {
    const all = await this.#call("read", signal, () =>
      applications.map((application) => [application, this.#give(application)] as const),
    );
    for (const [application, seen] of all) this.#saw(application, seen);
    const { omitsLogs } = this.#options.abilities;
    return new Map(
      all.map(([application, { snapshot }]) => [application, omitsLogs ? withoutLogs(snapshot) : snapshot]),
    );
  }

  /** The store's answer at this moment. */
  #give(application: string): Given {
    const { engine, weather } = this.#options;
    const { lagMs } = weather();
    const state = lagMs > 0 ? engine.stateAgo(lagMs) : engine.state;
    return { snapshot: engine.snapshot(application, state), givenAtMs: engine.scheduler.nowMs };
  }

  #saw(application: string, given: Given): void {
    const { engine, process, saw } = this.#options;
    const seen = { ...given, atMs: engine.scheduler.nowMs, clockMs: process.clock() };
    this.#reads.set(application, seen);
    saw?.(application, seen);
  }

  #watch(application: string, changed: () => void): () => void {
    const { engine, process, random, weather } = this.#options;
    return engine.watch(application, () => {
      const { cut, unnudged, late, lateMsMax } = weather();
      if (cut !== undefined || random.fraction() < unnudged) return;
      const lateMs = random.fraction() < late ? lateMsMax * random.fraction() : 0;
      process.after(0.2 + 4 * random.fraction() + lateMs, changed);
    });
  }

  #evidenceOf(): Evidence {
    const { engine, random, process } = this.#options;
    return {
      append: (log: EvidenceLog, batches, signal) =>
        this.#call("append", signal, () => engine.append(log, batches)),
      read: async (log: EvidenceLog, cursor, signal) => {
        // A batch may come twice.
        const from = random.fraction() < 0.02 ? undefined : cursor;
        const news = await this.#call("evidence", signal, () => engine.readEvidence(log, from, 64));
        const { nowMs } = engine.scheduler;
        const times = { givenAtMs: nowMs, atMs: nowMs, clockMs: process.clock() };
        this.#reads.set("evidence", { snapshot: new Map(), ...times });
        return news;
      },
    };
  }

  #fate(): Fate {
    const { weather, random } = this.#options;
    return drawFate(weather(), random);
  }

  #call<T>(what: string, signal: AbortSignal, effect: () => T, fate = this.#fate()): Promise<T> {
    const { engine, process } = this.#options;
    const { scheduler, epoch } = engine;
    const calledAtMs = scheduler.nowMs;
    this.calls++;
    if (!fate.isFair) this.unfair++;
    return new Promise<T>((resolve, reject) => {
      let isSettled = false;
      const settle = (end: () => void) => {
        if (isSettled) return;
        isSettled = true;
        this.callsMs += scheduler.nowMs - calledAtMs;
        signal.removeEventListener("abort", give);
        end();
      };
      const give = () => settle(() => reject(abandoned(signal)));
      if (signal.aborted) {
        give();
        return;
      }
      signal.addEventListener("abort", give, { once: true });
      const breaks = (ms: number) =>
        process.after(ms, () =>
          settle(() => reject(new StoreError("unavailable", "the connection is broken"))),
        );
      const arrive = (answerMs: number | undefined) => {
        // The server that took over knows nothing of a call to the one before.
        if (engine.epoch !== epoch) {
          if (answerMs !== undefined) breaks(answerMs);
          return;
        }
        const answer = answerOf(effect);
        if (answerMs !== undefined) process.after(answerMs, () => settle(() => answer(resolve, reject)));
      };
      if (!fate.isFair) this.#tell(what, fate);
      if (fate.brokenMs !== undefined) breaks(fate.brokenMs);
      if (fate.requestMs !== undefined) scheduler.after(fate.requestMs, () => arrive(fate.answerMs));
      if (fate.doubledMs !== undefined) scheduler.after(fate.doubledMs, () => arrive(undefined));
    });
  }

  #tell(what: string, { requestMs, answerMs, doubledMs }: Fate): void {
    const { timeline, process } = this.#options;
    const shown = (ms: number | undefined) => (ms === undefined ? "lost" : `${(ms / 1_000).toFixed(1)}s`);
    const twice = doubledMs === undefined ? "" : `, again ${shown(doubledMs)}`;
    timeline.tell(
      process.name,
      `call ${what}: request ${shown(requestMs)}${twice}, answer ${shown(answerMs)}`,
    );
  }
}

const shortened = new WeakMap<Snapshot, Snapshot>();

/** The same object for the same snapshot. */
function withoutLogs(snapshot: Snapshot): Snapshot {
  const short =
    shortened.get(snapshot) ??
    new Map([...snapshot].map(([version, record]) => [version, withoutLog(version, record)]));
  shortened.set(snapshot, short);
  return short;
}

function withoutLog(version: string, record: StoreRecord): StoreRecord {
  const { found } = nowOfRecord(version, record);
  if (found.kind !== "release" || isUnderWay(found.release)) return record;
  const { log, arcs, ...release } = found.release;
  return {
    ...record,
    value: { ...fieldsOf(record.value), [RELEASE]: releaseField({ ...release, log: [], arcs: [] }) },
  };
}

/** Does it, and gives the answer that is to be sent. */
function answerOf<T>(
  effect: () => T,
): (resolve: (value: T) => void, reject: (error: unknown) => void) => void {
  try {
    const value = effect();
    return (resolve) => resolve(value);
  } catch (error) {
    return (_, reject) => reject(error);
  }
}
