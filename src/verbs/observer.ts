/**
 * Reads all that a person at a distance can know about the releases of an application: the records, the
 * freeze, the daemons that lead, and the time. It may look again and again, and then reads only what is new.
 *
 * The records must be read. All else may fail: it is then as it was read last, or unknown.
 */

import { Crew, type Moment } from "../evidence/crew.ts";
import { newsIn } from "../evidence/news-lines.ts";
import { ReleaseEvidence } from "../evidence/release-evidence.ts";
import { releaseIn } from "../records/release-in.ts";
import { goesOn, isUnderWay, type Release } from "../releases/release.ts";
import { unlessAborted } from "../stores/shared/abort.ts";
import type { Snapshot, Store } from "../stores/store.ts";
import { FREEZE, type Freeze, freezeIn } from "./freeze.ts";

/** All but the records may take this long together. A transition must not be shown late because of it. */
const BESIDES_WAIT_MS = 1_000;

/** One look reads evidence at most this many times. The rest comes with the next look. */
const EVIDENCE_READS_MAX = 8;

/** The store's clock is asked again after this time. */
const CLOCK_KEPT_MS = 60_000;

/** An observer hears, and tells nothing. No daemon has this name. */
const OBSERVER = "observer";

/** Logs of this many releases are kept open. More than two are under way at once only by mistake. */
const LOGS_MAX = 4;

export interface Clocks {
  /** Never goes back, in milliseconds. */
  readonly monotonic: () => number;
  /** This machine's clock: milliseconds since 1970. */
  readonly wall: () => number;
}

/** The release of one version. */
export interface Found {
  readonly version: string;
  readonly release: Release;
}

/**
 * `store`: that of the store. `machine`: this machine's, because the store has none. `unknown`: this
 * machine's, because the store's has not answered yet.
 */
export type SeenClock = "store" | "machine" | "unknown";

export interface Observation {
  readonly application: string;
  readonly snapshot: Snapshot;
  readonly moment: Moment;
  /** Whose time `moment` has. */
  readonly clock: SeenClock;
  /** All releases that can be read, the newest first. */
  readonly releases: readonly Found[];
  /** Undefined if it could not be read. */
  readonly freeze: Freeze | undefined;
  /** By the release's key. Undefined for a release that does not go on, and if the crew could not be read. */
  crewOf(key: string): Crew | undefined;
  /**
   * By the release's key. Undefined if not all of it could be read yet. Undefined too for a release that is
   * over, unless the observer keeps the last one.
   */
  evidenceOf(key: string): ReleaseEvidence | undefined;
}

interface Log {
  readonly crew: Crew;
  /** Undefined if the observer hears no evidence of it, and for a release that no visitor has met yet. */
  evidence: ReleaseEvidence | undefined;
  cursor: string | undefined;
  /** Whether all that was there at the first look has been read. */
  isCaughtUp: boolean;
}

export class Observer {
  readonly #store: Store;
  readonly #application: string;
  readonly #clocks: Clocks;
  readonly #keepsLast: boolean;
  readonly #logs = new Map<string, Log>();
  #freeze: Freeze | undefined;
  /** The store's clock less the monotonic one, and when it was asked. */
  #clock: { readonly aheadMs: number; readonly askedMs: number } | undefined;

  /** @param keepsLast whether it hears the evidence of the last release also when that is over */
  constructor(store: Store, application: string, clocks: Clocks, keepsLast = false) {
    this.#store = store;
    this.#application = application;
    this.#clocks = clocks;
    this.#keepsLast = keepsLast;
  }

