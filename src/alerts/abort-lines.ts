/** The lines of the log about the aborts of one message of Alertmanager. */

import type { Fields, Log } from "../log/log.ts";
import type { AbortKind, AbortResult } from "./abort-releases.ts";

/** This many lines of one kind name an application each. The rest is one line with a number. */
export const LINES_MAX = 32;

interface Line {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  /** The field of the result's words. */
  readonly field: string;
}

const LINES: Readonly<Record<AbortKind, Line>> = {
  aborted: {
    level: "warn",
    message: "an alert aborted a release, and its visitors go to master",
    field: "release",
  },
  nothing: {
    level: "info",
    message: "an alert asked for an abort, and there is nothing to abort",
    field: "because",
  },
  refused: {
    level: "error",
    message: "an alert could not abort a release, so its visitors stay",
    field: "error",
  },
  unavailable: {
    level: "error",
    message: "an alert could not abort a release; Alertmanager sends it again",
    field: "error",
  },
};

export function tellAborts(results: readonly AbortResult[], author: string, log: Log): void {
  for (const [kind, all] of Map.groupBy(results, (result) => result.kind)) {
    const { level, message, field } = LINES[kind];
    const tell = (fields: Fields) => log[level](message, { ...fields, by: author });
    for (const { application, version, text } of all.slice(0, LINES_MAX))
      tell({ application, version, [field]: text });
    if (all.length > LINES_MAX) tell({ more: all.length - LINES_MAX });
  }
}
