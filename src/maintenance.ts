/**
 * Maintenance mode: the file `<state-dir>/maintenance/<application>` exists while the rollout of the version
 * `maintenance` is over 0. A proxy only has to look whether the file is there.
 *
 * It changes on fresh data only (law 8): called with readings, never with silence, and a maintenance record that
 * cannot be understood leaves things as they are. The file is put right at each reading, so one that somebody removed
 * by hand comes back.
 */

import { accessSync, constants, mkdirSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Reading } from "./feed.ts";
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
    mkdirSync(this.#directory, { recursive: true });
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
    if (isOn) await writeFile(path, "", { flag: "a", mode: 0o644 });
    else await rm(path, { force: true });
    if (this.#isOn.get(application) !== isOn) {
      if (isOn || this.#isOn.has(application)) {
        this.#log.info(`maintenance is ${isOn ? "on" : "off"}`, { application, path });
      }
      this.#isOn.set(application, isOn);
    }
  }
}
