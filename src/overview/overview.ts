/**
 * The releases that a daemon knows, for its metrics, `/state` and its log. Every daemon has an overview, also
 * one that leads no release: it follows the readings of the feed, and never reads by itself.
 *
 * A snapshot that has not changed costs one comparison. A release that is over stays, because people ask how
 * it ended, but only the last one of an application.
 */

import type { ControllerView } from "../controller/view.ts";
import type { Reading } from "../feed/reading.ts";
import type { Log } from "../log/log.ts";
import { fieldsOf } from "../records/fields.ts";
import { hasRelease } from "../records/release-in.ts";
import { type Foreign, foreignIn } from "../releases/foreign.ts";
import type { ReleaseProblem } from "../releases/read-release.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import { isSeen, type Seen } from "../releases/seen.ts";
import type { Snapshot } from "../stores/store.ts";
import { nowIn, type Target } from "../verbs/look.ts";
import { tellTransition } from "../verbs/transition-line.ts";
import { Counting, type Last, type ReleaseCounts } from "./release-counts.ts";

/** Releases of one application at the same time. There is one, or two by mistake. */
const RELEASES_MAX = 4;

/** A release without its log and its arcs, because ten thousand of them are kept. */
export interface KnownRelease
  extends Pick<Release, "id" | "key" | "seq" | "of" | "state" | "step" | "since" | "reason" | "from"> {
  readonly application: string;
  readonly version: string;
  /** Undefined if this program cannot read the plan. */
  readonly steps: number | undefined;
  /** The rollout of the record. */
  readonly rollout: number;
  readonly isFading: boolean;
  readonly foreign: Foreign;
  readonly otherVersion: string | undefined;
  /** The author of the record. */
  readonly by: string | undefined;
}

/** A release that this program cannot read. */
export interface UnreadableRelease {
  readonly application: string;
  readonly version: string;
  /** For people. */
  readonly problem: string;
}

/** The releases of one application. */
export interface ApplicationReleases {
  readonly known: readonly KnownRelease[];
  readonly unreadable: readonly UnreadableRelease[];
}

const NONE: ApplicationReleases = { known: [], unreadable: [] };

interface Followed {
  snapshot: Snapshot;
  releases: ApplicationReleases;
  /** By version, for all versions. */
  last: ReadonlyMap<string, Last>;
}

export interface OverviewOptions {
  /** The view of this daemon's controller; undefined if it has none. */
  readonly leading: (() => ControllerView) | undefined;
  readonly log: Log;
}

export class Overview {
  readonly #options: OverviewOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #counting = new Counting();

  constructor(options: OverviewOptions) {
    this.#options = options;
  }

  /** The controller's view, made with each call; undefined without a controller. */
  leading(): ControllerView | undefined {
    return this.#options.leading?.();
  }

  of(application: string): ApplicationReleases {
    return this.#followed.get(application)?.releases ?? NONE;
  }

  *known(): Generator<KnownRelease> {
    for (const { releases } of this.#followed.values()) yield* releases.known;
  }

  *unreadable(): Generator<UnreadableRelease> {
    for (const { releases } of this.#followed.values()) yield* releases.unreadable;
  }

  counts(): Iterable<ReleaseCounts> {
    return this.#counting.all();
  }

  /** Takes a reading of the feed. */
  follow({ application, snapshot, isSame }: Reading): void {
    const followed = this.#followed.get(application);
    if (followed?.snapshot === snapshot) return;
    this.#followed.set(application, this.#take(application, snapshot, followed, isSame));
  }

  #take(application: string, snapshot: Snapshot, before: Followed | undefined, isSame: boolean): Followed {
    const known: KnownRelease[] = [];
    const unreadable: UnreadableRelease[] = [];
    const last = new Map<string, Last>();
    for (const [version, { value }] of snapshot) {
      if (!hasRelease(value)) continue;
      const target = { application, version };
      const now = nowIn(snapshot, version);
      if (isSeen(now)) {
        const lastHere = before === undefined ? undefined : (before.last.get(version) ?? null);
        last.set(version, lastOf(now.found.release));
        const by = textOf(fieldsOf(value)["updatedBy"]);
        this.#counting.see(target, lastHere, now.found.release, by);
        if (isSame) this.#tell(target, lastHere, now);
        known.push(knownOf(target, now, by));
      } else if (now.found.kind !== "none" && unreadable.length < RELEASES_MAX) {
        unreadable.push({ ...target, problem: problemOf(now.found) });
      }
    }
    const isEmpty = known.length + unreadable.length === 0;
    return {
      snapshot,
      last: isEmpty ? NO_LAST : last,
      releases: isEmpty ? NONE : { known: shown(known), unreadable },
    };
  }

  /** Logs a transition that changed no rollout. The feed or the controller logs the others. */
  #tell(target: Target, last: Last | null | undefined, now: Seen): void {
    const { release } = now.found;
    if (this.#options.leading !== undefined || last === undefined) return;
    const isNews = last?.key !== release.key || last.seq !== release.seq;
    if (isNews) tellTransition(target, undefined, now, this.#options.log);
  }
}

const NO_LAST: ReadonlyMap<string, Last> = new Map();

function lastOf({ key, seq, step, state }: Release): Last {
  return { key, seq, step, state };
}

function knownOf(target: Target, now: Seen, by: string | undefined): KnownRelease {
  const { release } = now.found;
  const { id, key, seq, of, state, step, since, reason, from } = release;
  return {
    ...{ ...target, id, key, seq, of, state, step, since, reason, from, by },
    ...{ steps: now.plan?.steps.length, rollout: now.rollout, otherVersion: now.otherVersion },
    ...{ isFading: release.fade !== undefined, foreign: foreignIn(now, release) },
  };
}

/** The releases that go on; if none does, the newest one. */
function shown(known: readonly KnownRelease[]): readonly KnownRelease[] {
  const goingOn = known.filter(({ state, isFading }) => isUnderWay({ state }) || isFading);
  if (goingOn.length > 0) return goingOn.slice(0, RELEASES_MAX);
  return known.toSorted((a, b) => b.id - a.id || Date.parse(b.since) - Date.parse(a.since)).slice(0, 1);
}

function problemOf(found: ReleaseProblem | { readonly kind: "release" }): string {
  return found.kind === "problem" ? `its field ${found.field} is ${found.code}` : "its record is malformed";
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
