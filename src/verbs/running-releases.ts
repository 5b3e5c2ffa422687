/** The releases of a store that a freeze holds back: those that are running. */

import { listApplications } from "../records/applications.ts";
import { releasesUnderWay } from "../records/beside-release.ts";
import type { Release } from "../releases/release.ts";
import type { Snapshot, Store } from "../stores/store.ts";

/** At most this many applications are read. The list of a greater store helps no person. */
export const APPLICATIONS_READ_MAX = 2_000;

/** At most this many reads are under way at the same time. */
const READS_MAX = 8;

export interface RunningRelease {
  readonly application: string;
  readonly version: string;
  readonly release: Release;
}

export interface RunningReleases {
  readonly running: readonly RunningRelease[];
  /** Whether all applications of the store were read. */
  readonly isWhole: boolean;
}

/**
 * Rejects with the store's own error.
 *
 * @param named the applications to read if the store cannot list its own
 */
export async function runningReleases(
  store: Store,
  named: readonly string[],
  signal: AbortSignal,
): Promise<RunningReleases> {
  const listed = await listApplications(store, signal);
  const all = listed ?? named;
  const names = all.slice(0, APPLICATIONS_READ_MAX);
  const running: RunningRelease[] = [];
  const read = async (application: string) => {
    const snapshot = await store.read(application, signal);
    running.push(...runningIn(application, snapshot));
  };
  for (let index = 0; index < names.length; index += READS_MAX) {
    await Promise.all(names.slice(index, index + READS_MAX).map(read));
  }
  const isWhole = listed !== undefined && names.length === all.length;
  return { running: running.sort(byApplication), isWhole };
}

function runningIn(application: string, snapshot: Snapshot): RunningRelease[] {
  return [...releasesUnderWay(snapshot)].flatMap(([version, release]) =>
    release.state === "running" ? [{ application, version, release }] : [],
  );
}

function byApplication(a: RunningRelease, b: RunningRelease): number {
  return a.application < b.application ? -1 : Number(a.application > b.application);
}
