/**
 * The state directory of a daemon: the parts that keep something there, and follow the readings of the store.
 */

import { createHash } from "node:crypto";
import { isMaintenanceOn } from "../circle.ts";
import type { Settings } from "../config/option.ts";
import { redactAddress } from "../config/redact.ts";
import type { Reading, ReadingFollower } from "../feed/reading.ts";
import type { Log } from "../log/log.ts";
import { application } from "../settings/application.ts";
import { region, stateDir, store, table, unhealthyMs } from "../settings/options.ts";
import { LastGoodSnapshots } from "../state/last-good.ts";
import { MaintenanceMode } from "../state/maintenance.ts";
import { insistOrWarn } from "./start-error.ts";

/** The parts that keep something in the state directory. */
export interface StateDirectory {
  readonly maintenance: MaintenanceMode;
  readonly lastGood: LastGoodSnapshots;
}

/** Undefined if there is none, or if it cannot be used and no flag names it. */
export function openStateDirectory(settings: Settings, log: Log): StateDirectory | undefined {
  const path = settings.get(stateDir);
  if (path === null) return undefined;
  try {
    const from = [sourceOf(settings.get(store)), settings.get(table), settings.get(region)].join(" ");
    const lastGood = new LastGoodSnapshots({
      ...{ stateDirectory: path, store: from, log, unhealthyMs: unhealthyMs(settings) },
      application: settings.get(application)[0] ?? "",
    });
    return { maintenance: new MaintenanceMode(path, settings.get(application), log), lastGood };
  } catch (error) {
    const wrong = {
      message: `the state directory ${path} cannot be used`,
      consequence: "there are no maintenance files and no saved snapshot",
      remedy: "make it writable for this user, choose another -state-dir, or -state-dir none",
    };
    insistOrWarn(settings.isNamed(stateDir), wrong, error, log);
    return undefined;
  }
}

/**
 * The address of a store for the file of a snapshot. The values of its query are not in it, so a few bits of
 * a hash tell `?branch=main` from `?branch=test`: enough for that, and too few to find a secret by.
 */
function sourceOf(address: string): string {
  const query = address.indexOf("?");
  const shown = redactAddress(address);
  if (query < 0) return shown;
  return `${shown} ${createHash("sha256").update(address.slice(query)).digest("hex").slice(0, 4)}`;
}

/** The followers of a state directory, or of its absence, in their order. */
export function keepersOf(directory: StateDirectory | undefined, log: Log): ReadingFollower[] {
  if (directory === undefined) return [(reading) => warnOfMaintenance(reading, log)];
  return [(reading) => directory.maintenance.follow(reading), (reading) => directory.lastGood.save(reading)];
}

function warnOfMaintenance({ application, arcs }: Reading, log: Log): void {
  if (!isMaintenanceOn(arcs)) return;
  log.warn("maintenance is on, and there is no state directory to tell the proxy: nothing changes", {
    application,
    remedy: "start the daemon with a -state-dir that it may write to",
  });
}
