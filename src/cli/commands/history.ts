/** Prints who changed what, when and why, as far as the store can tell. */

import { Problem } from "../../config/option.ts";
import { single } from "../../config/values.ts";
import { authorText, HISTORY_LIMIT_MAX, readHistory, type ShownChange } from "../../records/history.ts";
import { shortRollout } from "../../records/shown.ts";
import { application } from "../../settings/application.ts";
import type { Store } from "../../stores/store.ts";
import { columns } from "../../text/columns.ts";
import { oneLine } from "../../text/one-line.ts";
import { type Command, PROGRAM } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { applicationHint } from "../records/application-hint.ts";
import { HISTORY_KINDS } from "../records/history-kinds.ts";
import { STORE_OPTIONS, withStore } from "../with-store.ts";

export const limit = single(
  {
    name: "limit",
    placeholder: "COUNT",
    summary: "how many changes of each application are shown at most, the newest ones",
    defaultText: "20",
    flagOnly: true,
  },
  (text) => {
    const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    return count >= 1 && count <= HISTORY_LIMIT_MAX
      ? count
      : new Problem(`write a number from 1 to ${HISTORY_LIMIT_MAX}`);
  },
);

export const history: Command = {
  name: "history",
  summary: "print who changed which rollout, when and why",
  description:
    `Newest first. Stores of the kinds ${HISTORY_KINDS} remember the changes of all writers, and\n` +
    "removals. In other stores a record remembers the last twenty changes that set made. It forgets them when it is\n" +
    "removed. A release remembers its last transitions in every store; each is a change like the others, with what it was.",
  positionals: [{ name: "VERSION", summary: "one version; all of them if none is named", required: false }],
  options: [application, limit, ...STORE_OPTIONS, output],
  summaries: { application: "an application to show" },
  examples: [
    { line: "history -application website", meaning: "the last changes of website" },
    { line: "history canary -limit 100 -o json", meaning: "for a script" },
  ],

  async run(invocation) {
    const { settings, positionals, io } = invocation;
    const [version] = positionals;
    const names = settings.get(application);
    const most = settings.get(limit);
    const { changes, missing } = await withStore(settings, io, async (store, signal) => {
      const pasts = await Promise.all(names.map((name) => readHistory(store, name, version, most, signal)));
      const silent = names.filter((_, index) => pasts[index]?.length === 0);
      const told = silent.map((name) => missingText(store, name, signal));
      return { changes: pasts.flat(), missing: await Promise.all(told) };
    });
    print(invocation, changes, () => page(changes));
    for (const text of missing) if (text !== "") io.stderr.write(`${PROGRAM}: ${text}\n`);
    return EXITS.ok.status;
  },
};

/** That the store has no record of an application; empty if it has some. */
async function missingText(store: Store, name: string, signal: AbortSignal): Promise<string> {
  const { size } = await store.read(name, signal);
  return size > 0
    ? ""
    : oneLine(`${store.address} has no records of ${name}${await applicationHint(store, name)}`);
}

function page(changes: readonly ShownChange[]): string {
  if (changes.length === 0) return "the store remembers no change\n";
  // Shown in every row as soon as one differs, so that each change from row to row can be seen.
  const hasOffsets = changes.some(({ offset = 0 }) => offset !== 0);
  const hasHolds = changes.some(({ failsafe = "master" }) => failsafe !== "master");
  return columns(
    ["when", "application", "version", "rollout", "offset", "failsafe", "by", "why", "problem", "release"],
    changes.map((change) => [
      change.updatedAt ?? "?",
      change.application,
      change.version,
      change.rollout === null ? "removed" : shortRollout({ ...change, rollout: change.rollout }),
      hasOffsets && change.offset !== undefined ? String(change.offset) : "",
      hasHolds ? (change.failsafe ?? "") : "",
      authorText(change),
      change.why ?? "",
      change.problem ?? "",
      change.release?.sentence ?? "",
    ]),
  );
}
