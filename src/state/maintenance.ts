/**
 * Maintenance mode: the file `<state-dir>/maintenance/<application>` exists while the rollout of the version
 * `maintenance` is over 0. A proxy only has to look whether the file is there.
 *
 * It changes on fresh data only (law 8): called with readings, never with silence, and a maintenance record that
 * cannot be understood leaves things as they are. The files are put right after each reading, so one that was removed
 * by hand comes back. One look at the directory says what is to be done for all applications, and mostly that is nothing.
 */

import { accessSync, chmodSync, constants, mkdirSync, statSync } from "node:fs";
import { access, readdir, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMaintenanceOn, MAINTENANCE } from "../circle.ts";
import type { Reading } from "../feed/reading.ts";
import type { Log } from "../log.ts";
import { errorMessage } from "../text.ts";

export class Maintenance {
  readonly #directory: string;
  readonly #log: Log;
  /** What the latest readings want. */
  readonly #on = new Set<string>();
  readonly #off = new Set<string>();
  /** Those that the log was told are on. */
  readonly #told = new Set<string>();
  #hasNews = false;
  #working: Promise<void> | undefined;

  /** Throws where the directory cannot be made or written to. */
  constructor(stateDirectory: string, log: Log) {
    this.#directory = join(stateDirectory, "maintenance");
    this.#log = log;
    // A proxy of another user has to see the file, whatever mask this process was started with.
    if (mkdirSync(this.#directory, { recursive: true }) !== undefined) chmodSync(this.#directory, 0o755);
    accessSync(this.#directory, constants.W_OK | constants.X_OK);
  }

  /** Puts the file right in the background. Never throws. */
  follow({ application, arcs, malformed }: Reading): void {
    if (malformed.has(MAINTENANCE)) return;
    const isOn = isMaintenanceOn(arcs);
    const [now, before] = isOn ? [this.#on, this.#off] : [this.#off, this.#on];
    now.add(application);
    before.delete(application);
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
      // Writing into it meets the same trouble, and tells of it.
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

/**
 * Whether the file of an application is there; undefined where the disk does not say, and what was true stays true (law 8).
 *
 * @param directory `<state-dir>/maintenance`
 */
export function isInMaintenance(directory: string, application: string): Promise<boolean | undefined> {
  return access(join(directory, application)).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? false : undefined),
  );
}
