/**
 * All that each life of a daemon has seen, as the network brought it. The laws compare its writes with this.
 * It is kept without the controller, so that a controller that forgets is found out.
 */

import { fieldsOf } from "../../../src/records/fields.ts";
import { isUnderWay, RELEASE, type Release } from "../../../src/releases/release.ts";
import type { Now } from "../../../src/releases/request.ts";
import type { Snapshot, StoreRecord } from "../../../src/stores/store.ts";
import { nowIn } from "../../../src/verbs/look.ts";

const known = new WeakMap<StoreRecord, Now>();

/** The state of one record alone. */
export function nowOfRecord(version: string, record: StoreRecord | undefined): Now {
  const before = record === undefined ? undefined : known.get(record);
  if (before !== undefined) return before;
  const now = nowIn(record === undefined ? new Map() : new Map([[version, record]]), version);
  if (record !== undefined) known.set(record, now);
  return now;
}

/** A moment at which a life saw a state of a release. */
export interface Sight {
  readonly atMs: number;
  readonly clockMs: number;
  /** The engine's clock at that moment. */
  readonly storeMs: number;
}

/** The first sights of a state. */
export interface Sights {
  readonly first: Sight;
  /** The first one since the release was last gone. The life may have begun its watch again; it need not. */
  again: Sight | undefined;
}

/** A highest value, and the turn in which it was seen first. */
interface Highest {
  seq: number;
  turn: number;
  /** The true time of the last change. */
  atMs: number;
  /** The turn in which the release was seen to be over; Infinity if it was not. */
  overTurn: number;
}

interface OfVersion {
  /** The greatest `seq` since the record last had no release. */
  seq: number;
  turn: number;
  /** The true time of the last change. */
  atMs: number;
  /** The greatest one at all. */
  everSeq: number;
  readonly byKey: Map<string, Highest>;
}

interface Gap {
  readonly endMs: number;
  readonly ms: number;
}

export class Knowledge {
  /** By application, version and `tx`. */
  readonly #sights = new Map<string, Sights>();
  readonly #lastTurns = new Map<string, number>();
  readonly #versions = new Map<string, OfVersion>();
  readonly #lastMs = new Map<string, number>();
  readonly #gaps = new Map<string, Gap[]>();
  readonly #snapshots = new Map<string, Snapshot>();
  /** Releases that this life, or one before it, may have seen over. */
  readonly #everOver = new Set<string>();
  /** Releases in whose place this life, or one before it, has seen another one. */
  readonly #replaced = new Set<string>();
  /** Counts all that comes, in its order. */
  #turn = 0;

  /**
   * A life that begins with the disk of an earlier one. The disk may not have the last second of that one. So
   * this life need not know it, but may.
   *
   * @param isBroken whether the disk was full for a time, so that anything may be missing
   */
  inherit(before: Knowledge, untilMs: number, isBroken: boolean): void {
    for (const [name, { byKey, everSeq, seq, atMs }] of before.#versions) {
      const isSaved = (savedAtMs: number) => !isBroken && savedAtMs < untilMs - SAVED_MS;
      const all = {
        seq: isSaved(atMs) ? seq : 0,
        turn: 0,
        atMs: 0,
        everSeq,
        byKey: new Map<string, Highest>(),
      };
      this.#versions.set(name, all);
      for (const [key, each] of byKey) {
        const wasOver = each.overTurn < INFINITY;
        if (wasOver) this.#everOver.add(`${name} ${key}`);
        if (isSaved(each.atMs))
          all.byKey.set(key, { ...each, turn: 0, atMs: 0, overTurn: wasOver ? 0 : INFINITY });
      }
    }
    for (const name of before.#everOver) this.#everOver.add(name);
    for (const name of before.#replaced) this.#replaced.add(name);
  }

  saw(application: string, snapshot: Snapshot, sight: Sight): void {
    this.#turn++;
    this.#watched(application, sight.clockMs);
    const isSame = this.#snapshots.get(application) === snapshot;
    this.#snapshots.set(application, snapshot);
    for (const [name, each] of this.#versions) {
      const [of, version = ""] = name.split(" ");
      if (of === application && !snapshot.has(version)) this.#forget(name, each);
    }
    for (const [version, record] of snapshot) {
      const name = `${application} ${version}`;
      if (isSame) this.#sawAgain(name, version, record);
      else this.#sawRecord(name, version, record, sight);
    }
  }

  /** The life has written this record itself, and knows it. */
  wrote(application: string, version: string, record: StoreRecord, sight: Sight): void {
    this.#turn++;
    this.#sawRecord(`${application} ${version}`, version, record, sight);
  }

  sights(application: string, version: string, tx: string): Sights | undefined {
    return this.#sights.get(`${application} ${version} ${tx}`);
  }

  /**
   * The end of the last gap of more than `ms` that ended between `sinceMs` and `untilMs`, on the monotonic
   * clock.
   */
  gapBetween(application: string, sinceMs: number, untilMs: number, ms: number): number | undefined {
    const gaps = this.#gaps.get(application);
    return gaps?.findLast(({ endMs, ms: gapMs }) => endMs > sinceMs && endMs <= untilMs && gapMs > ms)?.endMs;
  }

  /**
   * Why this life knows that a state of a release is older than what it saw before; undefined if it does not.
   * It counts only if the older state came again after the newer one.
   */
  isBehind(application: string, version: string, { key, seq, state, tx }: Release): string | undefined {
    const name = `${application} ${version}`;
    const turn = this.#lastTurns.get(`${name} ${tx}`) ?? 0;
    const all = this.#versions.get(name);
    const own = all?.byKey.get(key);
    if (own !== undefined && own.overTurn < turn && isUnderWay({ state })) return "it saw this release over";
    if (own !== undefined && own.seq > seq && own.turn < turn) return `it saw seq ${own.seq} of this release`;
    if (all !== undefined && all.seq > seq && all.turn < turn) return `it saw seq ${all.seq} of this version`;
    return undefined;
  }

  /** Whether this life may know that. It need not: a feed refuses some of what the network brings. */
  mayBeBehind(application: string, version: string, { key, seq }: Release): boolean {
    const name = `${application} ${version}`;
    const all = this.#versions.get(name);
    const isOver = (all?.byKey.get(key)?.overTurn ?? INFINITY) < INFINITY;
    return (all?.everSeq ?? 0) > seq || isOver || this.#everOver.has(`${name} ${key}`);
  }

  /** The release is gone. If it comes again, its watch may begin again. */
  #forget(name: string, all: OfVersion): void {
    all.seq = 0;
    this.#beginAgain(name);
  }

  /** If a release comes again after its record was malformed, its watch may begin again too. */
  #beginAgain(name: string): void {
    for (const [at, sights] of this.#sights) if (at.startsWith(`${name} `)) sights.again = undefined;
  }

  #watched(application: string, clockMs: number): void {
    const lastMs = this.#lastMs.get(application);
    this.#lastMs.set(application, clockMs);
    if (lastMs === undefined || clockMs - lastMs <= GAP_MS_MIN) return;
    const gaps = this.#gaps.get(application) ?? [];
    this.#gaps.set(application, gaps);
    gaps.push({ endMs: clockMs, ms: clockMs - lastMs });
  }

