/**
 * Writes a rollout: reads the record, keeps all that it does not know, and writes with compare-and-set, so that of two
 * operators the second one is told and overwrites nothing.
 */

import { hostname } from "node:os";
import { type Option, Problem } from "../config/option.ts";
import { application } from "../config/options.ts";
import { quote } from "../config/quote.ts";
import { parseRollout, parseSwitch, single } from "../config/values.ts";
import { type Failsafe, MAINTENANCE, MASTER, VERSION } from "../record.ts";
import type { RecordFields, Snapshot, Store, StoreRecord } from "../stores/store.ts";
import { plainText } from "../text.ts";
import type { Command, Invocation, Io } from "./command.ts";
import { CliError, EXITS } from "./exit.ts";
import { output, print } from "./output.ts";
import { HISTORY, withPast } from "./past.ts";
import {
  bothSpellings,
  byWhom,
  fieldsOf,
  type ShownRecord,
  STORE_OPTIONS,
  shownRecord,
  withStore,
} from "./rollouts.ts";

export const offset: Option<number | undefined> = single<number | undefined>(
  {
    name: "offset",
    placeholder: "FRACTION",
    summary: "where the arc starts, from 0 to less than 1; as it was where not named",
    flagOnly: true,
  },
  (text) =>
    /^(0|0?\.\d+)$/.test(text)
      ? Number(text)
      : new Problem("write a fraction from 0 to less than 1, such as 0.5"),
);

export const failsafe: Option<Failsafe | undefined> = single<Failsafe | undefined>(
  {
    name: "failsafe",
    placeholder: "master|hold",
    summary: "when the store is lost: back to master, or hold the last value; as it was where not named",
    flagOnly: true,
  },
  (text) => (text === "master" || text === "hold" ? text : new Problem("write master or hold")),
);

export const expect: Option<number | undefined> = single<number | undefined>(
  {
    name: "expect",
    placeholder: "ROLLOUT",
    summary: "write only if the rollout is this now",
    flagOnly: true,
  },
  parseRollout,
);

/** Longer reasons belong into a ticket, whose number fits. */
const MESSAGE_BYTES_MAX = 500;

export const message: Option<string | undefined> = single<string | undefined>(
  {
    name: "message",
    placeholder: "TEXT",
    summary: "why it is written, for history; -m for short",
    flagOnly: true,
  },
  (text) =>
    text !== "" && Buffer.byteLength(text) <= MESSAGE_BYTES_MAX
      ? text
      : new Problem(`write a reason of at most ${MESSAGE_BYTES_MAX} bytes`),
);

export const isNew = single(
  {
    name: "new",
    summary: "allow the first record of an application, and a new version at 0%",
    flagOnly: true,
    defaultText: "false",
  },
  parseSwitch,
);

export const set: Command = {
  name: "set",
  summary: "write a rollout into the store",
  description:
    "All daemons that read the store follow within their -delay. Writing what is there already does nothing.\n" +
    "The version maintenance is a switch: on or off.",
  positionals: [
    { name: "VERSION", summary: "canary, maintenance, or another version", required: true },
    { name: "ROLLOUT", summary: "5% or 0.05; on or off for maintenance", required: true },
  ],
  options: [application, offset, failsafe, expect, isNew, message, ...STORE_OPTIONS, output],
  examples: [
    { line: "set canary 5%", meaning: "a twentieth of all visitors" },
    { line: "set canary 10% -expect 5%", meaning: "only if it is 5% now" },
    { line: "set canary 0% -m INC-42", meaning: "take it back, and say why" },
    { line: "set canary 5% -new", meaning: "the first record of an application" },
    { line: "set maintenance on", meaning: "the daemons write their maintenance files" },
  ],

  async run(invocation) {
    const change = readChange(invocation);
    const outcome = await withStore(invocation.settings, invocation.io, (store, signal) =>
      apply(change, store, signal),
    );
    print(invocation, outcome, () => `${sentence(outcome)}\n`);
    return EXITS.ok.status;
  },
};

interface Change {
  readonly application: string;
  readonly version: string;
  readonly rollout: number;
  readonly offset: number | undefined;
  readonly failsafe: Failsafe | undefined;
  readonly expect: number | undefined;
  readonly isNew: boolean;
  readonly message: string | undefined;
  readonly author: string;
}

interface Outcome {
  readonly written: boolean;
  readonly store: string;
  readonly before: ShownRecord | null;
  readonly after: ShownRecord;
}

/** What was asked for, or everything that is wrong with it. */
function readChange({ settings, positionals, io }: Invocation): Change {
  const [version = "", text = ""] = positionals;
  const [name = "", ...others] = settings.get(application);
  const rollout = version === MAINTENANCE ? parseMaintenance(text) : parseRollout(text);
  const problems: string[] = [];
  if (others.length > 0) problems.push("set writes one application at a time; name one with -application");
  if (version === MASTER) {
    problems.push("master is everyone outside every arc and cannot be set; set a version, as canary 5%");
  } else if (!VERSION.test(version)) {
    problems.push(`${quote(version)} cannot be a version; write letters, digits, ".", "_", "-", at most 64`);
  }
  if (rollout instanceof Problem) problems.push(`${quote(text)}: ${rollout.message}`);
  if (problems.length > 0 || rollout instanceof Problem) {
    throw new CliError("usage", problems.join("\n  "), "nothing was written");
  }
  return {
    application: name,
    version,
    rollout,
    offset: settings.get(offset),
    failsafe: settings.get(failsafe),
    expect: settings.get(expect),
    isNew: settings.get(isNew),
    message: settings.get(message),
    author: authorName(io),
  };
}

