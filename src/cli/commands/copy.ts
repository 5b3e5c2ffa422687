/** Copies all records to another store. The rules are in `src/records/copy.ts`. */

import { type Option, Problem } from "../../config/option.ts";
import { parseSwitch, single } from "../../config/values.ts";
import { type CopyOutcome, type CopyReport, copyRecords } from "../../records/copy.ts";
import { application } from "../../settings/application.ts";
import { store } from "../../settings/options.ts";
import { resolveStore } from "../../stores/list.ts";
import type { Store } from "../../stores/store.ts";
import { oneLine } from "../../text/one-line.ts";
import type { Command } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { STORE_OPTIONS, withOpened } from "../with-store.ts";

/** Ten thousand applications take a while; an interrupted copy can be repeated. */
const COPY_TIMEOUT_MS = 600_000;

export const to: Option<string | undefined> = single<string | undefined>(
  {
    name: "to",
    placeholder: "ADDRESS",
    summary: "the store that gets the records, with an address like that of -store",
    flagOnly: true,
  },
  (text) => {
    const resolved = resolveStore(text);
    return resolved instanceof Problem ? resolved : text;
  },
);

export const overwrite = single(
  {
    name: "overwrite",
    summary: "replace records that are there already and differ",
    defaultText: "false",
    flagOnly: true,
  },
  parseSwitch,
);

export const copy: Command = {
  name: "copy",
  summary: "copy all records to another store, and verify them",
  description:
    "Without -application it copies all applications that the store can list. It removes nothing: let the daemons follow the\n" +
    "new store first, and then remove the old one. A release stays in its store, so end it first.",
  positionals: [],
  options: [application, to, overwrite, ...STORE_OPTIONS, output],
  summaries: { application: "an application to copy; all of them if none is named" },
  examples: [{ line: "copy -store dynamodb: -to file:rollouts.json", meaning: "into a file" }],
  exits: ["conflict"],

  async run(invocation) {
    const { settings, io } = invocation;
    const target = settings.get(to);
    if (target === undefined) {
      throw new CliError("usage", "copy needs the store to copy to", "name it with -to ADDRESS");
    }
    const named = settings.isNamed(application) ? settings.get(application) : undefined;
    const source = settings.get(store);
    const report = await withOpened(source, settings, io, COPY_TIMEOUT_MS, (from, signal) =>
      withOpened(target, settings, io, COPY_TIMEOUT_MS, async (into) => {
        const outcome = await copyRecords(from, into, named, settings.get(overwrite), signal);
        if (outcome.kind !== "copied") throw errorOf(outcome, from, into);
        return outcome.report;
      }),
    );
    print(invocation, report, () => sentence(report));
    if (report.differing.length + report.releasing.length > 0) return EXITS.conflict.status;
    return report.malformed.length + report.refused.length > 0 ? EXITS.failed.status : EXITS.ok.status;
  },
};

function errorOf(outcome: Exclude<CopyOutcome, { kind: "copied" }>, from: Store, into: Store): CliError {
  switch (outcome.kind) {
    case "unlisted":
      return new CliError(
        "failed",
        `${oneLine(from.address)} cannot list its applications`,
        "name them, each with -application",
      );
    case "read-only":
      return new CliError("failed", `${oneLine(into.address)} is read-only; nothing was written`);
    case "disturbed": {
      const { application: name, version } = outcome;
      return new CliError(
        "failed",
        oneLine(`${version} of ${name} is not in ${into.address} as it was written`),
        "another writer is at work there; repeat the copy",
      );
    }
  }
}

/** `1 record`, `4 records`. */
function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function sentence(report: CopyReport): string {
  const { from, to: target, applications, written, same } = report;
  const { differing, releasing, released, malformed, refused } = report;
  const lines = [
    `${counted(written, "record")} of ${counted(applications, "application")} copied from ${from} to ${target}; ` +
      `${same} ${same === 1 ? "was" : "were"} there already`,
  ];
  if (differing.length > 0) {
    lines.push(`left alone, because they differ there: ${differing.join(", ")}; -overwrite replaces them`);
  }
  if (releasing.length > 0) {
    lines.push(`left alone, because a release is under way there: ${releasing.join(", ")}; abort it first`);
  }
  if (released.length > 0) {
    lines.push(
      `copied with the present rollout alone: ${released.join(", ")}; its release is still under way in ${from}, and stays there`,
    );
  }
  if (malformed.length > 0) {
    lines.push(`left out, because no daemon can use them: ${malformed.join(", ")}; get says what is wrong`);
  }
  for (const { record, why } of refused) lines.push(`left out: ${record}: ${why}`);
  return lines.map((line) => `${oneLine(line)}\n`).join("");
}
