/**
 * A change by a person of a record that has a release. Pure. Law 11: what a person wrote wins, so the
 * release follows in the same write, and no controller has to find out later.
 *
 *     rollout 0      always goes through, and aborts the release
 *     a lower one    goes through, and pauses the release, or ends its fade
 *     a higher one   is refused while the release is under way, and so is another offset: there are verbs
 *     the same one   with another failsafe goes through; the release does not concern the failsafe
 */

import type { Arc } from "../circle.ts";
import { asSettled, settled } from "../releases/foreign.ts";
import { abort } from "../releases/lowering.ts";
import type { ReleaseProblem } from "../releases/read-release.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import type { Notice, Now, Outcome, Stamp } from "../releases/request.ts";
import type { Snapshot } from "../stores/store.ts";
import { checkRecord } from "./check.ts";
import { releaseIn } from "./release-in.ts";

/** The wanted values of the record. */
export interface Wanted {
  readonly rollout: number;
  readonly offset: number | undefined;
  readonly why: string | undefined;
}

/** The part of the release in a write. */
export interface Following {
  readonly release: Release;
  readonly before: Release;
  readonly notice: Notice;
  /** The fields that the end of the release puts back; those that the person names win. */
  readonly back: Partial<Pick<Arc, "offset" | "failsafe">>;
}

export type BesideRelease =
  /** No release is concerned. */
  | { readonly kind: "free" }
  | ({ readonly kind: "follows" } & Following)
  /** A verb of releases does this. */
  | { readonly kind: "under-way"; readonly release: Release; readonly asked: "raise" | "offset" }
  /** A newer program may lead it. */
  | { readonly kind: "unreadable"; readonly problem: ReleaseProblem };

const FREE: BesideRelease = { kind: "free" };

/** @param value the record now; undefined if there is none */
export function besideRelease(version: string, value: unknown, wanted: Wanted, stamp: Stamp): BesideRelease {
  const now = nowOf(version, value);
  const { found } = now;
  if (found.kind === "none") return FREE;
  const { rollout, offset = now.offset } = wanted;
  if (found.kind === "problem") {
    const isRaised = rollout > now.rollout && now.rollout > 0;
    return isRaised && found.code !== "malformed" ? { kind: "unreadable", problem: found } : FREE;
  }
  if (rollout === 0) return follows(found.release, zeroed(now, found.release, wanted, stamp));
  const release = settledFirst(now, found.release, stamp);
  if (isUnderWay(release)) {
    if (rollout > now.rollout || now.isMalformed) return { kind: "under-way", release, asked: "raise" };
    if (offset !== now.offset) return { kind: "under-way", release, asked: "offset" };
  }
  const then = { ...now, rollout, offset, isMalformed: false };
  const outcome = settled(then, release, stamp);
  if (outcome.kind === "write") return follows(found.release, outcome);
  // A release that another writer has aborted must not come to life if the rollout is what it was.
  return release === found.release
    ? FREE
    : { kind: "follows", release, before: found.release, notice: "foreign-zero", back: {} };
}

/** The state of one record, as the machine sees it. Total. */
export function recordNow(version: string, value: unknown): Omit<Now, "plan" | "otherVersion"> {
  const { arc, problem } = checkRecord(version, value ?? { rollout: 0 });
  return {
    ...{ rollout: arc.rollout, offset: arc.offset, failsafe: arc.failsafe },
    isMalformed: problem !== undefined,
    found: releaseIn(value),
  };
}

/** The release of a record that is under way, also after a write that no controller has seen yet. */
export function releaseUnderWay(version: string, value: unknown): Release | undefined {
  const now = nowOf(version, value);
  if (now.found.kind !== "release") return undefined;
  const { release } = now.found;
  return isUnderWay(asSettled(now, release)) ? release : undefined;
}

/** All versions of an application that have a release under way. */
export function releasesUnderWay(snapshot: Snapshot): ReadonlyMap<string, Release> {
  const found = new Map<string, Release>();
  for (const [version, { value }] of snapshot) {
    const release = releaseUnderWay(version, value);
    if (release !== undefined) found.set(version, release);
  }
  return found;
}

/** Neither the way down nor a foreign write depends on the plan or on other versions. */
function nowOf(version: string, value: unknown): Now {
  return { ...recordNow(version, value), plan: undefined, otherVersion: undefined };
}

function zeroed(now: Now, release: Release, { why }: Wanted, stamp: Stamp): Outcome {
  return abort(now, release, { verb: "abort", key: undefined, reason: why }, stamp);
}

function settledFirst(now: Now, release: Release, stamp: Stamp): Release {
  const outcome = settled(now, release, stamp);
  return outcome.kind === "write" && outcome.release !== null ? outcome.release : release;
}

/** A release without room for its pause stays as it is: a controller sees a foreign write. */
function follows(before: Release, outcome: Outcome): BesideRelease {
  if (outcome.kind !== "write" || outcome.release === null) return FREE;
  const { release, notice, offset, failsafe } = outcome;
  return { kind: "follows", release, before, notice, back: { offset, failsafe } };
}
