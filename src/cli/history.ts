/** Prints who changed what, when and why, as far as the store can tell. */

import { Problem } from "../config/option.ts";
import { application } from "../config/options.ts";
import { rolloutText, single } from "../config/values.ts";
import type { PastRecord } from "../stores/store.ts";
import { plainText, table } from "../text.ts";
import type { Command } from "./command.ts";
import { EXITS } from "./exit.ts";
import { output, print } from "./output.ts";
import { pastOfSnapshot } from "./past.ts";
import { fieldsOf, STORE_OPTIONS, shownRecord, withStore } from "./rollouts.ts";

const LIMIT_MAX = 1_000;

export const limit = single(
  {
    name: "limit",
    placeholder: "COUNT",
    summary: "so many changes of each application at most, the newest ones",
    defaultText: "20",
    flagOnly: true,
  },
  (text) => {
    const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    return count >= 1 && count <= LIMIT_MAX ? count : new Problem(`write a number from 1 to ${LIMIT_MAX}`);
  },
);

/** One change, as it is shown; `rollout` is null where the record was removed. */
interface ShownChange {
  readonly application: string;
  readonly version: string;
  readonly rollout: number | null;
  readonly offset?: number;
  readonly failsafe?: string;
  /** As the record says; where it says nothing, the login. */
  readonly updatedBy?: string;
  /** Whom the engine let in, where it remembers that. */
  readonly login?: string;
  /** By the engine's clock; where it remembers no time, as the record says. */
  readonly updatedAt?: string;
  /** What the record says, where the engine remembers a time of its own: anybody can say anything. */
  readonly claimedAt?: string;
  readonly why?: string;
  readonly problem?: string;
}

export const history: Command = {
  name: "history",
  summary: "print who changed which rollout, when and why",
  description:
    "Newest first. PostgreSQL and etcd remember every change, whoever made it; in other stores a record remembers the\n" +
    "last twenty that set made.",
  positionals: [
    { name: "VERSION", summary: "one version; all of them where none is named", required: false },
  ],
  options: [application, limit, ...STORE_OPTIONS, output],
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

/** Who says to have made it, and as whom, where that is not the same: anybody can say anything. */
function author({ updatedBy = "?", login }: ShownChange): string {
  const isSame = login === undefined || updatedBy === login || updatedBy.startsWith(`${login}@`);
  return isSame ? updatedBy : `${updatedBy} (as login ${login})`;
}

function page(changes: readonly ShownChange[]): string {
  if (changes.length === 0) return "nothing is remembered\n";
  return table(
    ["when", "application", "version", "rollout", "offset", "by", "why", "problem"],
    changes.map((change) => [
      change.updatedAt ?? "?",
      plainText(change.application),
      change.version,
      change.rollout === null ? "removed" : rolloutText(change.rollout),
      change.offset ? String(change.offset) : "",
      author(change),
      change.why ?? "",
      change.problem ?? "",
    ]),
  );
}