function parseMaintenance(text: string): number | Problem {
  if (text === "on") return 1;
  if (text === "off") return 0;
  const rollout = text === "1" ? 1 : parseRollout(text);
  return rollout === 0 || rollout === 1 ? rollout : new Problem("maintenance is a switch; write on or off");
}

async function apply(change: Change, store: Store, signal: AbortSignal): Promise<Outcome> {
  const { application: name, version } = change;
  if (store.write === undefined) {
    throw new CliError(
      "failed",
      `${plainText(store.address)} is read-only; nothing was written`,
      "change it where it comes from, or name another -store",
    );
  }
  const snapshot = await store.read(name, signal);
  const record = snapshot.get(version);
  if (record === undefined && !change.isNew) refuseToInvent(change, snapshot, store);
  const before = record === undefined ? null : shownRecord(name, version, record);
  const now = before?.rollout ?? 0;
  if (change.expect !== undefined && change.expect !== now) {
    const who = before === null ? "" : `, written ${byWhom(before)}`;
    throw new CliError(
      "conflict",
      plainText(
        `${version} of ${name} is ${bothSpellings(now)} and not ${bothSpellings(change.expect)}${who}`,
      ),
      "nothing was written; look at it with get, and decide again",
    );
  }
  const fields = { ...changedFields(change), ...historyField(store, record) };
  // Only what changes is written: the rest of the record stays as it lies, whatever else it holds by then.
  const value = { ...fieldsOf(record?.value), ...fields };
  const after: ShownRecord = shownRecord(name, version, { value, revision: record?.revision ?? "" });
  if (after.problem !== undefined) {
    throw new CliError(
      "failed",
      `the record would still be malformed: ${after.problem}`,
      "nothing was written; name -offset and -failsafe as well",
    );
  }
  if (before !== null && before.problem === undefined && isSame(before, after)) {
    return { written: false, store: store.address, before, after: before };
  }

  const written = await store.write(name, version, fields, record?.revision ?? null, signal);
  if (!written.ok) throw lostTo(name, version, written.current);
  return { written: true, store: store.address, before, after: { ...after, revision: written.revision } };
}

/**
 * A misspelt application or version must not look like a rollback that went well: taking back what is not there, and
 * the first record of an application, have to be asked for.
 */
function refuseToInvent(
  { application: name, version, rollout }: Change,
  snapshot: Snapshot,
  store: Store,
): void {
  if (snapshot.size > 0 && rollout > 0) return;
  const there = snapshot.size === 0 ? "nothing" : [...snapshot.keys()].join(", ");
  throw new CliError(
    "failed",
    plainText(
      `${store.address} has no ${version} of ${name}: of ${name} it has ${there}; nothing was written`,
    ),
    "name the right -application and version, or add -new if this is to be a new record",
  );
}

function changedFields(change: Change): RecordFields {
  return {
    rollout: change.rollout,
    ...(change.offset === undefined ? {} : { offset: change.offset }),
    ...(change.failsafe === undefined ? {} : { failsafe: change.failsafe }),
    updatedBy: change.author,
    updatedAt: new Date().toISOString(),
    why: change.message,
  };
}

/** What the record was, in the record itself, where the engine remembers nothing. */
function historyField(store: Store, record: StoreRecord | undefined): Readonly<Record<string, unknown>> {
  if (store.history !== undefined || record === undefined) return {};
  return { [HISTORY]: withPast(fieldsOf(record.value)) };
}

function isSame(a: ShownRecord, b: ShownRecord): boolean {
  return a.rollout === b.rollout && a.offset === b.offset && a.failsafe === b.failsafe;
}

function lostTo(name: string, version: string, current: StoreRecord | undefined): CliError {
  if (current === undefined) {
    return new CliError(
      "conflict",
      `somebody removed ${version} of ${name} in the meantime; nothing was written`,
      "look at it with get, and decide again",
    );
  }
  const now = shownRecord(name, version, current);
  const value = now.problem === undefined ? bothSpellings(now.rollout) : `malformed: ${now.problem}`;
  return new CliError(
    "conflict",
    plainText(`somebody was first: ${version} of ${name} was written ${byWhom(now)} and is ${value} now`),
    "nothing was written; look at it with get, and decide again",
  );
}

function sentence({ written, before, after, store }: Outcome): string {
  const what = plainText(`${after.version} of ${after.application}`);
  if (!written) return `${what} is ${bothSpellings(after.rollout)} already; nothing was written`;
  const was =
    before === null ? "new" : before.problem === undefined ? bothSpellings(before.rollout) : "malformed";
  return `${what}: ${was} → ${bothSpellings(after.rollout)} in ${plainText(store)}`;
}

/** `user@host`; behind sudo, the person who called it. */
function authorName({ env }: Io): string {
  const user = env["SUDO_USER"] || env["USER"] || env["LOGNAME"] || `uid${process.getuid?.() ?? ""}`;
  return `${user}@${hostname()}`;
}
