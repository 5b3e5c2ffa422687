/** All that is known of one release: the tables in which its evidence is. Pure. */

import type { Metric } from "../judge/metrics.ts";
import type { Sign } from "../judge/signs.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import { coinsCapacity, EVIDENCE_BYTES_MAX, SIGN_CELLS_MAX } from "./capacity.ts";
import { Coins } from "./coins.ts";
import { EvidenceMemory, type Memory, MemoryPart } from "./memory.ts";
import type { OwnState } from "./news.ts";
import { metricsOfRelease } from "./release-metrics.ts";
import { Reporters } from "./reporters.ts";
import { Steps } from "./steps.ts";
import { Timeline } from "./timeline.ts";

/** The parts of a release's record that the evidence needs. It has one arc at least. */
export type EvidenceRelease = Pick<Release, "key" | "arcs" | "slow" | "weights" | "state">;

/** The names of the tables of the signs. No metric has one of these names. */
export const SEEN = "seen";
export const BACK = "back";

/** The flag of a visitor in `seen` that was reported at another location than that of its arc. */
export const MISPLACED = 1;

export class Tables {
  readonly key: string;
  /** 32 bits that visitors do not know. */
  readonly seed: number;
  readonly metrics: readonly Metric[];
  /** By the names of the metrics. */
  readonly coins: ReadonlyMap<string, Coins>;
  /** Visitors when they were first seen. */
  readonly seen: Coins;
  /** Visitors when they were first seen again. */
  readonly back: Coins;
  readonly steps: Steps;
  readonly reporters: Reporters;
  /** The memory that the tables of this release have. */
  readonly memory: MemoryPart;
  /** The raised signs, and when each was raised first. */
  readonly signs = new Map<Sign, number>();
  /** The signs that the other daemons do not know. */
  readonly unsentSigns = new Set<Sign>();
  /** Whether the other daemons do not know `uncappedAfterMs`. */
  isUncappingUnsent = false;
  #timeline: Timeline;
  #arcs: EvidenceRelease["arcs"];
  #state: EvidenceRelease["state"];
  #uncappedAfterMs = Number.POSITIVE_INFINITY;
  #ownRevision = 0;

  /**
   * @param all the memory of all releases; by default this one is alone
   * @param ownState of this daemon, which it tells beside its sums
   */
  constructor(
    release: EvidenceRelease,
    all: Memory = new EvidenceMemory(),
    ownState: () => OwnState = () => ({}),
  ) {
    const seed = Number.parseInt(release.key.slice(0, 8), 16) >>> 0;
    const timeline = timelineOf(release);
    this.key = release.key;
    this.seed = seed;
    this.metrics = metricsOfRelease(release);
    this.#timeline = timeline;
    this.#arcs = release.arcs;
    this.#state = release.state;
    const memory = new MemoryPart(all, EVIDENCE_BYTES_MAX);
    const options = { timeline, capacity: coinsCapacity(this.metrics.length), seed, memory } as const;
    this.memory = memory;
    this.coins = new Map(
      this.metrics.map(({ name }) => [name, new Coins({ ...options, tags: "of-earliest" })]),
    );
    const signs = { ...options, capacity: Math.min(options.capacity, SIGN_CELLS_MAX), tags: "or" } as const;
    this.seen = new Coins(signs);
    this.back = new Coins(signs);
    const gated = this.metrics.filter(({ couldMeet }) => couldMeet !== undefined).map(({ name }) => name);
    this.reporters = new Reporters(timeline.zeroMs, () => memory.isShort, ownState);
    this.steps = new Steps({ zeroMs: timeline.zeroMs, gated, seed, memory });
    this.steps.follow(timeline.steps.map(({ fromMs }) => fromMs));
  }

  get timeline(): Timeline {
    return this.#timeline;
  }

  /** Grows with each change of the evidence. The sums of what was heard do not count. */
  get revision(): number {
    let revision = this.#ownRevision + this.seen.revision + this.back.revision + this.steps.revision;
    for (const coins of this.coins.values()) revision += coins.revision;
    return revision;
  }

  get bytes(): number {
    let bytes = this.seen.bytes + this.back.bytes + this.steps.bytes;
    for (const coins of this.coins.values()) bytes += coins.bytes;
    return bytes;
  }

  /** The table with a name of the news; undefined for none. */
  named(name: string): Coins | undefined {
    return name === SEEN ? this.seen : name === BACK ? this.back : this.coins.get(name);
  }

  /** The names of the tables, the most important first. */
  get names(): readonly string[] {
    return [...this.coins.keys(), SEEN, BACK];
  }

  /** The record has changed. Arcs that are gone from a record that is over are kept. */
  follow({ key, arcs, state }: EvidenceRelease): void {
    if (key !== this.key || arcs.length === 0) return;
    if (state === this.#state && areSame(arcs, this.#arcs)) return;
    this.#arcs = arcs;
    this.#state = state;
    this.#timeline = timelineOf({ arcs, state });
    this.steps.follow(this.#timeline.steps.map(({ fromMs }) => fromMs));
    for (const name of this.names) this.named(name)?.follow(this.#timeline);
    this.#uncap();
  }

  /** Since when networks have no limit: all steps after the one that began then. Infinity: they have one. */
  get uncappedAfterMs(): number {
    return this.#uncappedAfterMs;
  }

  /**
   * One network had many of the decisions of a step. From the next step on, all coins of a network count.
   *
   * @param fromMs when that step began, in milliseconds since the release's first arc
   */
  uncapAfter(fromMs: number, isOwn: boolean): void {
    if (fromMs >= this.#uncappedAfterMs) return;
    this.#uncappedAfterMs = fromMs;
    this.isUncappingUnsent ||= isOwn;
    this.#uncap();
  }

  /** @param atMs milliseconds since 1970 */
  raise(sign: Sign, atMs: number, isOwn: boolean): void {
    const before = this.signs.get(sign);
    if (before !== undefined && before <= atMs) return;
    this.signs.set(sign, Math.floor(atMs));
    this.#ownRevision++;
    if (isOwn) this.unsentSigns.add(sign);
  }

  #uncap(): void {
    const step = this.#timeline.steps.findIndex(({ fromMs }) => fromMs > this.#uncappedAfterMs);
    for (const coins of this.coins.values()) coins.uncapFrom(step < 0 ? Number.POSITIVE_INFINITY : step);
  }
}

/** A store that went back may have lost the last arc, and have another one in its place. */
function areSame(some: EvidenceRelease["arcs"], others: EvidenceRelease["arcs"]): boolean {
  return (
    some.length === others.length &&
    some.every((arc, place) => arc.every((value, field) => value === others[place]?.[field]))
  );
}

/** A release that is over ended with its last arc, if that is of rollout 0. */
function timelineOf({ arcs, state }: Pick<EvidenceRelease, "arcs" | "state">): Timeline {
  const last = arcs.at(-1);
  const endMs = last !== undefined && last[1] === 0 && !isUnderWay({ state }) ? last[0] : undefined;
  return new Timeline(arcs, endMs);
}
