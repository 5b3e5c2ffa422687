/**
 * Law 17: the store may go back to an older state. A controller keeps what it has seen of a version's
 * releases, and compares each record with that. Pure.
 *
 * `seq` grows with each write, also from one release to the next. So a record with a lower `seq` is older. A
 * release that was over never comes back, whatever its `seq`.
 */

import { foreignIn } from "./foreign.ts";
import { isUnderWay, type Release } from "./release.ts";
import type { Known, KnownRelease, Now } from "./request.ts";

/** The last releases of a version are kept, this many. */
export const KNOWN_MAX = 16;

export const NOTHING_KNOWN: Known = { seq: 0, releases: [] };

/** The knowledge after a look at a record; the same object if nothing is new. */
export function knownAfter(before: Known, now: Now): Known {
  const { found } = now;
  if (now.isMalformed) return before;
  // A release that cannot be read is forgotten too: the one that replaces it cannot know its `seq`.
  if (found.kind !== "release") return before.seq === 0 ? before : { ...before, seq: 0 };
  if (isBehind(before, now)) return before;
  const { release } = found;
  const [last, ...earlier] = before.releases;
  const seen: KnownRelease = {
    ...{ key: release.key, seq: release.seq, isOver: !isUnderWay(release) },
    isZero: foreignIn(now, release) === "zero",
  };
  if (last !== undefined && last.key === seen.key) {
    const isSame = last.seq === seen.seq && last.isOver === seen.isOver && last.isZero === seen.isZero;
    return isSame && before.seq === seen.seq ? before : { seq: seen.seq, releases: [seen, ...earlier] };
  }
  const others = before.releases.filter(({ key }) => key !== seen.key);
  const replaced = others.map((other) => (other.isOver ? other : { ...other, isOver: true }));
  return { seq: seen.seq, releases: [seen, ...replaced].slice(0, KNOWN_MAX) };
}

/** Whether the record shows an older state than one that was seen. */
export function isBehind(known: Known, now: Now): boolean {
  if (now.found.kind !== "release" || now.isMalformed) return false;
  const { release } = now.found;
  const seen = seenOf(known, release);
  if (seen?.isOver && isUnderWay(release)) return true;
  if (seen?.isZero && goesOnFrom(seen, release) && now.rollout > 0 && foreignIn(now, release) === "none") {
    return true;
  }
  return release.seq < highestSeq(known, release);
}

/** A release that was paused later waits for a person, who has written another rollout since the 0. */
function goesOnFrom({ seq }: KnownRelease, release: Release): boolean {
  return isUnderWay(release) && !(release.state === "paused" && release.seq > seq);
}

/** The least `seq` with which the record of this release is not older than what was seen. */
export function highestSeq(known: Known, release: Release): number {
  return Math.max(known.seq, seenOf(known, release)?.seq ?? 0);
}

/**
 * Whether an older record must go to rollout 0: the release that was seen last was aborted, finished or at 0,
 * or the record's own release was over.
 */
export function wasOver(known: Known, release: Release): boolean {
  const seen = seenOf(known, release) ?? known.releases[0];
  return seen !== undefined && (seen.isOver || seen.isZero);
}

function seenOf({ releases }: Known, { key }: Release): KnownRelease | undefined {
  return releases.find((each) => each.key === key);
}
