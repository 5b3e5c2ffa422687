/**
 * The releases of which this daemon hears. It follows the readings of the feed: a release that is under way
 * is heard, and one that is over is forgotten. Without a release under way it has no timer, and an outcome
 * costs one look into an empty map.
 */

import { EvidenceMemory } from "../evidence/memory.ts";
import { SHORTAGE_REMEDY } from "../evidence/shortage.ts";
import { SAMPLE_EVERY_MS } from "../exchange/store-clock.ts";
import type { StoreLink } from "../exchange/store-link.ts";
import type { Reading } from "../feed/reading.ts";
import type { Outcome } from "../intake/outcome.ts";
import type { Log } from "../log/log.ts";
import { hasRelease } from "../records/release-in.ts";
import { foreignIn } from "../releases/foreign.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import type { Snapshot } from "../stores/store.ts";
import type { Timers } from "../timers.ts";
import { nowIn, type Target } from "../verbs/look.ts";
import { Hearing, type HearingParts } from "./hearing.ts";

/** At the end of the daemon, the last news has this long. */
const FLUSH_MS = 1_000;

export interface HearingsOptions {
  readonly link: StoreLink;
  /** Whether the store has a clock. Otherwise this machine's counts. */
  readonly hasStoreClock: boolean;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** This machine's clock: milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly timers: Timers;
  readonly log: Log;
  /** The number of applications, each of which may have a release. */
  readonly applications: number;
  /** Random, so that no two processes have the same. */
  readonly from: string;
  /** The name of this daemon, for people. */
  readonly name: string;
  /** Whether this daemon judges. */
  readonly listens: boolean;
  /**
   * Whether visitors are served by the release's arc now. They are not while the store is lost for long, or
   * after a verdict that the record does not show yet. It is asked for each outcome.
   */
  readonly isServed: (target: Target, rollout: number, offset: number) => boolean;
}

const SHORT =
  "the memory for the evidence of releases is short, so this daemon counts a part of the visitors only. " +
  "It finds a bad version later, and says ok later";

/** As long as the store's clock has not answered, it is asked this often. */
const SAMPLE_FIRST_MS = 1_000;

/** A release under way in a snapshot. */
interface Found {
  readonly target: Target;
  readonly release: Release;
  readonly rollout: number;
  readonly isAsWritten: boolean;
}

export class Hearings {
  readonly #options: HearingsOptions;
  /** By application: there is one release at a time. */
  readonly #hearings = new Map<string, Hearing>();
  readonly #readings = new Map<string, { snapshot: Snapshot; atMs: number }>();
  readonly #leaving = new Set<Promise<void>>();
  readonly #memory: EvidenceMemory;
  #isShortTold = false;
  #changed: (hearing: Hearing) => void = () => {};
  /** The store's clock less the monotonic one, by the last answer of the store. */
  #aheadMs: number | undefined;
  #timer: unknown;
  #isClosed = false;

  constructor(options: HearingsOptions) {
    this.#options = options;
    this.#memory = new EvidenceMemory({ releasesMax: options.applications });
  }

  /** Calls `changed` if the figures of a release may show harm, and after each read of the others' news. */
  onChange(changed: (hearing: Hearing) => void): void {
    this.#changed = changed;
  }

  /** The hearing of a release; undefined if this daemon does not hear of it. */
  of({ application, version }: Target, key: string): Hearing | undefined {
    const hearing = this.#hearings.get(application);
    return hearing?.target.version === version && hearing.key === key ? hearing : undefined;
  }

  /** Whether a release is under way. */
  get isAwake(): boolean {
    return this.#hearings.size > 0;
  }

