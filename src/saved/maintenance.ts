/**
 * Maintenance mode: an application is in maintenance while the rollout of its version `maintenance` is above
 * 0.
 *
 * The state is in memory, and leases read it here. The file `<state-dir>/maintenance/<application>` is the
 * same state for other processes: maintenance is on if the file exists. The daemon reads the files once, when
 * it starts, because maintenance that an earlier daemon switched on goes on until the store is read.
 *
 * It changes on fresh data only (law 8): only a successful read changes it, and a malformed maintenance
 * record changes nothing. The files are corrected after each read, so a file that was removed by hand comes
 * back. The directory is listed once for all applications, and usually no file has to change.
 *
 * If this user may read the directory but not write it, the mode still begins with its files and follows the
 * store. It only writes nothing.
 */

import { accessSync, chmodSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { readdir, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMaintenanceOn, MAINTENANCE } from "../circle.ts";
import type { Reading } from "../feed/reading.ts";
import type { Log } from "../log/log.ts";
import { errorMessage } from "../text/error-message.ts";

/** The directory of the files. The daemon writes them, and `doctor` looks at them. */
export function maintenanceDirectory(stateDirectory: string): string {
  return join(stateDirectory, "maintenance");
}

/** The use of the directory: `read` if this user may not write it. */
export type Access = "write" | "read";

export class MaintenanceMode {
  readonly #directory: string;
  readonly #log: Log;
  /** The applications whose file existed at the start, until they are read from the store. */
  readonly #found: Set<string>;
  /** The applications in maintenance by their last reading, and those that are not. */
  readonly #on = new Set<string>();
  readonly #off = new Set<string>();
  /** The applications for which the log says that maintenance is on. */
  readonly #told = new Set<string>();
  readonly #access: Access;
  #hasNews = false;
  #working: Promise<void> | undefined;

  /** Throws if the directory cannot be made or written to. With `read`, it never throws. */
  constructor(stateDirectory: string, applications: readonly string[], log: Log, access: Access = "write") {
    this.#directory = maintenanceDirectory(stateDirectory);
    this.#log = log;
    this.#access = access;
    if (access === "write") makeWritable(this.#directory);
    this.#found = new Set(applications.filter((name) => existsSync(join(this.#directory, name))));
  }

  /** Whether the application is in maintenance. Reads memory only. */
  isOn(application: string): boolean {
    return this.#on.has(application) || this.#found.has(application);
  }

  /** Takes a reading. The state in memory changes at once, and the file in the background. Never throws. */
  follow({ application, arcs, malformed }: Reading): void {
    if (malformed.has(MAINTENANCE)) return;
    const isOn = isMaintenanceOn(arcs);
    const [now, before] = isOn ? [this.#on, this.#off] : [this.#off, this.#on];
    now.add(application);
    before.delete(application);
    this.#found.delete(application);
    if (this.#access === "read") {
      if (isOn) this.#warnOfNoFile(application);
      return;
    }
    this.#hasNews = true;
    this.#working ??= this.#putAllRight().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when the writes that have begun are done. */
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

  /** The applications whose file exists. */
  async #there(): Promise<ReadonlySet<string>> {
    try {
      return new Set(await readdir(this.#directory));
    } catch {
      // Writing into the directory fails as well, and that is logged.
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
    this.#log.error(
      "maintenance mode could not be switched: a proxy that reads the file does not see the change",
      {
        application,
        wanted,
        error: errorMessage(error),
      },
    );
  }

  #warnOfNoFile(application: string): void {
    this.#log.warn(
      "maintenance is on, but its file cannot be written: proxies that look for the file still serve the application",
      { application, remedy: "start the daemon with a -state-dir in which it may write" },
    );
  }

  #warnIfHidden(): void {
    const hidden = [dirname(this.#directory), this.#directory].find((path) => !isOpenToOthers(path));
    if (hidden === undefined) return;
    this.#log.warn(
      "maintenance is on, but proxies of other users cannot see its file, so they still serve the application",
      {
        directory: hidden,
        remedy: `chmod o+x ${hidden}`,
      },
    );
  }
}

function makeWritable(directory: string): void {
  // A proxy of another user has to see the file, even if the umask of this process would hide it.
  if (mkdirSync(directory, { recursive: true }) !== undefined) chmodSync(directory, 0o755);
  accessSync(directory, constants.W_OK | constants.X_OK);
}

/** Removes the file. Resolves with whether it existed. */
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
