/** What visitors get while the daemon is away, and afterwards: the experiment of `outage`. */

import type { State } from "../../admin/state.ts";
import { MASTER } from "../../circle.ts";
import { isState, namesServers, OLDER_DAEMON } from "../daemon-side.ts";
import { pointsAt, type ServedArc } from "../site/probe-points.ts";
import type { Site, Visit } from "../site/site.ts";
import type { Subject } from "../subject.ts";
import { Outage } from "./outage.ts";

/** Visitors of each location. */
const VISITORS = 10;

/** A proxy that decides under a lease goes on until the lease has run out. Longer leases than this are not waited for. */
export const GRACE_MS_MAX = 10_000;

/** How much later than its lease a proxy may notice. */
export const GRACE_SLACK_MS = 1_500;

/** A probe that takes longer while the daemon is away has failed. */
const PROBE_MS_MAX = 2_000;

/** How soon the canary has visitors again: the next read of the store, and the proxy's next look. */
export const BACK_MS_MAX = 10_000;

const LOOK_EVERY_MS = 250;

/** A visitor, with less patience than usual. */
export interface ImpatientProbe {
  readonly assignment: string;
  readonly timeoutMs: number;
}

/** What was seen while the daemon was away. */
export interface ObservedOutage {
  /** How long the canary still had visitors after the daemon hung; null if it had some to the end. */
  readonly graceMs: number | null;
  readonly leaseMs: number;
  readonly hung: readonly Visit[];
  /** None if no socket file could be hidden. */
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

/** An outage of the daemon that is looked at; or why there can be none. */
export async function prepare({ state, daemon }: Subject): Promise<Outage | { readonly why: string }> {
  if (!isState(state) || daemon.admin === null)
    return { why: "only the admin listener says which process the daemon is" };
  if (!namesServers(state)) return { why: OLDER_DAEMON };
  return Outage.prepare({ pid: state.pid, adminPort: daemon.admin.port, sockets: socketFilesOf(state) });
}

/** The socket files at which proxies reach the daemon, whatever the protocol. */
export function socketFilesOf({ servers }: Pick<State, "servers">): string[] {
  return servers.flatMap(({ listens, address }) =>
    listens && address.kind === "unix" ? [address.path] : [],
  );
}

/** Takes the daemon away, looks, and gives it back, whatever happens. */
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
    // The first round with everyone at master ends it; so does the first error.
    for (;;) {
      const visits = await site.visitAll(people, signal);
      hung.push(...visits);
      if (signal.aborted || visits.some((visit) => !site.isServed(visit))) break;
      const atMs = performance.now() - beganMs;
      if (visits.every(({ version }) => version === undefined || version === MASTER)) {
        graceMs = Math.round(atMs);
        // Without a version to see, the leases are waited for.
        if (site.tells || atMs > patienceMs) break;
      }
      if (atMs > patienceMs) break;
      await Bun.sleep(LOOK_EVERY_MS);
    }
    if (hung.some((visit) => !site.isServed(visit)))
      return { ...nothing, graceMs, whyNotHidden: "it stopped before" };
    const whyNone = outage.refused.join("; ") || "it has no unix socket";
    const whyNotHidden = outage.sockets.length === 0 ? whyNone : outage.hide();
    if (whyNotHidden !== undefined) return { ...nothing, graceMs, whyNotHidden };
    const hidden = await site.visitAll([...people, ...people], signal);
    return { graceMs, leaseMs: lease, hung, hidden, hiddenPaths: outage.sockets, whyNotHidden };
  } finally {
    outage.end();
  }
}

/** For how long proxies may decide by themselves from now on. */
export async function leaseMs({ daemon }: Subject): Promise<number> {
  const state = await daemon.state();
  return isState(state) ? Math.max(0, ...state.applications.map((application) => application.leaseMs)) : 0;
}

/** After how long the versions have their visitors again; null if they do not. */
export async function comesBack(
  { daemon, site, options }: Subject,
  arcs: readonly ServedArc[],
): Promise<number | null> {
  const beganMs = performance.now();
  const people = arcs.flatMap(({ version }) =>
    pointsAt(arcs, version, 1, options.random).map((assignment) => ({ assignment, version })),
  );
  while (performance.now() - beganMs < BACK_MS_MAX) {
    const visits = await Promise.all(people.map(({ assignment }) => site?.visit({ assignment })));
    const areBack = visits.every((visit, index) => {
      return visit !== undefined && (visit.version === undefined || visit.version === people[index]?.version);
    });
    if (areBack && (await daemon.arcs()) !== undefined) return Math.round(performance.now() - beganMs);
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return null;
}