  /** The memory that the evidence of all releases has, in bytes. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  /** The releases of which a part of the visitors counts only, because memory was short. */
  get shortReleases(): number {
    let count = 0;
    for (const { isShort } of this.#hearings.values()) if (isShort) count++;
    return count;
  }

  /** Takes an outcome of any application. It is synchronous, and keeps no reference to the outcome. */
  take(outcome: Outcome): void {
    this.#hearings.get(outcome.application)?.take(outcome);
  }

  /** Takes a reading of the feed. A snapshot that has not changed costs one comparison. */
  follow({ application, snapshot, ageMs }: Reading): void {
    if (this.#isClosed) return;
    const atMs = this.#options.clock() - ageMs;
    const before = this.#readings.get(application);
    // While the hearing takes the record, the time is that of the reading before.
    if (before?.snapshot !== snapshot) this.#take(application, snapshot);
    if (before === undefined) this.#readings.set(application, { snapshot, atMs });
    else {
      before.snapshot = snapshot;
      before.atMs = atMs;
    }
  }

  #take(application: string, snapshot: Snapshot): void {
    const found = foundIn(application, snapshot);
    const before = this.#hearings.get(application);
    if (before !== undefined && !isOf(before, found)) this.#end(before);
    if (found === undefined) return;
    const { target, release, rollout, isAsWritten } = found;
    const same = this.#hearings.get(application);
    if (same !== undefined) same.follow(release, rollout, isAsWritten);
    else this.#begin(new Hearing(target, release, rollout, isAsWritten, this.#parts(application)));
  }

  /** Ends all timers. The others hear what they do not know yet, as far as the store takes it in time. */
  async close(): Promise<void> {
    const { timers, listens, link } = this.#options;
    this.#isClosed = true;
    for (const hearing of this.#hearings.values()) this.#end(hearing);
    const outOfTime = Promise.withResolvers<void>();
    const giveUp = timers.set(outOfTime.resolve, FLUSH_MS);
    await Promise.race([Promise.all(this.#leaving), outOfTime.promise]);
    timers.clear(giveUp);
    // A controller has writes to end, and gives up the calls itself.
    if (!listens) link.calls.end();
  }

  #begin(hearing: Hearing): void {
    this.#hearings.set(hearing.target.application, hearing);
    if (this.#hearings.size === 1) this.#sample();
  }

  /** The store gets what it does not have yet, because `explain` reads the coins of an abort there. */
  #end(hearing: Hearing): void {
    this.#hearings.delete(hearing.target.application);
    if (this.#hearings.size === 0) this.#options.timers.clear(this.#timer);
    const leaving = hearing.end().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  /** Asks the store's clock now and then, because all times of evidence are by that clock. */
  #sample(): void {
    const { link, clock, timers } = this.#options;
    timers.clear(this.#timer);
    this.#tellShortage();
    const everyMs = this.#aheadMs === undefined ? SAMPLE_FIRST_MS : SAMPLE_EVERY_MS;
    this.#timer = timers.set(() => this.#sample(), everyMs);
    link.storeClock.refresh(everyMs).then(() => {
      const nowMs = clock();
      const storeMs = link.storeClock.at(nowMs);
      // If the store does not answer, the last answer still counts.
      if (storeMs !== undefined) this.#aheadMs = storeMs - nowMs;
    });
  }

  /** Tells the log once, until no release is short any more. */
  #tellShortage(): void {
    const releases = this.shortReleases;
    if (releases > 0 && !this.#isShortTold)
      this.#options.log.warn(SHORT, { releases, remedy: SHORTAGE_REMEDY });
    this.#isShortTold = releases > 0;
  }

  #parts(application: string): HearingParts {
    const { link, hasStoreClock, clock, wallClock, listens, from, name, isServed } = this.#options;
    return {
      ...{ exchanges: link.exchanges, clock, listens, from, name, isServed, memory: this.#memory },
      ownState: () => link.ownState(),
      readBeforeAtMs: () =>
        hasStoreClock
          ? Number.NEGATIVE_INFINITY
          : (this.#readings.get(application)?.atMs ?? Number.NEGATIVE_INFINITY),
      storeMs: () => {
        if (!hasStoreClock) return wallClock();
        return this.#aheadMs === undefined ? undefined : this.#aheadMs + clock();
      },
      changed: () => {
        const hearing = this.#hearings.get(application);
        if (hearing !== undefined) this.#changed(hearing);
      },
    };
  }
}

function isOf({ target, key }: Hearing, found: Found | undefined): boolean {
  return found?.target.version === target.version && found.release.key === key;
}

/** The release that is under way. If there are two by mistake, both pause, and the first one is heard. */
function foundIn(application: string, snapshot: Snapshot): Found | undefined {
  for (const [version, { value }] of snapshot) {
    if (!hasRelease(value)) continue;
    const now = nowIn(snapshot, version);
    const { found, rollout, isMalformed, otherVersion } = now;
    if (found.kind !== "release" || isMalformed || !isUnderWay(found.release)) continue;
    return {
      target: { application, version },
      release: found.release,
      rollout,
      isAsWritten: otherVersion === undefined && foreignIn(now, found.release) === "none",
    };
  }
  return undefined;
}
