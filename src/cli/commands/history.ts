/** Prints who changed what, when and why, as far as the store can tell. */

import { MAINTENANCE } from "../../circle.ts";
import { Problem } from "../../config/option.ts";
import { application } from "../../config/options.ts";
import { rolloutText, single } from "../../config/values.ts";
import { fieldsOf, shownRecord } from "../../records/fields.ts";
import { pastOfSnapshot } from "../../records/past.ts";
import type { PastRecord } from "../../stores/store.ts";
import { table } from "../../text.ts";
import type { Command } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { STORE_OPTIONS, switchText, withStore } from "../records/rollouts.ts";

const LIMIT_MAX = 1_000;

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
    return count >= 1 && count <= LIMIT_MAX ? count : new Problem(`write a number from 1 to ${LIMIT_MAX}`);
  },
);

/** One change, as it is shown; `rollout` is null if the record was removed. */
interface ShownChange {
  readonly application: string;
  readonly version: string;
  readonly rollout: number | null;
  readonly offset?: number;
  readonly failsafe?: string;
  /** As the record says; if it says nothing, the login. */
  readonly updatedBy?: string;
  /** The login of the engine, if it remembers that. */
  readonly login?: string;
  /** By the engine's clock; if it remembers no time, as the record says. */
  readonly updatedAt?: string;
  /** What the record says, if the engine remembers a time of its own. It is not verified. */
  readonly claimedAt?: string;
  readonly why?: string;
  readonly problem?: string;
}

export const history: Command = {
  name: "history",
  summary: "print who changed which rollout, when and why",
  description:
    "Newest first. PostgreSQL and etcd remember changes by anybody, and removals; in other stores a record remembers the\n" +
    "last twenty changes that set made, and a removed record remembers nothing.",
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
    const changes = await withStore(settings, io, async (store, signal) => {
      const pasts = await Promise.all(
        names.map((name) =>
          store.history === undefined
            ? store.read(name, signal).then((snapshot) => pastOfSnapshot(snapshot, LIMIT_MAX))
            : store.history(name, LIMIT_MAX, signal),
        ),
      );
      return pasts.flatMap((past, index) =>
        past
          .filter((record) => version === undefined || record.version === version)
          .slice(0, most)
          .map((record) => shownChange(names[index] ?? "", record)),
      );
    });
    print(invocation, changes, () => page(changes));
    return EXITS.ok.status;
  },
};

function shownChange(name: string, { version, value, atMs, login }: PastRecord): ShownChange {
  const at = atMs === undefined ? {} : { updatedAt: new Date(atMs).toISOString() };
  const by = login === undefined ? {} : { updatedBy: login, login };
  if (value === undefined) return { application: name, version, rollout: null, ...by, ...at };
  const { rollout, offset, failsafe, updatedBy, updatedAt, problem } = shownRecord(name, version, {
    value,
    revision: "",
  });
  const { why } = fieldsOf(value);
  return {
    ...{ application: name, version, rollout, offset, failsafe },
    ...by,
    ...(updatedBy === undefined ? {} : { updatedBy }),
    ...at,
    ...(updatedAt === undefined ? {} : { [atMs === undefined ? "updatedAt" : "claimedAt"]: updatedAt }),
    ...(typeof why === "string" ? { why } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** The author that the record names, and the store's login if that is another name. The author is not verified. */
function author({ updatedBy = "?", login }: ShownChange): string {
  const isSame = login === undefined || updatedBy === login || updatedBy.startsWith(`${login}@`);
  return isSame ? updatedBy : `${updatedBy} (as login ${login})`;
}

function page(changes: readonly ShownChange[]): string {
  if (changes.length === 0) return "nothing is remembered\n";
  // Shown in every row as soon as one differs, so that each change from row to row can be seen.
  const hasOffsets = changes.some(({ offset = 0 }) => offset !== 0);
  const hasHolds = changes.some(({ failsafe = "master" }) => failsafe !== "master");
  return table(
    ["when", "application", "version", "rollout", "offset", "failsafe", "by", "why", "problem"],
    changes.map((change) => [
      change.updatedAt ?? "?",
      change.application,
      change.version,
      rolloutCell(change),
      hasOffsets && change.offset !== undefined ? String(change.offset) : "",
      hasHolds ? (change.failsafe ?? "") : "",
      author(change),
      change.why ?? "",
      change.problem ?? "",
    ]),
  );
}

function rolloutCell({ rollout, version }: ShownChange): string {
  if (rollout === null) return "removed";
  return version === MAINTENANCE ? switchText(rollout) : rolloutText(rollout);
}
