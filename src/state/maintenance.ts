/**
 * Maintenance mode: an application is in it while the rollout of its version `maintenance` is over 0.
 *
 * The truth is in memory, and leases ask here. The file `<state-dir>/maintenance/<application>` tells the
 * same to other processes: a proxy only has to look whether the file is there. The daemon reads the files
 * once, when it starts, because the maintenance of an earlier daemon goes on until the store says otherwise.
 *
 * It changes on fresh data only (law 8): called with readings, never with silence, and a maintenance record
 * that cannot be understood leaves things as they are. The files are put right after each reading, so one
 * that was removed by hand comes back. One look at the directory says what is to be done for all
 * applications, and mostly that is nothing.
 */

import { accessSync, chmodSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { readdir, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMaintenanceOn, MAINTENANCE } from "../circle.ts";
import type { Reading } from "../feed/reading.ts";
import type { Log } from "../log/log.ts";
import { errorMessage } from "../text.ts";

/** The directory of the files, for the daemon that writes them and for doctor that looks at them. */
export function maintenanceDirectory(stateDirectory: string): string {
  return join(stateDirectory, "maintenance");
}

export class MaintenanceMode {
  readonly #directory: string;
  readonly #log: Log;
  /** The applications whose file was there at the start, until a reading says what they are now. */
  readonly #found: Set<string>;
  /** By the latest reading of each application. */
  readonly #on = new Set<string>();
  readonly #off = new Set<string>();
  /** The log has said that these are on. */
  readonly #told = new Set<string>();
  #hasNews = false;
  #working: Promise<void> | undefined;

  /** Throws if the directory cannot be made or written to. */
  constructor(stateDirectory: string, applications: readonly string[], log: Log) {
    this.#directory = maintenanceDirectory(stateDirectory);
    this.#log = log;
    // A proxy of another user has to see the file, whatever mask this process was started with.
    if (mkdirSync(this.#directory, { recursive: true }) !== undefined) chmodSync(this.#directory, 0o755);
    accessSync(this.#directory, constants.W_OK | constants.X_OK);
    this.#found = new Set(applications.filter((name) => existsSync(join(this.#directory, name))));
  }

  /** Reads memory only. */
  isOn(application: string): boolean {
    return this.#on.has(application) || this.#found.has(application);
  }

  /** Counts at once, and puts the file right in the background. Never throws. */
  follow({ application, arcs, malformed }: Reading): void {
    if (malformed.has(MAINTENANCE)) return;
    const isOn = isMaintenanceOn(arcs);
    const [now, before] = isOn ? [this.#on, this.#off] : [this.#off, this.#on];
    now.add(application);
    before.delete(application);
    this.#found.delete(application);
    this.#hasNews = true;
    this.#working ??= this.#putAllRight().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when what was begun is done. */
  async close(): Promise<void> {
    await this.#working;
  }

  async #putAllRight(): Promise<void> {
    while (this.#hasNews) {
      this.#hasNews = false;
      const there = await this.#there();
      for (const application of [...this.#on]) {
        if (!there.has(application) || !this.#told.has(application)) await this.#putOn(application);
      }
      for (const application of new Set([...there, ...this.#told])) {
        if (this.#off.has(application)) await this.#putOff(application);
      }
    }
  }

  /** The applications whose file is there. */
  async #there(): Promise<ReadonlySet<string>> {
    try {
      return new Set(await readdir(this.#directory));
    } catch {
      // Writing into it fails too, and is logged.
      return new Set();
    }
  }

  async #putOn(application: string): Promise<void> {
    const path = join(this.#directory, application);
    try {
      await writeFile(path, "", { flag: "a", mode: 0o644 });
      if (this.#told.has(application)) return;
      this.#told.add(application);
      this.#log.info("maintenance is on", { application, path });
      this.#warnIfHidden();
    } catch (error) {
      this.#complain(application, "on", error);
    }
  }

  async #putOff(application: string): Promise<void> {
    const path = join(this.#directory, application);
    try {
      const wasThere = await remove(path);
      const wasTold = this.#told.delete(application);
      if (wasThere || wasTold) this.#log.info("maintenance is off", { application, path });
    } catch (error) {
      this.#complain(application, "off", error);
    }
  }

  #complain(application: string, wanted: "on" | "off", error: unknown): void {
    this.#log.error("maintenance mode could not be switched", {
      application,
      wanted,
      error: errorMessage(error),
    });
  }

  #warnIfHidden(): void {
    const hidden = [dirname(this.#directory), this.#directory].find((path) => !isOpenToOthers(path));
    if (hidden === undefined) return;
    this.#log.warn("proxies of other users cannot see that maintenance is on", {
      directory: hidden,
      remedy: `chmod o+x ${hidden}`,
    });
  }
}

/** Whether there was a file. */
async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function isOpenToOthers(path: string): boolean {
  return (statSync(path).mode & 0o001) !== 0;
}
