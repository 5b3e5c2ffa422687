/**
 * One look at the release of a version: its record, the state that the machine sees, and the time.
 *
 * The time is that of the store's clock, because all writers must agree on `since`. If the store has no
 * clock, it is the writer's own.
 */

import { MAINTENANCE } from "../circle.ts";
import { recordNow } from "../records/beside-release.ts";
import { checkRecord } from "../records/check.ts";
import { releaseIn } from "../records/release-in.ts";
import type { Plan } from "../releases/plan.ts";
import { PlanProblems, parsePlan } from "../releases/plan-parser.ts";
import { isUnderWay } from "../releases/release.ts";
import type { Now } from "../releases/request.ts";
import { unlessAborted } from "../stores/shared/abort.ts";
import type { Snapshot, Store, StoreRecord } from "../stores/store.ts";

/** One version of an application. */
export interface Target {
  readonly application: string;
  readonly version: string;
}

export interface Looked {
  readonly target: Target;
  /** All records of the application. */
  readonly snapshot: Snapshot;
  /** Undefined if the version has no record. */
  readonly record: StoreRecord | undefined;
  readonly now: Now;
}

/** Rejects with the store's own error. */
export async function look(store: Store, target: Target, signal: AbortSignal): Promise<Looked> {
  const snapshot = await store.read(target.application, signal);
  return { target, snapshot, record: snapshot.get(target.version), now: nowIn(snapshot, target.version) };
}

/** The state of a version in a snapshot, as the machine sees it. Pure and total. */
export function nowIn(snapshot: Snapshot, version: string): Now {
  const now = recordNow(version, snapshot.get(version)?.value);
  return {
    ...now,
    plan: now.found.kind === "release" ? planIn(now.found.release.plan) : undefined,
    otherVersion: otherVersionIn(snapshot, version),
  };
}

function planIn(text: string): Plan | undefined {
  const plan = parsePlan(text);
  return plan instanceof PlanProblems ? undefined : plan;
}

/**
 * Another version that has visitors, or a release that is not over. Maintenance is a switch, and not a
 * version.
 */
function otherVersionIn(snapshot: Snapshot, version: string): string | undefined {
  for (const [other, { value }] of snapshot) {
    if (other === version || other === MAINTENANCE) continue;
    if (checkRecord(other, value).arc.rollout > 0) return other;
    const found = releaseIn(value);
    if (found.kind === "release" && isUnderWay(found.release)) return other;
  }
  return undefined;
}

export interface Timing {
  readonly signal: AbortSignal;
  /** This machine's clock: milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Aborts after some milliseconds. */
  readonly timeLimit: (ms: number) => AbortSignal;
}

/** The longest wait for the store's clock of a verb that lowers or stops. */
const CLOCK_WAIT_MS = 1_000;

/**
 * The time for a verb: milliseconds since 1970. A verb that lowers takes this machine's clock if the store's
 * does not answer, because the way down never waits. Any other verb rejects with the store's error.
 */
export async function timeFor(
  store: Store,
  isLowering: boolean,
  { signal, wallClock, timeLimit }: Timing,
): Promise<number> {
  if (store.clock === undefined) return wallClock();
  if (!isLowering) return store.clock(signal);
  const bounded = AbortSignal.any([signal, timeLimit(CLOCK_WAIT_MS)]);
  try {
    return await unlessAborted(bounded, store.clock(bounded));
  } catch {
    return wallClock();
  }
}
