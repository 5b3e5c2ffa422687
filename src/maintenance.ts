/**
 * Maintenance mode: the file `<state-dir>/maintenance/<application>` exists while the rollout of the version
 * `maintenance` is over 0. A proxy only has to look whether the file is there.
 *
 * It changes on fresh data only (law 8): called with readings, never with silence, and a maintenance record that
 * cannot be understood leaves things as they are. The file is put right at each reading, so one that somebody removed
 * by hand comes back.
 */

import { accessSync, chmodSync, constants, mkdirSync, statSync } from "node:fs";
import { access, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Reading } from "./feed/followed.ts";
import type { Log } from "./log.ts";
import { MAINTENANCE } from "./record.ts";

export class Maintenance {
  readonly #directory: string;
  readonly #log: Log;
  readonly #isOn = new Map<string, boolean>();
  /** What the latest readings want and is not done yet; a slow disk gets the newest alone. */
  readonly #wanted = new Map<string, boolean>();
  #switching: Promise<void> | undefined;

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
    const isOn = arcs.some((arc) => arc.version === MAINTENANCE && arc.rollout > 0);
    this.#wanted.set(application, isOn);
    this.#switching ??= this.#switchAll();
  }

  /** Resolves when what was begun is done. */
  async close(): Promise<void> {
    await this.#switching;
  }

  async #switchAll(): Promise<void> {
    for (const [application, isOn] of this.#wanted) {
      this.#wanted.delete(application);
      try {
        await this.#set(application, isOn);
      } catch (error) {
        this.#log.error("maintenance mode could not be switched", {
          application,
          wanted: isOn ? "on" : "off",
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
    this.#switching = undefined;
  }

  async #set(application: string, isOn: boolean): Promise<void> {
    const path = join(this.#directory, application);
    let wasThere = false;
    if (isOn) await writeFile(path, "", { flag: "a", mode: 0o644 });
    else wasThere = await remove(path);
    if (this.#isOn.get(application) === isOn) return;
    if (isOn || wasThere || this.#isOn.has(application)) {
      this.#log.info(`maintenance is ${isOn ? "on" : "off"}`, { application, path });
    }
    if (isOn) this.#warnIfHidden();
    this.#isOn.set(application, isOn);
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
