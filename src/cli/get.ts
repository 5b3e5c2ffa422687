/** Prints what lies in the store: the records of the applications, and what is wrong with them. */

import { application } from "../config/options.ts";
import { quote } from "../config/quote.ts";
import { rolloutText } from "../config/values.ts";
import { plainText, table } from "../text.ts";
import type { Command } from "./command.ts";
import { CliError, EXITS } from "./exit.ts";
import { output, print } from "./output.ts";
import { type ShownRecord, STORE_OPTIONS, shownRecord, withStore } from "./rollouts.ts";

/** Enough to see that two revisions differ. */
const REVISION_SHOWN_LENGTH = 12;

export const get: Command = {
  name: "get",
  summary: "print the rollouts in the store",
  description: "Records that are malformed count as rollout 0; they are listed with what is wrong.",
  positionals: [
    { name: "VERSION", summary: "one version; all of them where none is named", required: false },
  ],
  options: [application, ...STORE_OPTIONS, output],
  examples: [
    { line: "get -application website", meaning: "all versions of website" },
    { line: "get canary -o json", meaning: "one, for a script" },
  ],

  async run(invocation) {
    const { settings, positionals, io } = invocation;
    const [version] = positionals;
    const names = settings.get(application);
    const { address, records } = await withStore(settings, io, async (store, signal) => {
      const snapshots = await Promise.all(names.map((name) => store.read(name, signal)));
      const shown = snapshots.flatMap((snapshot, index) =>
        [...snapshot].map(([name, record]) => shownRecord(names[index] ?? "", name, record)),
      );
      return { address: plainText(store.address), records: shown };
    });
    const wanted = version === undefined ? records : records.filter((record) => record.version === version);
    if (version !== undefined && wanted.length === 0) {
      throw new CliError(
        "failed",
        `${address} has no record ${quote(version)} of ${names.join(", ")}; it counts as 0%`,
        records.length === 0
          ? "name the right -application and -store"
          : `there are ${plainText(records.map((record) => record.version).join(", "))}`,
      );
    }
    print(invocation, wanted, () =>
      wanted.length === 0
        ? `${address} has no record of ${names.join(", ")}: everyone goes to master\n`
        : page(wanted),
    );
    return EXITS.ok.status;
  },
};

function page(records: readonly ShownRecord[]): string {
  return table(
    [
      "application",
      "version",
      "rollout",
      "number",
      "offset",
      "failsafe",
      "revision",
      "updated by",
      "updated at",
      "problem",
    ],
    records.map((record) => [
      record.application,
      record.version,
      rolloutText(record.rollout),
      String(record.rollout),
      String(record.offset),
      record.failsafe,
      record.revision.slice(0, REVISION_SHOWN_LENGTH),
      record.updatedBy ?? "",
      record.updatedAt ?? "",
      record.problem ?? "",
    ]),
  );
}
