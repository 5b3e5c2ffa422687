/**
 * Every version answers its visitors. Doctor sends visitors of each location, and counts their errors by
 * version.
 */

import { MASTER } from "../../circle.ts";
import { commandLine } from "../../verbs/command-line.ts";
import type { Check } from "../check.ts";
import { isState } from "../daemon-side.ts";
import { causing, fail, pass } from "../finding.ts";
import { locationOf, pointsAt } from "../site/probe-points.ts";
import { outcome, type Probe, type Visit } from "../site/site.ts";
import { type Subject, siteOf, storeFlagsOf, withoutSite } from "../subject.ts";

/** Visitors of each location. */
const VISITORS = 12;

/** New visitors, if doctor cannot choose assignments by their location. */
const NEW_VISITORS = 40;

/** A version alone is to blame if its share of errors is higher than every other share by this. */
const WORSE_BY = 0.25;

/** The replies to the visitors of one version. */
interface Tally {
  readonly version: string;
  readonly visitors: number;
  readonly errors: number;
  /** Each kind of error once: `status 500`, or why there was no reply. */
  readonly outcomes: readonly string[];
}

export const errors: Check = {
  id: "errors",
  title: "no version answers its visitors with an error",
  skip: withoutSite,
  follows: ["maintenance", "url"],

  async run(subject, signal) {
    const tallies = tally(await send(subject, signal), subject);
    const evidence = {
      visitors: Object.fromEntries(tallies.map(({ version, visitors }) => [version, visitors])),
      errors: Object.fromEntries(tallies.map(({ version, errors }) => [version, errors])),
      outcomes: [...new Set(tallies.flatMap(({ outcomes }) => outcomes))],
    };
    if (tallies.every(({ errors }) => errors === 0)) return pass(tallies.map(described).join("; "), evidence);
    const { summary, remedy } = judge(tallies, subject);
    return causing({ ...fail(summary, remedy, evidence), isFinal: true }, "visitors see errors");
  },
};

/** A visit, and the location that its visitor belongs to; undefined if no daemon says so. */
interface Sent {
  readonly visit: Visit;
  readonly wanted: string | undefined;
}

async function send({ daemon, options, site }: Subject, signal: AbortSignal): Promise<Sent[]> {
  // Traefik's visitors have no assignments. Only replies show which version serves them.
  const arcs = site?.isSliced ? undefined : await daemon.arcs();
  const locations = arcs === undefined ? [] : [MASTER, ...new Set(arcs.map(({ version }) => version))];
  const probes: readonly Probe[] =
    arcs === undefined
      ? Array.from({ length: NEW_VISITORS }, () => ({}))
      : locations
          .flatMap((location) => pointsAt(arcs, location, VISITORS, options.random))
          .map((assignment) => ({ assignment }));
  const visits = (await site?.visitAll(probes, signal)) ?? [];
  return visits.map((visit, index) => {
    const assignment = probes[index]?.assignment;
    const isKnown = arcs !== undefined && assignment !== undefined;
    return { visit, wanted: isKnown ? locationOf(arcs, assignment) : undefined };
  });
}

/** Counts by the version that the reply names, because a proxy may have sent all visitors to master. */
function tally(sent: readonly Sent[], subject: Subject): Tally[] {
  const site = siteOf(subject);
  const byVersion = Map.groupBy(sent, ({ visit, wanted }) => visit.version ?? wanted ?? "any version");
  return [...byVersion].map(([version, own]) => {
    const failed = own.filter(({ visit }) => !site.isServed(visit));
    return {
      version,
      visitors: own.length,
      errors: failed.length,
      outcomes: [...new Set(failed.map(({ visit }) => visit.error ?? `status ${outcome(visit)}`))],
    };
  });
}

function judge(tallies: readonly Tally[], subject: Subject): { summary: string; remedy: string } {
  const said = tallies.map(described).join("; ");
  if (tallies.every(({ errors, visitors }) => errors === visitors)) {
    return {
      summary: `every visitor sees an error: ${said}`,
      remedy:
        "read the proxy's error log: the proxy itself, or the servers of all versions, do not work. No rollout mends this",
    };
  }
  const [worst, next] = [...tallies].sort((a, b) => share(b) - share(a));
  const summary = `visitors of ${worst?.version} see errors: ${said}`;
  const isClear = worst !== undefined && share(worst) >= share(next) + WORSE_BY;
  if (worst === undefined || (!isClear && (next?.errors ?? 0) > 0)) {
    return { summary, remedy: "read the proxy's error log: more than one version has errors" };
  }
  if (worst.version !== MASTER) {
    return {
      summary,
      remedy: `send its visitors back to master: ${commandFor(worst.version, subject)}. Then read the log of its servers`,
    };
  }
  return {
    summary,
    remedy:
      "mend master's servers first: master serves all visitors outside the rollouts, and all of them if the daemon is gone. Until " +
      "then set no version to 0%, and do not stop the daemon",
  };
}

function described({ version, visitors, errors, outcomes }: Tally): string {
  const kinds = outcomes.length > 0 ? ` (${outcomes.join(", ")})` : "";
  return `${version}: ${errors} of ${visitors} visitors got an error${kinds}`;
}

function share(tally: Tally | undefined): number {
  return tally === undefined || tally.visitors === 0 ? 0 : tally.errors / tally.visitors;
}

/** The command that sends a version's visitors to master. */
function commandFor(version: string, subject: Subject): string {
  const { state, daemon } = subject;
  const application = isState(state) ? daemon.applicationOf(state)?.name : undefined;
  if (application === undefined) return `maxwells-daemon set ${version} 0%`;
  return commandLine(storeFlagsOf(subject), application, "set", version, "0%");
}