  /** Rejects with the store's error if the records cannot be read. */
  async look(signal: AbortSignal): Promise<Observation> {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(BESIDES_WAIT_MS)]);
    const [snapshot] = await Promise.all([
      unlessAborted(signal, this.#store.read(this.#application, signal)),
      this.#readFreeze(soon),
      this.#readClock(soon),
    ]);
    const releases = releasesIn(snapshot);
    const open = this.#openIn(releases);
    const keys = new Set(open.map(({ release }) => release.key));
    for (const key of this.#logs.keys()) if (!keys.has(key)) this.#logs.delete(key);
    await Promise.all(open.map((found) => this.#readLog(found, AbortSignal.timeout(BESIDES_WAIT_MS))));
    const logs = new Map(this.#logs);
    return {
      ...{ application: this.#application, snapshot, releases, freeze: this.#freeze },
      ...{ moment: this.now(), clock: this.#seenClock },
      crewOf: (key) => logs.get(key)?.crew,
      evidenceOf: (key) => {
        const log = logs.get(key);
        return log?.isCaughtUp ? log.evidence : undefined;
      },
    };
  }

  /** Now, by the clocks of the last look. */
  now(): Moment {
    const monotonicMs = this.#clocks.monotonic();
    const nowMs = this.#clock === undefined ? this.#clocks.wall() : monotonicMs + this.#clock.aheadMs;
    return { monotonicMs, nowMs };
  }

  get #seenClock(): SeenClock {
    if (this.#store.clock === undefined) return "machine";
    return this.#clock === undefined ? "unknown" : "store";
  }

  #openIn(releases: readonly Found[]): readonly Found[] {
    const open = releases.filter(({ release }) => goesOn(release)).slice(0, LOGS_MAX);
    return open.length === 0 && this.#keepsLast ? releases.slice(0, 1) : open;
  }

  async #readFreeze(signal: AbortSignal): Promise<void> {
    try {
      this.#freeze = freezeIn(await unlessAborted(signal, this.#store.read(FREEZE.application, signal)));
    } catch {
      // The records have the same store, and say what is wrong with it.
    }
  }

  /** A clock that does not answer now is as it was when it did. */
  async #readClock(signal: AbortSignal): Promise<void> {
    const beforeMs = this.#clocks.monotonic();
    if (this.#store.clock === undefined) return;
    if (this.#clock !== undefined && beforeMs - this.#clock.askedMs < CLOCK_KEPT_MS) return;
    try {
      const nowMs = await unlessAborted(signal, this.#store.clock(signal));
      const askedMs = this.#clocks.monotonic();
      // The answer was made somewhere between the question and its arrival.
      this.#clock = { aheadMs: nowMs - (beforeMs + askedMs) / 2, askedMs };
    } catch {
      // The records have the same store, and say what is wrong with it.
    }
  }

  async #readLog({ version, release }: Found, signal: AbortSignal): Promise<void> {
    const { evidence } = this.#store;
    if (evidence === undefined) return;
    const { key } = release;
    const of = { application: this.#application, key };
    const isHeard = isUnderWay(release) || this.#keepsLast;
    const log = this.#logs.get(key) ?? newLog(version, release, isHeard);
    if (isHeard) log.evidence?.follow(release);
    else log.evidence = undefined;
    try {
      for (let reads = 0; reads < EVIDENCE_READS_MAX; reads++) {
        const news = await unlessAborted(signal, evidence.read(of, log.cursor, signal));
        const heard = newsIn(news.batches);
        log.crew.hear(heard, this.now(), !log.isCaughtUp);
        log.evidence?.hear(heard);
        log.cursor = news.cursor;
        this.#logs.set(key, log);
        if (news.hasMore) continue;
        log.isCaughtUp = true;
        return;
      }
    } catch {
      // A login that may read records may not be allowed to read evidence.
    }
  }
}

function newLog(version: string, release: Release, isHeard: boolean): Log {
  const isJudged = isHeard && release.arcs.length > 0;
  const evidence = isJudged ? new ReleaseEvidence({ release, version, from: OBSERVER }) : undefined;
  return { crew: new Crew(), evidence, cursor: undefined, isCaughtUp: false };
}

function releasesIn(snapshot: Snapshot): readonly Found[] {
  return [...snapshot]
    .flatMap(([version, { value }]): Found[] => {
      const found = releaseIn(value);
      return found.kind === "release" ? [{ version, release: found.release }] : [];
    })
    .sort((a, b) => b.release.id - a.release.id);
}
