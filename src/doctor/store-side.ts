/**
 * The daemon's store, as doctor reaches it by its own settings: the leaders of releases, the right of
 * doctor's login to write, and the clock. Nothing is changed, and nothing here rejects.
 */

import type { Store } from "../stores/store.ts";
import { Observer } from "../verbs/observer.ts";
import { tryWrite, type WriteTrial } from "../verbs/write-trial.ts";

/** Doctor looks at the leaders of this many releases. */
export const RELEASES_MAX = 20;

export interface StoreSide {
  /** The daemons that lead a release, by its key. A release is missing if its evidence cannot be read. */
  readonly leaders: ReadonlyMap<string, readonly string[]>;
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
    ...applications.slice(0, RELEASES_MAX).map((application) => leadersOf(store, application, signal)),
  ]);
  const hasEvidence = store.evidence !== undefined;
  return { write, hasEvidence, clockAheadMs, leaders: new Map(found.flat()) };
}

async function leadersOf(
  store: Store,
  application: string,
  signal: AbortSignal,
): Promise<readonly (readonly [key: string, leaders: readonly string[]])[]> {
  const clocks = { monotonic: () => performance.now(), wall: Date.now };
  try {
    const { releases, moment, crewOf } = await new Observer(store, application, clocks).look(signal);
    return releases.flatMap(({ release: { key } }) => {
      const crew = crewOf(key);
      return crew === undefined ? [] : [[key, crew.leaders(moment.monotonicMs)] as const];
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
