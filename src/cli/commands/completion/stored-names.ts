/**
 * Names of applications and versions for completions, from the store that the settings name.
 *
 * A person waits at the keyboard. So the time is short, and every failure means no names: no message, no log.
 * The store is only read. A module is not loaded, because pressing Tab must not run code that was only typed.
 */

import { MAINTENANCE } from "../../../circle.ts";
import { listApplications } from "../../../records/applications.ts";
import { application } from "../../../settings/application.ts";
import { region, store, table } from "../../../settings/options.ts";
import { openStore, resolveStore } from "../../../stores/list.ts";
import { moduleStore } from "../../../stores/module.ts";
import type { Store } from "../../../stores/store.ts";
import { STORE_OPTIONS } from "../../with-store.ts";
import { type Line, settingsOfLine } from "./line.ts";

/** Longer than this, a shell seems to hang. Some engines need a third of it to load their client. */
const NAMES_TIMEOUT_MS = 800;

/** A longer list helps no person. */
const NAMES_SHOWN_MAX = 500;

/** The other names mean something to a shell, which runs the line that it completed. */
const HARMLESS = /^[A-Za-z0-9_.][A-Za-z0-9_.+-]*$/;

/** The applications that the store can list; none if it cannot. */
export async function applicationNames(line: Line): Promise<readonly string[]> {
  return namesFrom(line, async (opened, _, signal) => (await listApplications(opened, signal)) ?? []);
}

/** The versions of the applications of the line, and maintenance, which needs no record. */
export async function versionNames(line: Line): Promise<readonly string[]> {
  const names = await namesFrom(line, async (opened, applications, signal) => {
    const snapshots = await Promise.all(applications.map((name) => opened.read(name, signal)));
    return snapshots.flatMap((snapshot) => [...snapshot.keys()]);
  });
  const versions = names.filter((name) => name !== MAINTENANCE);
  return [...(versions.length > 0 ? versions : ["canary"]), MAINTENANCE];
}

async function namesFrom(
  line: Line,
  ask: (opened: Store, applications: readonly string[], signal: AbortSignal) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(NAMES_TIMEOUT_MS);
  const tooLate = new Promise<readonly string[]>((resolve) => {
    signal.addEventListener("abort", () => resolve([]));
  });
  const names = await Promise.race([askStore(line, ask, signal).catch(() => []), tooLate]);
  return [...new Set(names)]
    .filter((name) => HARMLESS.test(name))
    .sort()
    .slice(0, NAMES_SHOWN_MAX);
}

async function askStore(
  line: Line,
  ask: (opened: Store, applications: readonly string[], signal: AbortSignal) => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const settings = settingsOfLine(line, [application, ...STORE_OPTIONS]);
  if (settings === undefined) return [];
  const address = settings.get(store);
  const resolved = resolveStore(address);
  if (!("kind" in resolved) || resolved.kind === moduleStore) return [];
  const opened = await openStore(address, {
    table: settings.get(table),
    region: settings.get(region),
    environment: line.io.env,
    warn() {},
  });
  try {
    return await ask(opened, settings.get(application), signal);
  } finally {
    // Not awaited: a store that hangs may also hang here, and the process ends at once.
    opened.close().catch(() => {});
  }
}
