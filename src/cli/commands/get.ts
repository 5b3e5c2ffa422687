/** Prints the records in the store, the problems of each, and the share of visitors that each really has. */

import { MAINTENANCE } from "../../circle.ts";
import { releaseWord } from "../../overview/release-words.ts";
import { listRecords } from "../../records/listing.ts";
import { releaseIn } from "../../records/release-in.ts";
import type { Remark } from "../../records/remarks.ts";
import { type ShownRecord, shortRollout } from "../../records/shown.ts";
import { PlanProblems, parsePlan } from "../../releases/plan-parser.ts";
import type { State } from "../../releases/release.ts";
import { application } from "../../settings/application.ts";
import type { Snapshot } from "../../stores/store.ts";
import { rolloutText } from "../../text/amounts.ts";
import { columns } from "../../text/columns.ts";
import { oneLine } from "../../text/one-line.ts";
import { quote } from "../../text/quote.ts";
import { remarkJson, remarkText } from "../../verbs/change-text.ts";
import { type Command, PROGRAM } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { applicationHint } from "../records/application-hint.ts";
import { STORE_OPTIONS, withStore } from "../with-store.ts";

/** Enough to see that two revisions differ. */
const REVISION_SHOWN_LENGTH = 12;

/** A listed record in one piece. */
interface Row extends ShownRecord {
  readonly share: number | null;
  readonly remarks: readonly Remark[];
  readonly releaseState?: ReleaseSummary;
}

/** It has a name of its own in the JSON, so that no script writes it back as the field `release`. */
type ReleaseSummary =
  | {
      readonly id: number;
      readonly of: string;
      readonly state: State;
      readonly step: number;
      readonly steps: number | null;
    }
  | { readonly problem: string };

export const get: Command = {
  name: "get",
  summary: "print the rollouts in the store",
  description:
    "A malformed record counts as rollout 0, and is listed with what is wrong. If it is the record of maintenance,\n" +
    "maintenance stays as it was. The share is what a version really has: less than its rollout if an earlier version takes\n" +
    "some of its visitors.",
  positionals: [{ name: "VERSION", summary: "one version; all of them if none is named", required: false }],
  options: [application, ...STORE_OPTIONS, output],
  summaries: { application: "an application to show" },
  examples: [
    { line: "get -application website", meaning: "all versions of website" },
    { line: "get canary -o json", meaning: "one, for a script" },
  ],

  async run(invocation) {
    const { settings, positionals, io } = invocation;
    const [version] = positionals;
    const names = settings.get(application);
    const { address, rows, missing } = await withStore(settings, io, async (store, signal) => {
      const snapshots = await Promise.all(names.map((name) => store.read(name, signal)));
      const missing = names.filter((_, index) => snapshots[index]?.size === 0);
      const told = missing.map(async (name) => `${name}${await applicationHint(store, name)}`);
      return {
        missing: await Promise.all(told),
        address: oneLine(store.address),
        rows: snapshots.flatMap((snapshot, index) => rowsOf(names[index] ?? "", snapshot)),
      };
    });
    const wanted = version === undefined ? rows : rows.filter((row) => row.version === version);
    if (version !== undefined && wanted.length === 0) {
      throw new CliError(
        "failed",
        `${address} has no record ${quote(version)} of ${names.join(", ")}; it counts as 0%`,
        rows.length === 0
          ? "name the right -application and -store"
          : `its versions are ${oneLine(rows.map((row) => row.version).join(", "))}`,
      );
    }
    print(invocation, wanted.map(jsonOf), () => (wanted.length === 0 ? "" : page(wanted)));
    for (const name of missing) {
      io.stderr.write(
        `${PROGRAM}: ${address} has no record of ${oneLine(name)}; all visitors go to master\n`,
      );
    }
    return EXITS.ok.status;
  },
};

function rowsOf(application: string, snapshot: Snapshot): Row[] {
  return listRecords(application, snapshot).map(({ record, share, remarks }) => {
    const releaseState = summaryOf(snapshot.get(record.version)?.value);
    return { ...record, share, remarks, ...(releaseState === undefined ? {} : { releaseState }) };
  });
}

function summaryOf(value: unknown): ReleaseSummary | undefined {
  const found = releaseIn(value);
  switch (found.kind) {
    case "none":
      return undefined;
    case "problem":
      return { problem: `its field ${found.field} is ${found.code}` };
    case "release": {
      const { id, of, state, step, plan } = found.release;
      const parsed = parsePlan(plan);
      return { id, of, state, step, steps: parsed instanceof PlanProblems ? null : parsed.steps.length };
    }
  }
}

/** `release 7 (v42) running, step 2/5`. */
function releaseCell({ releaseState }: Row): string {
  if (releaseState === undefined) return "";
  if ("problem" in releaseState) return `cannot be read: ${releaseState.problem}`;
  return releaseWord({ ...releaseState, fading: false });
}

/** A malformed record counts as 0. One of maintenance changes nothing (law 8). */
function rolloutCells(row: Row): [rollout: string, number: string] {
  if (row.version === MAINTENANCE && row.problem !== undefined) return ["stays as it was", ""];
  return [shortRollout(row), String(row.rollout)];
}

/** The remarks are one text here, which is empty if there are none. */
function jsonOf({ remarks, ...row }: Row) {
  return { ...row, remark: remarks.map(remarkJson).join("; ") };
}

function page(rows: readonly Row[]): string {
  // Only if it is another number: a column that repeats the rollout hides the one row that matters.
  const hasShares = rows.some(({ share, rollout }) => share !== null && share !== rollout);
  return columns(
    [
      "application",
      "version",
      "rollout",
      "number",
      "share",
      "offset",
      "failsafe",
      "revision",
      "updated by",
      "updated at",
      "problem",
      "remark",
      "release",
    ],
    rows.map((row) => [
      row.application,
      row.version,
      ...rolloutCells(row),
      hasShares && row.share !== null ? rolloutText(row.share) : "",
      String(row.offset),
      row.failsafe,
      row.revision.slice(0, REVISION_SHOWN_LENGTH),
      row.updatedBy ?? "",
      row.updatedAt ?? "",
      row.problem ?? "",
      row.remarks.map(remarkText).join("; "),
      releaseCell(row),
    ]),
  );
}
