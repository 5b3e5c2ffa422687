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
  readonly maintenance: MaintenanceMode;
  readonly lastGood: LastGoodSnapshots;
}

/**
 * Undefined if there is no state directory, or if the default one cannot be used. Throws a `StartError` if
 * the operator named one that cannot be used.
 */
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
      remedy: "make it writable for this user, choose another -state-dir, or use -state-dir none",
    };
    insistOrWarn(settings.isNamed(stateDir), wrong, error, log);
    return undefined;
  }
}

/**
 * The address of a store, as the file of a snapshot has it. The values of its query are left out, because
 * they may be secrets. A few bits of a hash tell `?branch=main` from `?branch=test`; they are too few to find
 * a secret.
 */
function sourceOf(address: string): string {
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
  return [(reading) => directory.maintenance.follow(reading), (reading) => directory.lastGood.save(reading)];
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