  #sawAgain(name: string, version: string, record: StoreRecord): void {
    const { found } = nowOfRecord(version, record);
    if (found.kind === "release") this.#lastTurns.set(`${name} ${found.release.tx}`, this.#turn);
  }

  #sawRecord(name: string, version: string, record: StoreRecord, sight: Sight): void {
    const turn = this.#turn;
    const all = this.#versions.get(name) ?? {
      seq: 0,
      turn,
      atMs: sight.atMs,
      everSeq: 0,
      byKey: new Map<string, Highest>(),
    };
    const now = nowOfRecord(version, record);
    if (now.found.kind !== "release" || now.isMalformed) {
      // A release that is gone or cannot be read is forgotten (law 11).
      if (fieldsOf(record.value)[RELEASE] === undefined || now.found.kind === "problem")
        this.#forget(name, all);
      else this.#beginAgain(name);
      return;
    }
    this.#versions.set(name, all);
    const { key, seq, tx, state } = now.found.release;
    const at = `${name} ${tx}`;
    const sights = this.#sights.get(at) ?? { first: sight, again: undefined };
    this.#sights.set(at, sights);
    sights.again ??= sight;
    this.#lastTurns.set(at, turn);
    // A foreign rollout of 0 ends the release, whatever comes after it.
    if (now.rollout === 0 && now.found.release.wrote[0] > 0) this.#everOver.add(`${name} ${key}`);
    // A replica that lags may show a release that another one has replaced. Its `seq` says nothing about the
    // other one, which may have begun at 1.
    if (seq > all.seq && !this.#replaced.has(`${name} ${key}`)) {
      all.seq = seq;
      all.turn = turn;
      all.atMs = sight.atMs;
    }
    all.everSeq = Math.max(all.everSeq, seq);
    // A release that another one replaced is over.
    for (const other of all.byKey.keys()) {
      if (other === key) continue;
      this.#everOver.add(`${name} ${other}`);
      if (!this.#replaced.has(`${name} ${key}`)) this.#replaced.add(`${name} ${other}`);
    }
    const own = all.byKey.get(key) ?? { seq: 0, turn, atMs: sight.atMs, overTurn: INFINITY };
    all.byKey.set(key, own);
    if (seq > own.seq) {
      own.seq = seq;
      own.turn = turn;
      own.atMs = sight.atMs;
    }
    if (isUnderWay({ state }) || own.overTurn < INFINITY) return;
    own.overTurn = turn;
    own.atMs = sight.atMs;
  }
}

const INFINITY = Number.POSITIVE_INFINITY;

/** A state that was seen is on the disk after this time. */
const SAVED_MS = 1_000;

/** A shorter gap is never one that counts. */
const GAP_MS_MIN = 1_000;
