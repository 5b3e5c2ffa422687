/** Judges the replies that visitors got, and makes the finding of `split`. Pure. */

import { MASTER, spell } from "../../circle.ts";
import { causing, type Evidence, type Finding, fail, pass, warn } from "../finding.ts";
import type { ServedArc } from "./probe-points.ts";
import { outcome, type Visit } from "./site.ts";

/** A finding names at most this many wrongly served visitors. */
const NAMED_MAX = 5;

/** A visitor, the version that it belongs to, and the reply that it got. */
export interface ProbedVisitor {
  readonly assignment: string;
  readonly wanted: string;
  readonly visit: Visit;
}

/** Whether a visitor got the version that it belongs to. */
export function isRight({ visit, wanted }: ProbedVisitor): boolean {
  return visit.version === wanted;
}

/** Whether a visitor saw an error. */
export function isError({ visit }: ProbedVisitor): boolean {
  return visit.status === 0 || visit.status >= 500;
}

/** The finding if replies name their version. */
export function judgeSeen(placements: readonly ProbedVisitor[], arcs: readonly ServedArc[]): Finding {
  const wrong = placements.filter((placement) => !isRight(placement));
  const evidence: Evidence = {
    ...counted(placements, arcs),
    served: tally(placements.map(({ visit }) => visit.version ?? `unknown (${outcome(visit)})`)),
    wrong: wrong.length,
    examples: wrong
      .slice(0, NAMED_MAX)
      .map(
        ({ assignment, wanted, visit }) =>
          `${assignment}: ${visit.version ?? visit.error ?? `status ${visit.status}`} instead of ${wanted}`,
      ),
  };
  const count = placements.length;
  if (wrong.length === 0)
    return pass(`${count} of ${count} visitors, also at all edges of arcs: ${shownArcs(arcs)}`, evidence);
  const finding = fail(
    `${wrong.length} of ${count} visitors do not get their version: ${whatIsWrong(wrong)}`,
    remedyOf(placements, wrong),
    evidence,
  );
  return areAllAtMaster(placements) ? causing(finding, "all visitors go to master") : finding;
}

function areAllAtMaster(placements: readonly ProbedVisitor[]): boolean {
  return placements.every(({ visit }) => visit.version === MASTER);
}

/** The finding if replies do not name their version. The daemon's counts do not show the proxy's choice. */
export function judgeUnseen(
  placements: readonly ProbedVisitor[],
  arcs: readonly ServedArc[],
  before: Readonly<Record<string, number>> | undefined,
  after: Readonly<Record<string, number>> | undefined,
): Finding {
  const wanted = tally(placements.map((placement) => placement.wanted));
  const failed = placements.filter(isError);
  const evidence = { ...counted(placements, arcs), failed: failed.length };
  if (failed.length > 0) {
    return fail(
      `${failed.length} of ${placements.length} visitors saw an error`,
      "read the proxy's error log, which says why",
      evidence,
    );
  }
  const remedy =
    "make replies say which version served them (see version-shown): then doctor can see the rest";
  if (before === undefined || after === undefined) {
    return warn("neither replies nor the daemon's counts show which version served", remedy, evidence);
  }
  const answered = Object.fromEntries(
    Object.keys(after).map((location) => [location, (after[location] ?? 0) - (before[location] ?? 0)]),
  );
  if (Object.values(answered).every((count) => count === 0)) {
    return warn(
      "the daemon counted no decision for these visitors, and replies do not say which version served them",
      remedy,
      evidence,
    );
  }
  const isPlausible = Object.entries(wanted).every(([location, count]) => (answered[location] ?? 0) >= count);
  return warn(
    isPlausible
      ? `the daemon answered as the store says (${counts(answered)}), but replies do not say which version then served`
      : `visitors belong to ${counts(wanted)}, but the daemon counted ${counts(answered)}; replies do not say which version served`,
    remedy,
    { ...evidence, answered },
  );
}

function counted(placements: readonly ProbedVisitor[], arcs: readonly ServedArc[]) {
  return {
    visitors: placements.length,
    arcs: spell(arcs),
    wanted: tally(placements.map(({ wanted }) => wanted)),
  };
}

function whatIsWrong(wrong: readonly ProbedVisitor[]): string {
  const kinds = tally(
    wrong.map(({ wanted, visit }) => {
      if (visit.version !== undefined) return `${visit.version} instead of ${wanted}`;
      return visit.status === 0 ? "no reply" : `status ${visit.status} and no version`;
    }),
  );
  return Object.entries(kinds)
    .slice(0, NAMED_MAX)
    .map(([kind, count]) => `${count} × ${kind}`)
    .join(", ");
}

function remedyOf(placements: readonly ProbedVisitor[], wrong: readonly ProbedVisitor[]): string {
  if (wrong.some(isError)) {
    return "visitors see errors: read the error log of the proxy, and the logs of its upstreams";
  }
  if (wrong.every(({ visit }) => visit.version === undefined)) {
    return "make every version name itself, by the header of -version-header or by a text of -version-text";
  }
  const served = new Set(placements.map(({ visit }) => visit.version));
  if (areAllAtMaster(placements)) {
    return (
      "the proxy sends all visitors to master: it does not reach the daemon, has no lease, or does not use the answer. Compare its " +
      "configuration with the shipped one, and read its error log. A cache in front may also give one page to all visitors"
    );
  }
  const areAtMaster = wrong.every(({ visit }) => visit.version === MASTER);
  if (areAtMaster && wrong.every(({ wanted }) => served.has(wanted))) {
    return (
      "lower the load of this machine. Other visitors got these versions, so the proxy sometimes stops waiting and serves " +
      "master: the daemon is too busy to answer within milliseconds"
    );
  }
  if (areAtMaster) {
    return "the proxy does not know these versions: give it a name and a backend for each, and reload it";
  }
  return (
    "the proxy does not decide by this daemon's answers. Make it send the cookie maxwellsdaemon to this daemon, and let " +
    "nothing between visitors and proxy split or cache"
  );
}

function shownArcs(arcs: readonly ServedArc[]): string {
  return spell(arcs) || "all visitors go to master";
}

function tally(names: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of names) result[name] = (result[name] ?? 0) + 1;
  return result;
}

function counts(byName: Readonly<Record<string, number>>): string {
  return Object.entries(byName)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
