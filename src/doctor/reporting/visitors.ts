/**
 * Sends visitors through proxies, and looks for their outcomes at the daemons. Each visitor has an assignment
 * of its own, so an outcome surely belongs to its visit.
 */

import { MASTER } from "../../circle.ts";
import type { ProbeOutcome } from "../../intake/probes.ts";
import { type DaemonSide, isProbes } from "../daemon-side.ts";
import { locationOf, pointsAt, type ServedArc } from "../site/probe-points.ts";
import type { Site, Visit } from "../site/site.ts";

/** Visitors for each proxy. They are of all locations alike. */
const VISITORS = 8;

/** Beside many versions, the first ones stand for all. */
const LOCATIONS_MAX = 4;

/** Doctor draws this many points for each visitor, and takes the first that every proxy reports. */
const DRAWS = 8;

/** Some proxies send their reports once a second, and a busy machine is late. */
const REPORTED_MS = 3_000;

const LOOK_EVERY_MS = 50;

/** An outcome of a visitor, and the daemon that heard it. */
export interface Heard {
  readonly by: string;
  readonly outcome: ProbeOutcome;
}

export interface Visitor {
  readonly assignment: string;
  /** The location that it belongs to. */
  readonly wanted: string;
  readonly visit: Visit;
  readonly heard: readonly Heard[];
}

/** The visitors that came to one address. */
export interface Examined {
  readonly site: Site;
  /** The visitors that the daemon decided. A proxy does not report the others. */
  readonly visitors: readonly Visitor[];
}

export interface Round {
  readonly sites: readonly Site[];
  readonly daemons: readonly DaemonSide[];
  readonly arcs: readonly ServedArc[];
  readonly random: () => number;
}

/** Sends visitors to each site. Resolves when all of them are reported, or it is too late. */
export async function examine(
  { sites, daemons, arcs, random }: Round,
  signal: AbortSignal,
): Promise<readonly Examined[]> {
  const drawn = sites.map(() => assignmentsFor(arcs, random));
  const all = drawn.flat();
  await heardOf(daemons, all);
  const visits = await Promise.all(
    sites.map((site, index) =>
      site.visitAll(
        (drawn[index] ?? []).map((assignment) => ({ assignment })),
        signal,
      ),
    ),
  );
  const untilMs = performance.now() + REPORTED_MS;
  for (;;) {
    const heard = await heardOf(daemons, all);
    const examined = sites.map((site, index): Examined => {
      const visitors = (visits[index] ?? []).map((visit, at): Visitor => {
        const assignment = drawn[index]?.[at] ?? "";
        const wanted = locationOf(arcs, assignment);
        return { assignment, wanted, visit, heard: heard.get(Number(assignment)) ?? [] };
      });
      return { site, visitors: visitors.filter((visitor) => isDecided(visitor, site)) };
    });
    const areAllHeard = examined.every(({ visitors }) => visitors.every((each) => each.heard.length > 0));
    if (areAllHeard || signal.aborted || performance.now() >= untilMs) return examined;
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

/**
 * A proxy that did not get its answer in time serves master, and has nothing to report. A visitor of master
 * cannot be told from that, so its outcome may be missing once.
 */
function isDecided({ visit, wanted }: Visitor, site: Site): boolean {
  const isFallback = site.tells && visit.version === MASTER && wanted !== MASTER;
  return visit.status > 0 && !isFallback;
}

async function heardOf(
  daemons: readonly DaemonSide[],
  assignments: readonly string[],
): Promise<ReadonlyMap<number, readonly Heard[]>> {
  const heard = new Map<number, Heard[]>();
  const pages = await Promise.all(daemons.map((daemon) => daemon.probes(assignments)));
  for (const [index, page] of pages.entries()) {
    const by = daemons[index]?.name ?? "";
    for (const { assignment, outcomes } of isProbes(page) ? page.probes : []) {
      const own = outcomes.map((outcome) => ({ by, outcome }));
      heard.set(assignment, [...(heard.get(assignment) ?? []), ...own]);
    }
  }
  return heard;
}

function assignmentsFor(arcs: readonly ServedArc[], random: () => number): string[] {
  const locations = [MASTER, ...new Set(arcs.map(({ version }) => version))].slice(0, LOCATIONS_MAX);
  const each = Math.ceil(VISITORS / locations.length);
  return locations.flatMap((location) => {
    const points = pointsAt(arcs, location, each * DRAWS, random);
    const reported = points.map(sharedPoint).filter((point) => locationOf(arcs, point) === location);
    // A very short arc may have no point that every proxy reports.
    return [...new Set([...reported, ...points])].slice(0, each);
  });
}

/**
 * A point beside this one with zeros from the sixth decimal to the eighth: a proxy that reports a share of
 * the assignments, of one in a thousand or more, reports this one (`evidence/share.ts`).
 */
function sharedPoint(point: string): string {
  const decimals = point.slice(2).padEnd(15, "0");
  const shared = `0.${decimals.slice(0, 5)}000${decimals.slice(8)}`.replace(/0+$/, "");
  return shared === "0." ? "0" : shared;
}
