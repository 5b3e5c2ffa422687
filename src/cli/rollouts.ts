/** What `get` and `set` share: the options of a store, a store that is surely closed, and a record as it is shown. */

import type { LoadedSettings } from "../config/load.ts";
import { configFile, region, store, table } from "../config/options.ts";
import { rolloutText } from "../config/values.ts";
import { type Arc, checkRecord } from "../record.ts";
import { openStore } from "../stores/list.ts";
import { type Store, StoreError, type StoreRecord } from "../stores/store.ts";
import { plainText } from "../text.ts";
import { type Io, PROGRAM } from "./command.ts";

/** As long as a store may take for all that a command asks of it. */
const TIMEOUT_MS = 10_000;

export const STORE_OPTIONS = [store, table, region, configFile] as const;

/** Opens the store of the settings, lets `use` work with it within the time limit, and closes it. */
export function withStore<T>(
  settings: LoadedSettings,
  io: Io,
  use: (opened: Store, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withOpened(settings.get(store), settings, io, TIMEOUT_MS, use);
}

/** The same with the store at another address, and another time limit. */
export async function withOpened<T>(
  address: string,
  settings: LoadedSettings,
  io: Io,
  timeoutMs: number,
  use: (opened: Store, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const opened = await openStore(address, {
    table: settings.get(table),
    region: settings.get(region),
    warn: (message) => io.stderr.write(`${PROGRAM}: ${plainText(message)}\n`),
  });
  const signal = AbortSignal.timeout(timeoutMs);
  const outOfTime = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(new StoreError("unavailable", `${opened.address} did not answer within ${timeoutMs / 1000} s`));
    });
  });
  try {
    return await Promise.race([use(opened, signal), outOfTime]);
  } finally {
    await opened.close();
  }
}

/** A record's fields, whatever lies in the store; empty where it is no object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "number") return { rollout: value };
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** A record as it is shown, for people and as JSON. */
export interface ShownRecord extends Arc {
  readonly application: string;
  readonly revision: string;
  readonly updatedBy?: string;
  readonly updatedAt?: string;
  /** Why it counts as rollout 0. */
  readonly problem?: string;
}

export function shownRecord(application: string, version: string, record: StoreRecord): ShownRecord {
  const { arc, problem } = checkRecord(version, record.value);
  const { updatedBy, updatedAt } = fieldsOf(record.value);
  return {
    application,
    ...arc,
    version,
    revision: record.revision,
    ...(typeof updatedBy === "string" ? { updatedBy } : {}),
    ...(typeof updatedAt === "string" ? { updatedAt } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** `5% (0.05)`. */
export function bothSpellings(rollout: number): string {
  return `${rolloutText(rollout)} (${rollout})`;
}

/** `by ada@web1 at 2026-01-02T…`, as far as it is known. */
export function byWhom({ updatedBy, updatedAt }: Pick<ShownRecord, "updatedBy" | "updatedAt">): string {
  return `by ${updatedBy ?? "somebody who left no name"}${updatedAt === undefined ? "" : ` at ${updatedAt}`}`;
}
