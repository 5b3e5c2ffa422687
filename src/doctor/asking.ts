/** Whether the proxy asks the daemon: doctor sends visitors, and compares the daemon's counts. */

import type { State } from "../admin/state.ts";
import { MASTER } from "../circle.ts";
import { type DaemonSide, isState } from "./daemon-side.ts";
import { pointsAt } from "./site/probe-points.ts";
import type { Probe, Site } from "./site/site.ts";

/** Enough visitors to stand out from other traffic, if there is little of it. */
const VISITORS = 20;

/** A proxy with a lease reports its decisions once a second, so the counts are complete after this. */
const REPORT_MS = 1_500;

/** The parts of a subject that are needed to send visitors and to read the counts. */
interface Observed {
  readonly daemon: DaemonSide;
  readonly site: Site | undefined;
  readonly options: { readonly random: () => number };
}

/** The growth of the daemon's counts while the visitors came. */
export interface Asking {
  readonly visitors: number;
  /** Visitors whose replies name another version than master. */
  readonly elsewhere: number;
  /**
   * Decisions of the application: the daemon's own, and those that a proxy made under a lease and reported.
   */
  readonly decisions: number;
  /** Visitors that a proxy sent to master because it had no lease. */
  readonly withoutLease: number;
  /** Requests and questions that the listeners answered. */
  readonly answers: number;
  /** Leases that the daemon wrote for proxies that never ask. */
  readonly written: number;
}

/** Sends visitors and compares; undefined if the daemon's counts cannot be read, or no page answers. */
export async function seeAsking(subject: Observed, signal: AbortSignal): Promise<Asking | undefined> {
  const { site } = subject;
  if (site === undefined || site.first?.status === 0) return undefined;
  const before = await countsOf(subject);
  const arcs = (await subject.daemon.arcs()) ?? [];
  // Half of the visitors belong to versions, to see whether any of them gets there. The others are new.
  const known = [...new Set(arcs.map(({ version }) => version))]
    .flatMap((version) => pointsAt(arcs, version, VISITORS / 2, subject.options.random))
    .map((assignment): Probe => ({ assignment }));
  const visitors = Array.from({ length: VISITORS }, (_, index) =>
    index % 2 === 0 ? (known[index / 2] ?? {}) : {},
  );
  if (before === undefined) return undefined;
  const visits = await site.visitAll(visitors, signal);
  await Bun.sleep(REPORT_MS);
  const after = await countsOf(subject);
  if (after === undefined) return undefined;
  return {
    visitors: visitors.length,
    elsewhere: visits.filter(({ version }) => version !== undefined && version !== MASTER).length,
    decisions: after.decisions - before.decisions,
    withoutLease: after.withoutLease - before.withoutLease,
    answers: after.answers - before.answers,
    written: after.written - before.written,
  };
}

/** Whether the daemon counted a decision for every visitor. */
export function isHeard(asking: Asking | undefined): boolean {
  return asking !== undefined && asking.decisions >= asking.visitors;
}

/**
 * Whether the daemon counted no decision, wrote no lease for a proxy, and no visitor got another version than
 * master.
 */
export function isUnheard(asking: Asking | undefined): boolean {
  return asking !== undefined && asking.decisions === 0 && asking.written === 0 && asking.elsewhere === 0;
}

async function countsOf({ daemon }: Pick<Observed, "daemon">) {
  const state = await daemon.state();
  const application = isState(state) ? daemon.applicationOf(state) : undefined;
  if (!isState(state) || application === undefined) return undefined;
  const { decisions, reported = [] } = application;
  return {
    withoutLease: sum(reported.filter(({ kind }) => kind === "failure")),
    decisions: sum(decisions) + sum(reported.filter(({ kind }) => kind === "decided")),
    answers: successes(state.servers.filter(({ listens }) => listens !== false)),
    written: successes(state.servers.filter(({ listens }) => listens === false)),
  };
}

function sum(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}

function successes(servers: State["servers"]): number {
  return servers.reduce((total, { success }) => total + success, 0);
}
