/** The store of a command: its options, a time limit, and a store that is closed whatever happens. */

import { configFile } from "../config/config-file.ts";
import type { LoadedSettings } from "../config/load.ts";
import { region, store, table } from "../settings/options.ts";
import { openStore } from "../stores/list.ts";
import { type Store, StoreError } from "../stores/store.ts";
import { oneLine } from "../text/one-line.ts";
import { type Io, PROGRAM } from "./command.ts";

/** How long a store may take for all that a command asks of it. */
const TIMEOUT_MS = 10_000;

/** After this time a command says what it waits for. */
const SILENCE_MS = 2_000;

export const STORE_OPTIONS = [store, table, region, configFile] as const;

/** Opens the store of the settings, lets `use` work with it within the time limit, and closes it. */
export function withStore<T>(
  settings: LoadedSettings,
  io: Io,
  use: (opened: Store, signal: AbortSignal) => Promise<T>,
  graceMs = 0,
): Promise<T> {
  return withOpened(settings.get(store), settings, io, TIMEOUT_MS, use, graceMs);
}

/**
 * The same with the store at another address, and another time limit.
 *
 * @param graceMs how much longer `use` may take after its signal has aborted, to see what became of it
 */
export function withOpened<T>(
  address: string,
  settings: LoadedSettings,
  io: Io,
  timeoutMs: number,
  use: (opened: Store, signal: AbortSignal) => Promise<T>,
  graceMs = 0,
): Promise<T> {
  return withOpenStore(address, settings, io, (opened) => {
    return inTime(opened, io, (signal) => use(opened, signal), timeoutMs, graceMs);
  });
}

/**
 * Opens the store at an address, lets `use` work with it for any time, and closes it. Each call to the store
 * should be within `inTime`, or have a limit of its own.
 */
export async function withOpenStore<T>(
  address: string,
  settings: LoadedSettings,
  io: Io,
  use: (opened: Store) => Promise<T>,
): Promise<T> {
  const opened = await openStore(address, {
    table: settings.get(table),
    region: settings.get(region),
    environment: io.env,
    warn: (message) => io.stderr.write(`${PROGRAM}: ${oneLine(message)}\n`),
  });
  try {
    return await use(opened);
  } catch (error) {
    if (isOfStore(error) && address === settings.get(store) && !settings.isNamed(store)) {
      io.stderr.write(`${PROGRAM}: ${unnamedText(address)}\n`);
    }
    throw error;
  } finally {
    await opened.close();
  }
}

/** Whether the store has failed, also if a command has put that into words of its own. */
function isOfStore(error: unknown): boolean {
  return error instanceof StoreError || (error instanceof Error && error.cause instanceof StoreError);
}

/** On a machine without the settings of the daemons, the failure of the default store would mislead. */
function unnamedText(address: string): string {
  return (
    `no flag, environment variable or configuration file names a -store, so this is the default, ${address}; ` +
    "name the store of your daemons"
  );
}

/** Lets `use` work with an open store within a time limit, and says so if the store is slow. */
export async function inTime<T>(
  { address }: Pick<Store, "address">,
  io: Io,
  use: (signal: AbortSignal) => Promise<T>,
  timeoutMs = TIMEOUT_MS,
  graceMs = 0,
): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  const late = () => new StoreError("unavailable", `${address} did not answer within ${timeoutMs / 1000} s`);
  const outOfTime = new Promise<never>((_, reject) => {
    AbortSignal.timeout(timeoutMs + graceMs).addEventListener("abort", () => reject(late()));
  });
  const notice = setTimeout(() => {
    const limit = `${timeoutMs / 1000} s at most`;
    io.stderr.write(`${PROGRAM}: ${oneLine(address)} has not answered yet; still waiting, ${limit}\n`);
  }, SILENCE_MS);
  try {
    return await Promise.race([use(signal), outOfTime]);
  } catch (error) {
    // A verb that is tried again and again ends with the signal's own reason.
    throw signal.aborted && error === signal.reason ? late() : error;
  } finally {
    clearTimeout(notice);
  }
}
