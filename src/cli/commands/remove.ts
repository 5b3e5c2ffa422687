/** Removes a version's record from the store. The policy is in `src/records`. */

import { parseSwitch, single } from "../../config/values.ts";
import { stateText } from "../../records/shown.ts";
import { LOOK_AGAIN_MS, removeRecord } from "../../records/write.ts";
import { application } from "../../settings/application.ts";
import { oneLine } from "../../text/one-line.ts";
import { type Command, PROGRAM } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { oneOfText } from "../records/application-hint.ts";
import { authorOf } from "../records/author.ts";
import { errorOf } from "../records/change-error.ts";
import { expect, message } from "../records/change-options.ts";
import { HISTORY_KINDS } from "../records/history-kinds.ts";
import { STORE_OPTIONS, withStore } from "../with-store.ts";

export const isForced = single(
  {
    name: "force",
    summary: "remove it even if it has visitors; they go to master",
    flagOnly: true,
    defaultText: "false",
  },
  parseSwitch,
);

export const remove: Command = {
  name: "remove",
  summary: "remove a version from the store",
  description:
    "For a version that is over, or a misspelt one. A version above 0% is refused: set it to 0% first. In stores of the\n" +
    `kinds ${HISTORY_KINDS} history shows the removal. In other stores the record's history goes with it.`,
  positionals: [{ name: "VERSION", summary: "the version to remove", required: true }],
  options: [application, expect, isForced, message, ...STORE_OPTIONS, output],
  summaries: { application: "the application of the record" },
  examples: [
    { line: "remove blue", meaning: "blue is at 0%, and over" },
    { line: "remove canray -force -m typo", meaning: "with its visitors, who go to master" },
  ],
  exits: ["conflict"],

  async run(invocation) {
    const { settings, io, positionals, storeFlags } = invocation;
    const [version = ""] = positionals;
    const names = settings.get(application);
    const [name = "", ...others] = names;
    if (others.length > 0) {
      const remedy = oneOfText(names);
      throw new CliError("usage", "remove takes from one application at a time; nothing was removed", remedy);
    }
    const removal = {
      application: name,
      version,
      expect: settings.get(expect),
      isForced: settings.get(isForced),
      signature: { author: authorOf(io), at: new Date(), why: settings.get(message) },
    };
    const done = await withStore(
      settings,
      io,
      async (store, signal) => {
        const outcome = await removeRecord(removal, store, signal);
        if (outcome.kind !== "removed") throw await errorOf(outcome, removal, store, storeFlags);
        return {
          removed: true,
          store: store.address,
          before: outcome.before,
          isLast: outcome.snapshot.size === 1,
        };
      },
      LOOK_AGAIN_MS,
    );
    const { store, before, isLast } = done;
    print(invocation, { removed: true, store, before }, () =>
      oneLine(`${version} of ${name}: ${stateText(before)} → removed from ${store}`).concat("\n"),
    );
    if (isLast) {
      io.stderr.write(
        oneLine(`${PROGRAM}: ${name} has no version any more; all visitors go to master`).concat("\n"),
      );
    }
    return EXITS.ok.status;
  },
};
