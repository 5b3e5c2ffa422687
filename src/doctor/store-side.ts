/**
 * The daemon's store, as doctor reaches it by its own settings: the leaders of releases, the right of
 * doctor's login to write, and the clock. Nothing is changed, and nothing here rejects.
 */

import type { Store } from "../stores/store.ts";
import { Observer } from "../verbs/observer.ts";
import { tryWrite, type WriteTrial } from "../verbs/write-trial.ts";

/** Doctor looks at the leaders of this many releases. */
export const RELEASES_MAX = 20;

/** The daemons with -releases on that were heard of late. */
export interface SeenCrew {
  readonly leaders: readonly string[];
  /** The store refuses their writes. */
  readonly unable: readonly string[];
}

export interface StoreSide {
  /** The daemons of a release, by its key. A release is missing if its evidence cannot be read. */
  readonly crews: ReadonlyMap<string, SeenCrew>;
  /** Undefined if none was wanted. */
  readonly write: WriteTrial | undefined;
  /** Whether the store keeps evidence, in which controllers see each other. */
  readonly hasEvidence: boolean;
  /** The store's clock less this machine's; undefined if the store has none. */
  readonly clockAheadMs: number | undefined;
}

/**
 * @param applications whose releases are of interest
 * @param trial        the application for the trial of a write; undefined for none
 */
export async function storeSide(
  store: Store,
  applications: readonly string[],
  trial: string | undefined,
  signal: AbortSignal,
): Promise<StoreSide> {
  const [write, clockAheadMs, ...found] = await Promise.all([
    trial === undefined ? undefined : tryWrite(store, trial, signal),
    clockAheadOf(store, signal),
    ...applications.slice(0, RELEASES_MAX).map((application) => crewsOf(store, application, signal)),
  ]);
  const hasEvidence = store.evidence !== undefined;
  return { write, hasEvidence, clockAheadMs, crews: new Map(found.flat()) };
}

async function crewsOf(
  store: Store,
  application: string,
  signal: AbortSignal,
): Promise<readonly (readonly [key: string, crew: SeenCrew])[]> {
  const clocks = { monotonic: () => performance.now(), wall: Date.now };
  try {
    const { releases, moment, crewOf } = await new Observer(store, application, clocks).look(signal);
    return releases.flatMap(({ release: { key } }) => {
      const crew = crewOf(key);
      if (crew === undefined) return [];
      const { monotonicMs } = moment;
      return [[key, { leaders: crew.leaders(monotonicMs), unable: crew.unable(monotonicMs) }] as const];
    });
  } catch {
    return [];
  }
}

async function clockAheadOf(store: Store, signal: AbortSignal): Promise<number | undefined> {
  try {
    const beforeMs = Date.now();
    const storeMs = await store.clock?.(signal);
    return storeMs === undefined ? undefined : storeMs - (beforeMs + Date.now()) / 2;
  } catch {
    return undefined;
  }
}
