/** The state directory of a daemon: the parts that keep files there. They follow the feed's readings. */

import { createHash } from "node:crypto";
import { isMaintenanceOn } from "../circle.ts";
import type { Settings } from "../config/option.ts";
import type { Reading, ReadingFollower } from "../feed/reading.ts";
import type { Log } from "../log/log.ts";
import { LastGoodSnapshots } from "../saved/last-good.ts";
import { MaintenanceMode } from "../saved/maintenance.ts";
import { application } from "../settings/application.ts";
import { region, stateDir, store, table, unhealthyMs } from "../settings/options.ts";
import { redactAddress } from "../text/redact.ts";
import { insistOrWarn } from "./start-error.ts";

/** The parts that keep files in the state directory. */
export interface StateDirectory {
  /** Exists even if the directory can only be read: then it writes nothing. */
  readonly maintenance: MaintenanceMode;
  /** Undefined if snapshots cannot be saved there. */
  readonly lastGood: LastGoodSnapshots | undefined;
}

/**
 * Undefined if there is no state directory. If a part cannot use the directory, this throws a `StartError` if
 * the operator named the directory, and warns if it is the default. The other part is opened all the same.
 */
export function openStateDirectory(settings: Settings, log: Log): StateDirectory | undefined {
  const path = settings.get(stateDir);
  if (path === null) return undefined;
  const faults = new Map<string, unknown>();
  const tryTo = <Part>(lacking: string, open: () => Part): Part | undefined => {
    try {
      return open();
    } catch (error) {
      faults.set(lacking, error);
      return undefined;
    }
  };
  const applications = settings.get(application);
  const written = tryTo("maintenance files", () => new MaintenanceMode(path, applications, log));
  const lastGood = tryTo("saved snapshot", () => openLastGood(path, settings, log));
  warnOfFaults(path, faults, settings, log);
  // The site stays in maintenance (law 8) even if the daemon can only read the file.
  return { maintenance: written ?? new MaintenanceMode(path, applications, log, "read"), lastGood };
}

function openLastGood(path: string, settings: Settings, log: Log): LastGoodSnapshots {
  const from = [sourceOf(settings.get(store)), settings.get(table), settings.get(region)].join(" ");
  return new LastGoodSnapshots({
    ...{ stateDirectory: path, store: from, log, unhealthyMs: unhealthyMs(settings) },
    application: settings.get(application)[0] ?? "",
  });
}

/** One complaint, even if both parts have a fault. */
function warnOfFaults(
  path: string,
  faults: ReadonlyMap<string, unknown>,
  settings: Settings,
  log: Log,
): void {
  const [error] = faults.values();
  if (faults.size === 0) return;
  const lacking = [...faults.keys()].map((part) => `no ${part}`).join(" and ");
  const wrong = {
    message: `the state directory ${path} cannot be used`,
    consequence: `the daemon writes ${lacking}`,
    remedy: "make it writable for this user, choose another -state-dir, or use -state-dir none",
  };
  insistOrWarn(settings.isNamed(stateDir), wrong, error, log);
}

/**
 * The address of a store, as the file of a snapshot has it. The values of its query are left out, because
 * they may be secrets. A few bits of a hash tell `?branch=main` from `?branch=test`; they are too few to find
 * a secret.
 */
export function sourceOf(address: string): string {
  const query = address.indexOf("?");
  const shown = redactAddress(address);
  if (query < 0) return shown;
  return `${shown} ${createHash("sha256").update(address.slice(query)).digest("hex").slice(0, 4)}`;
}

/**
 * The parts that follow readings: those of the state directory in their order, or only a warning if there is
 * none.
 */
export function keepersOf(directory: StateDirectory | undefined, log: Log): ReadingFollower[] {
  if (directory === undefined) return [(reading) => warnOfMaintenance(reading, log)];
  return [(reading) => directory.maintenance.follow(reading), (reading) => directory.lastGood?.save(reading)];
}

function warnOfMaintenance({ application, arcs }: Reading, log: Log): void {
  if (!isMaintenanceOn(arcs)) return;
  log.warn(
    "maintenance is on, but there is no state directory to tell the proxy: visitors still see the application",
    {
      application,
      remedy: "start the daemon with a -state-dir in which it may write",
    },
  );
}
