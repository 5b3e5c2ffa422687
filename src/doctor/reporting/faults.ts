/** The faults in the reports of a proxy: an outcome is compared with the visit that doctor made. Pure. */

import { MASTER } from "../../circle.ts";
import type { Examined, Visitor } from "./visitors.ts";

/** A fault, and what follows from it. */
export interface Fault {
  readonly text: string;
  readonly remedy: string;
}

/**
 * The faults in the reports of these visitors, each once, with an example.
 *
 * @param application that the visitors came to; undefined if it is not known
 */
export function faultsOf({ visitors }: Examined, application: string | undefined): readonly Fault[] {
  const faults = new Map<string, Fault>();
  for (const visitor of visitors) {
    for (const fault of faultsIn(visitor, application)) {
      if (!faults.has(fault.remedy)) faults.set(fault.remedy, fault);
    }
  }
  return [...faults.values()];
}

function faultsIn({ visit, wanted, heard }: Visitor, application: string | undefined): Fault[] {
  const [first, second] = heard;
  if (first === undefined) return [];
  const faults: Fault[] = [];
  const find = (text: string, remedy: string) => faults.push({ text, remedy });
  const { outcome, by } = first;
  if (application !== undefined && outcome.application !== application) {
    find(
      `they name the application ${outcome.application}, and the visitors came to ${application}`,
      `write ${application} as application into the line of the report`,
    );
  }
  const served = visit.version ?? wanted;
  if (outcome.location === null) {
    find(
      "they do not name the version that served, so no step of a release is ok",
      "write the daemon's location into the line of the report",
    );
  } else if (outcome.location !== served) {
    find(
      `they name ${outcome.location} for a visitor whose answer came from ${served}`,
      `write the daemon's location into the line of the report${outcome.location === MASTER ? ", and not a fixed name" : ""}`,
    );
  }
  if (outcome.kind !== "answered" || outcome.status !== visit.status) {
    find(
      `they say ${outcome.kind === "answered" ? `status ${outcome.status}` : outcome.kind} for an answer with status ${visit.status}`,
      "write the status of the answer that the visitor got into the line of the report",
    );
  }
  if (outcome.isBrought !== true) {
    find(
      outcome.isBrought === null
        ? "they do not say whether a visitor brought its assignment, so there is no metric known-errors"
        : "they say that a visitor came without an assignment, and it brought one",
      "write 1 into the line of the report if the visitor brought its assignment, and 0 if not",
    );
  }
  if (outcome.source === null) {
    find(
      "they do not have the visitor's address, so the errors of one network count without a limit",
      "write source= with the visitor's address into the line of the report. Hono does not know it: there, nothing can be done",
    );
  }
  if (outcome.durationMs === null) {
    find(
      "they have no duration, so slow answers do not count",
      "write the time that the answer took into the line of the report",
    );
  }
  if (second !== undefined && second.by === by) {
    find(
      "a visit is reported twice",
      "remove one of the two reports: perhaps the proxy and the application report, or two proxies",
    );
  }
  return faults;
}
