/**
 * Copies records from one store to another, and reads them again to see that they are there. A record that is there already
 * and is the same stays. One that differs is left alone and told, unless it may be overwritten. Each record is written with
 * compare-and-set, so an interrupted copy can be repeated. A malformed record counts as 0 in every store, and some engines
 * refuse it, or a field of a good one: such records are told and left out, so that the others are copied. Any other failure
 * ends the copy, because it is not known then what was written.
 */

import { isDeepStrictEqual } from "node:util";
import { type Option, Problem } from "../../config/option.ts";
import { application, store } from "../../config/options.ts";
import { parseSwitch, single } from "../../config/values.ts";
import { checkRecord } from "../../records/check.ts";
import { fieldsOf } from "../../records/fields.ts";
import { resolveStore } from "../../stores/list.ts";
import {
  type RecordFields,
  type Store,
  StoreError,
  type StoreRecord,
  type Written,
} from "../../stores/store.ts";
import { oneLine } from "../../text.ts";
import type { Command } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { STORE_OPTIONS, withOpened } from "../records/rollouts.ts";

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

interface Outcome {
  readonly from: string;
  readonly to: string;
  readonly applications: number;
  readonly written: number;
  /** There already, and the same. */
  readonly same: number;
  /** There already, and left alone: `application/version`. */
  readonly differing: readonly string[];
  /** Not copied, because no daemon can use it: `application/version`. */
  readonly malformed: readonly string[];
  /** Not copied, because the store that gets them cannot hold them. */
  readonly refused: readonly Refusal[];
}

interface Refusal {
  /** `application/version`. */
  readonly record: string;
  readonly why: string;
}

export const copy: Command = {
  name: "copy",
  summary: "copy all records to another store, and verify them",
  description:
    "Without -application it copies all applications that the store can list. It removes nothing: let the daemons follow the\n" +
    "new store first, and then remove the old one.",
  positionals: [],
  options: [application, to, overwrite, ...STORE_OPTIONS, output],
  summaries: { application: "an application to copy; all of them if none is named" },
  examples: [{ line: "copy -store dynamodb: -to file:rollouts.json", meaning: "from DynamoDB into a file" }],

  async run(invocation) {
    const { settings, io } = invocation;
    const target = settings.get(to);
    if (target === undefined) {
      throw new CliError("usage", "copy needs the store to copy to", "name it with -to ADDRESS");
    }
    const named = settings.isNamed(application) ? settings.get(application) : undefined;
    const source = settings.get(store);
    const outcome = await withOpened(source, settings, io, COPY_TIMEOUT_MS, (from, signal) =>
      withOpened(target, settings, io, COPY_TIMEOUT_MS, (into) =>
        copyAll(from, into, named, settings.get(overwrite), signal),
      ),
    );
    print(invocation, outcome, () => sentence(outcome));
    if (outcome.differing.length > 0) return EXITS.conflict.status;
    return outcome.malformed.length + outcome.refused.length > 0 ? EXITS.failed.status : EXITS.ok.status;
  },
};

async function copyAll(
  from: Store,
  into: Store,
  named: readonly string[] | undefined,
  isOverwriting: boolean,
  signal: AbortSignal,
): Promise<Outcome> {
  const applications = named ?? (await from.applications?.(signal));
  if (applications === undefined) {
    const remedy = "name them, each with -application";
    throw new CliError("failed", `${oneLine(from.address)} cannot list its applications`, remedy);
  }
  if (into.write === undefined) {
    throw new CliError("failed", `${oneLine(into.address)} is read-only; nothing was written`);
  }
  let written = 0;
  let same = 0;
  const differing: string[] = [];
  const malformed: string[] = [];
  const refused: Refusal[] = [];
  for (const name of applications) {
    const source = new Map<string, StoreRecord>();
    for (const [version, record] of await from.read(name, signal)) {
      if (checkRecord(version, record.value).problem === undefined) source.set(version, record);
      else malformed.push(`${name}/${version}`);
    }
    const before = await into.read(name, signal);
    for (const [version, record] of source) {
      const there = before.get(version);
      if (there !== undefined && isSame(record, there)) {
        same++;
      } else if (there !== undefined && !isOverwriting) {
        differing.push(`${name}/${version}`);
      } else {
        const fields = fieldsToWrite(record, there);
        const outcome = await unlessRefused(
          into.write(name, version, fields, there?.revision ?? null, signal),
        );
        if (outcome instanceof StoreError) {
          refused.push({ record: `${name}/${version}`, why: outcome.message });
          source.delete(version);
        } else if (outcome.ok) written++;
        else differing.push(`${name}/${version}`);
      }
    }
    const after = await into.read(name, signal);
    for (const [version, record] of source) {
      const copied = after.get(version);
      if (differing.includes(`${name}/${version}`) || (copied !== undefined && isSame(record, copied)))
        continue;
      const what = oneLine(`${version} of ${name} is not in ${into.address} as it was written`);
      throw new CliError("failed", what, "another writer is at work there; repeat the copy");
    }
  }
  return {
    ...{ from: from.address, to: into.address },
    ...{ applications: applications.length, written, same, differing, malformed, refused },
  };
}

/** All fields of a record, and the removal of those that are there and should not be. A bare number is its rollout. */
function fieldsToWrite(record: StoreRecord, there: StoreRecord | undefined): RecordFields {
  const fields = fieldsOf(record.value);
  const removed = Object.keys(fieldsOf(there?.value)).map((name) => [name, undefined]);
  // What is copied is not malformed, so it has a rollout.
  return { ...Object.fromEntries(removed), ...fields } as RecordFields;
}

/** The outcome of a write, or why the store cannot hold what was to be written; then nothing was. */
async function unlessRefused(write: Promise<Written>): Promise<Written | StoreError> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof StoreError && error.code === "refused") return error;
    throw error;
  }
}

function isSame(a: StoreRecord, b: StoreRecord): boolean {
  return isDeepStrictEqual(fieldsOf(a.value), fieldsOf(b.value));
}

/** `1 record`, `4 records`. */
function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function sentence(outcome: Outcome): string {
  const { from, to: target, applications, written, same, differing, malformed, refused } = outcome;
  const lines = [
    `${counted(written, "record")} of ${counted(applications, "application")} copied from ${from} to ${target}; ` +
      `${same} ${same === 1 ? "was" : "were"} there already`,
  ];
  if (differing.length > 0) {
    lines.push(`left alone, because they differ there: ${differing.join(", ")}; -overwrite replaces them`);
  }
  if (malformed.length > 0) {
    lines.push(`left out, because no daemon can use them: ${malformed.join(", ")}; get says what is wrong`);
  }
  for (const { record, why } of refused) lines.push(`left out: ${record}: ${why}`);
  return lines.map((line) => `${oneLine(line)}\n`).join("");
}
