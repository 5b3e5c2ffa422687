/** What the visitors' places mean: the finding of `split`. Pure. */

import { MASTER, spell } from "../../circle.ts";
import { causing, type Evidence, type Finding, fail, pass, warn } from "../finding.ts";
import type { ServedArc } from "./probe-points.ts";
import { outcome, type Visit } from "./site.ts";

/** Wrong visitors that are named. */
const NAMED_MAX = 5;

/** A visitor, the version that it belongs to, and what it got. */
export interface ProbedVisitor {
  readonly assignment: string;
  readonly wanted: string;
  readonly visit: Visit;
}

/** Served by the version that it belongs to. */
export function isRight({ visit, wanted }: ProbedVisitor): boolean {
  return visit.version === wanted;
}

/** Not served at all. */
export function isError({ visit }: ProbedVisitor): boolean {
  return visit.status === 0 || visit.status >= 500;
}

/** The finding if replies tell which version served. */
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
    return pass(`${count} of ${count} visitors, at all edges: ${shownArcs(arcs)}`, evidence);
  const finding = fail(
    `${wrong.length} of ${count} visitors are elsewhere: ${whatIsWrong(wrong)}`,
    remedyOf(placements, wrong),
    evidence,
  );
  return areAllAtMaster(placements) ? causing(finding, "everyone is at master") : finding;
}

function areAllAtMaster(placements: readonly ProbedVisitor[]): boolean {
  return placements.every(({ visit }) => visit.version === MASTER);
}

/** The finding if replies do not tell: what the daemon answered, which is not what the proxy did. */
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
      "the proxy's error log says why",
      evidence,
    );
  }
  const remedy =
    "make replies say which version served them (see version-shown): then doctor can see the rest";
  if (before === undefined || after === undefined) {
    return warn("neither replies nor the daemon's counts tell which version served", remedy, evidence);
  }
  const answered = Object.fromEntries(
    Object.keys(after).map((location) => [location, (after[location] ?? 0) - (before[location] ?? 0)]),
  );
  if (Object.values(answered).every((count) => count === 0)) {
    return warn(
      "the proxy asks for no single visitor, and which version served cannot be seen",
      remedy,
      evidence,
    );
  }
  const isPlausible = Object.entries(wanted).every(([location, count]) => (answered[location] ?? 0) >= count);
  return warn(
    isPlausible
      ? `the daemon answered as the store says (${counts(answered)}); which version then served cannot be seen`
      : `visitors belong to ${counts(wanted)}, and the daemon counted ${counts(answered)}; which version served cannot be seen`,
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
    return "visitors see errors: the proxy's error log, and its upstreams, say why";
  }
  if (wrong.every(({ visit }) => visit.version === undefined)) {
    return "let every version say that it served, by the header of -version-header or a text of -version-text";
  }
  const served = new Set(placements.map(({ visit }) => visit.version));
  if (areAllAtMaster(placements)) {
    return (
      "the proxy sends everyone to master: it does not reach the daemon, has no lease, or does not use the answer. Compare its " +
      "configuration with the shipped one, and look at its error log. If there is a cache in front, it may give everyone one page"
    );
  }
  const areAtMaster = wrong.every(({ visit }) => visit.version === MASTER);
  if (areAtMaster && wrong.every(({ wanted }) => served.has(wanted))) {
    return (
      "others of their version are right, so the proxy lost its patience for these and served master: the daemon, or this " +
      "machine, is too busy to answer within milliseconds"
    );
  }
  if (areAtMaster) {
    return "the proxy does not know these versions: give it a backend and a name for each, and reload it";
  }
  return (
    "the proxy decides otherwise: does it send the cookie maxwellsdaemon to this daemon, and is nothing between visitors " +
    "and proxy that splits or caches?"
  );
}

function shownArcs(arcs: readonly ServedArc[]): string {
  return spell(arcs) || "everyone at master";
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
