/**
 * The decisions between two answers of the same daemons, beside the shares that are ordered. Pure.
 *
 * A daemon counts what it is asked, and what proxies under a lease report. Some proxies that decide by
 * themselves report nothing: then the figures cannot show them, and say so.
 */

import type { ApplicationState, State } from "../../../admin/state.ts";
import { isMaintenanceOn } from "../../../circle.ts";
import { LEASES } from "../../../leases/list.ts";
import { releaseWord } from "../../../overview/release-words.ts";
import type { Reason } from "../../../placement.ts";
import { orderedShares } from "../../../records/share.ts";
import type { DaemonAnswer } from "./fleet.ts";
import { warningsOf } from "./page.ts";
import { releaseWarnings } from "./releases.ts";

/** Why decisions under some leases are not seen, by the name of the kind. */
const UNSEEN: ReadonlyMap<string, string> = new Map(
  LEASES.flatMap(({ name, unseen }) => (unseen === undefined ? [] : [[name, unseen] as const])),
);

/** Decisions that do not come from a rollout: a tester's wish, or a request without a visitor. */
const BESIDE_ROLLOUTS: ReadonlySet<string> = new Set<Reason>(["forced", "invalid", "unknown-application"]);

/** One version in the time between two answers. */
export interface VersionRate {
  readonly version: string;
  /** The share that is ordered, a fraction; null for a version that is not there any more. */
  readonly ordered: number | null;
  /** The share of the decisions, a fraction; null if there were none. */
  readonly now: number | null;
  readonly decisions: number;
}

export interface ApplicationRates {
  readonly application: string;
  readonly fresh: boolean;
  readonly ageMs: number | null;
  readonly maintenance: boolean;
  readonly warnings: readonly string[];
  /** Each release in a few words. */
  readonly releases: readonly string[];
  /** All decisions that come from rollouts. */
  readonly decisions: number;
  /** The others: forced, invalid. */
  readonly beside: number;
  readonly versions: readonly VersionRate[];
}

export interface FleetRates {
  readonly at: string;
  readonly seconds: number;
  /** Daemons that do not answer, with the reason. */
  readonly missing: readonly string[];
  /** Why the figures do not show everything; empty if they do. */
  readonly unseen: readonly string[];
  readonly applications: readonly ApplicationRates[];
}

/** @param seconds how long it was from the answers `before` to those `after` */
export function compare(
  before: readonly DaemonAnswer[],
  after: readonly DaemonAnswer[],
  seconds: number,
): FleetRates {
  const pairs = after.map(({ state }, index) => ({ now: state, was: before[index]?.state ?? null }));
  const states = after.flatMap(({ state }) => (state === null ? [] : [state]));
  const names = [...new Set(states.flatMap(({ applications }) => applications.map(({ name }) => name)))];
  const silent = states.flatMap(({ servers }) =>
    servers.flatMap(({ protocol }) => UNSEEN.get(protocol) ?? []),
  );
  return {
    at: new Date().toISOString(),
    seconds: Number(seconds.toFixed(3)),
    missing: after.flatMap(({ admin, error }) => (error === null ? [] : [`${admin}: ${error.message}`])),
    unseen: [...new Set(silent)].map((why) => `${why}: its visitors are not in these figures`),
    applications: names.flatMap((name) => ratesOf(name, pairs)),
  };
}

interface Pair {
  readonly now: State | null;
  readonly was: State | null;
}

/** The decisions of all daemons together. The first of them says what is ordered. */
function ratesOf(name: string, pairs: readonly Pair[]): ApplicationRates[] {
  const counts = new Map<string, number>();
  let beside = 0;
  for (const { now, was } of pairs) {
    for (const { location, reason, count } of grownBy(name, now, was)) {
      if (BESIDE_ROLLOUTS.has(reason)) beside += count;
      else counts.set(location, (counts.get(location) ?? 0) + count);
    }
  }
  const lead = pairs.find(({ now }) => applicationOf(name, now) !== undefined)?.now ?? null;
  const first = applicationOf(name, lead);
  if (first === undefined) return [];
  const decisions = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const ordered = orderedShares(first.arcs, first.fresh);
  const versions = [...new Set([...ordered.keys(), ...counts.keys()])].map((version) => ({
    version,
    ordered: ordered.get(version) ?? null,
    now: decisions === 0 ? null : (counts.get(version) ?? 0) / decisions,
    decisions: counts.get(version) ?? 0,
  }));
  const { fresh, ageMs } = first;
  const maintenance = isMaintenanceOn(first.arcs);
  return [
    {
      application: name,
      fresh,
      ageMs,
      maintenance,
      warnings: [
        ...new Set([
          ...warningsOf(first, lead?.storeFlags),
          ...pairs.flatMap(({ now }) => releaseWarningsOf(name, now)),
        ]),
      ],
      releases: (first.releases ?? []).map(releaseWord),
      decisions,
      beside,
      versions,
    },
  ];
}

/** A daemon that leads knows more of a release than the first daemon may know. */
function releaseWarningsOf(name: string, state: State | null): string[] {
  const application = applicationOf(name, state);
  return application === undefined ? [] : releaseWarnings(application, state?.storeFlags);
}

/** How much each count of an application grew. After a restart of the daemon it counts from 0 again. */
function grownBy(name: string, now: State | null, was: State | null): ApplicationState["decisions"] {
  const after = countsOf(applicationOf(name, now));
  const isSame = now?.pid === was?.pid && now?.startedAt === was?.startedAt;
  if (was === null) return [];
  const before = isSame ? countsOf(applicationOf(name, was)) : [];
  return after.map(({ location, reason, count }) => {
    const known = before.find((each) => each.location === location && each.reason === reason);
    return { location, reason, count: count - (known?.count ?? 0) };
  });
}

/** The decisions of the daemon, and those that proxies reported. An older daemon has both in one list. */
function countsOf(application: ApplicationState | undefined): ApplicationState["decisions"] {
  if (application === undefined) return [];
  const reported = application.reported ?? [];
  return [
    ...application.decisions,
    ...reported.map(({ location, kind, count }) => ({ location, reason: `reported as ${kind}`, count })),
  ];
}

function applicationOf(name: string, state: State | null): ApplicationState | undefined {
  return state?.applications.find((each) => each.name === name);
}
