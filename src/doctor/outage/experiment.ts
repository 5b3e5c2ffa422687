/** The experiment of the check `outage`: it sends visitors while the daemon is away, and afterwards. */

import type { State } from "../../admin/state.ts";
import { MASTER } from "../../circle.ts";
import { isState, namesServers, OLDER_DAEMON } from "../daemon-side.ts";
import { pointsAt, type ServedArc } from "../site/probe-points.ts";
import type { Site, Visit } from "../site/site.ts";
import type { Subject } from "../subject.ts";
import { Outage } from "./outage.ts";

/** Visitors of each location. */
const VISITORS = 10;

/**
 * A proxy that decides under a lease goes on until the lease ends. Doctor does not wait for a lease that is
 * longer than this.
 */
export const GRACE_MS_MAX = 10_000;

/** A proxy may notice the end of its lease later by this. */
export const GRACE_SLACK_MS = 1_500;

/** A probe that takes longer while the daemon is away has failed. */
const PROBE_MS_MAX = 2_000;

/** Enough time for the daemon's next read of the store, and for the proxy's next try. */
export const BACK_MS_MAX = 10_000;

const LOOK_EVERY_MS = 250;

/** A visitor, with less patience than usual. */
export interface ImpatientProbe {
  readonly assignment: string;
  readonly timeoutMs: number;
}

/** The visits while the daemon was away. */
export interface ObservedOutage {
  /** Time for which versions still had visitors after the daemon hung; null if they had some to the end. */
  readonly graceMs: number | null;
  readonly leaseMs: number;
  readonly hung: readonly Visit[];
  /** Empty if no socket file could be hidden. */
  readonly hidden: readonly Visit[];
  readonly hiddenPaths: readonly string[];
  readonly whyNotHidden: string | undefined;
}

/** A few visitors of every location. */
export function probesOf(arcs: readonly ServedArc[], random: () => number): ImpatientProbe[] {
  const locations = [MASTER, ...new Set(arcs.map(({ version }) => version))];
  return locations
    .flatMap((location) => pointsAt(arcs, location, VISITORS, random))
    .map((assignment) => ({ assignment, timeoutMs: PROBE_MS_MAX }));
}

/** Prepares an outage of the daemon; or says why there can be none. */
export async function prepare({ state, daemon }: Subject): Promise<Outage | { readonly why: string }> {
  if (!isState(state) || daemon.admin === null)
    return { why: "only the admin listener says which process the daemon is" };
  if (!namesServers(state)) return { why: OLDER_DAEMON };
  return Outage.prepare({ pid: state.pid, adminPort: daemon.admin.port, sockets: socketFilesOf(state) });
}

/** The socket files at which proxies reach the daemon, for every protocol. */
export function socketFilesOf({ servers }: Pick<State, "servers">): string[] {
  return servers.flatMap(({ listens, address }) =>
    listens && address.kind === "unix" ? [address.path] : [],
  );
}

/** Takes the daemon away, sends visitors, and gives the daemon back even if something throws. */
export async function takeAway(
  outage: Outage,
  site: Site,
  people: readonly ImpatientProbe[],
  lease: number,
  signal: AbortSignal,
): Promise<ObservedOutage> {
  const hung: Visit[] = [];
  const nothing = { hidden: [], hiddenPaths: [], leaseMs: lease, hung };
  try {
    outage.hang();
    const beganMs = performance.now();
    const patienceMs = Math.min(GRACE_MS_MAX, lease + GRACE_SLACK_MS);
    let graceMs: number | null = null;
    // The loop ends at the first round in which all visitors go to master, and at the first error.
    for (;;) {
      const visits = await site.visitAll(people, signal);
      hung.push(...visits);
      if (signal.aborted || visits.some((visit) => !site.isServed(visit))) break;
      const atMs = performance.now() - beganMs;
      if (visits.every(({ version }) => version === undefined || version === MASTER)) {
        graceMs = Math.round(atMs);
        // If replies do not name their version, only the end of the leases proves that master served.
        if (site.tells || atMs > patienceMs) break;
      }
      if (atMs > patienceMs) break;
      await Bun.sleep(LOOK_EVERY_MS);
    }
    if (hung.some((visit) => !site.isServed(visit)))
      return { ...nothing, graceMs, whyNotHidden: "a visitor saw an error before" };
    const whyNone = outage.refused.join("; ") || "the daemon has no unix socket";
    const whyNotHidden = outage.sockets.length === 0 ? whyNone : outage.hide();
    if (whyNotHidden !== undefined) return { ...nothing, graceMs, whyNotHidden };
    const hidden = await site.visitAll([...people, ...people], signal);
    return { graceMs, leaseMs: lease, hung, hidden, hiddenPaths: outage.sockets, whyNotHidden };
  } finally {
    outage.end();
  }
}

/** The longest time, in milliseconds, for which proxies may decide by themselves from now on. */
export async function leaseMs({ daemon }: Subject): Promise<number> {
  const state = await daemon.state();
  return isState(state) ? Math.max(0, ...state.applications.map((application) => application.leaseMs)) : 0;
}

/** Whether the daemon's snapshot is fresh; undefined if no daemon answers. */
export async function isFresh({ daemon }: Subject): Promise<boolean | undefined> {
  const state = await daemon.state();
  return isState(state) ? daemon.applicationOf(state)?.fresh : undefined;
}

/**
 * Waits until the versions have their visitors again, and the daemon has read the store again. Until then its
 * snapshot may be stale, only because doctor took the daemon away for so long. A later look at the store must
 * not blame the store for this.
 *
 * @param wasFresh whether the snapshot was fresh before; if it was not, doctor does not wait for that
 * @returns the time in milliseconds; null if it takes longer than `BACK_MS_MAX`
 */
export async function comesBack(
  subject: Subject,
  arcs: readonly ServedArc[],
  wasFresh: boolean,
): Promise<number | null> {
  const { site, options } = subject;
  const beganMs = performance.now();
  const people = arcs.flatMap(({ version }) =>
    pointsAt(arcs, version, 1, options.random).map((assignment) => ({ assignment, version })),
  );
  while (performance.now() - beganMs < BACK_MS_MAX) {
    const visits = await Promise.all(people.map(({ assignment }) => site?.visit({ assignment })));
    const areBack = visits.every((visit, index) => {
      return visit !== undefined && (visit.version === undefined || visit.version === people[index]?.version);
    });
    const fresh = areBack ? await isFresh(subject) : undefined;
    if (fresh !== undefined && (fresh || !wasFresh)) return Math.round(performance.now() - beganMs);
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return null;
}
