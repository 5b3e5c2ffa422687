/**
 * Two people start a release of one application at the same moment, each of another version. Each writer
 * looks again after its write. If two releases meet, the one whose key sorts last aborts itself.
 *
 * The other writer may have looked before this one wrote, and then it knows of no meeting. So the release
 * whose key sorts first waits for the other one to go, and aborts itself if that stays.
 */

import { releaseIn } from "../records/release-in.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import type { Snapshot } from "../stores/store.ts";
import { type Carrying, carryOut, type VerbOutcome } from "./carry-out.ts";
import { look, nowIn, type Target } from "./look.ts";

/** The other writer has this long to look, and to abort its release. */
const WAIT_MS = 3_000;
const POLL_MS = 250;

/** The reason of an abort after a meeting. */
export const MEETING_REASON = "another release began at the same time";

export type Meeting =
  /** No other version is in the way any more. */
  | { readonly kind: "alone" }
  /** Another version has got visitors without a release. A controller will pause the release. */
  | { readonly kind: "beside"; readonly version: string }
  | { readonly kind: "gave-way"; readonly to: Rival; readonly outcome: VerbOutcome };

/** Another release of the application. */
export interface Rival {
  readonly version: string;
  readonly release: Release;
}

/**
 * Looks after the first write of a release. Rejects with the store's error if it cannot be read.
 *
 * @param clock monotonic, in milliseconds
 */
export async function meet(
  target: Target,
  key: string,
  carrying: Carrying,
  clock: () => number,
): Promise<Meeting> {
  const untilMs = clock() + WAIT_MS;
  for (;;) {
    const { snapshot, now } = await look(carrying.store, target, carrying.signal);
    const isOurs = now.found.kind === "release" && now.found.release.key === key;
    // Another writer has ended it, so nothing is left that could give way.
    if (!isOurs || !isUnderWay(now.found.release)) return { kind: "alone" };
    const [first, ...more] = rivalsIn(snapshot, target.version);
    if (first === undefined) {
      const { otherVersion } = nowIn(snapshot, target.version);
      return otherVersion === undefined ? { kind: "alone" } : { kind: "beside", version: otherVersion };
    }
    const isLast = [first, ...more].some(({ release }) => release.key < key);
    if (isLast || clock() >= untilMs) return giveWay(target, key, first, carrying);
    await carrying.pause(POLL_MS);
  }
}

async function giveWay(target: Target, key: string, to: Rival, carrying: Carrying): Promise<Meeting> {
  const request = { verb: "abort", key, reason: MEETING_REASON } as const;
  const outcome = await carryOut(target, () => request, { ...carrying, why: MEETING_REASON });
  return { kind: "gave-way", to, outcome };
}

function rivalsIn(snapshot: Snapshot, version: string): Rival[] {
  return [...snapshot].flatMap(([other, { value }]): Rival[] => {
    const found = releaseIn(value);
    if (other === version || found.kind !== "release" || !isUnderWay(found.release)) return [];
    return [{ version: other, release: found.release }];
  });
}
