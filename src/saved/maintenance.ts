/**
 * Maintenance mode: an application is in maintenance while the rollout of its version `maintenance` is above
 * 0.
 *
 * The state is in memory, and leases read it here. The file `<state-dir>/maintenance/<application>` is the
 * same state for other processes: maintenance is on if the file exists. The daemon reads the files when it
 * starts, because maintenance that an earlier daemon switched on goes on until the store is read.
 *
 * It changes on fresh data only (law 8): only a successful read changes it, and a malformed maintenance
 * record changes nothing. The files are corrected after each read, so a file that was removed by hand comes
 * back. The directory is listed once for all applications, and usually no file has to change.
 *
 * Two daemons may share a directory, and one of them may lose its store. While its reads of an application
 * fail, it looks at the directory again each second. It follows a file only if another process made or
 * removed it since this process last saw or wrote it. So the daemon never reads back its own writing, and a
 * write that the disk refused changes nothing in memory.
 *
 * If this user may read the directory but not write it, the mode still begins with its files and follows the
 * store. It only writes nothing.
 */

import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMaintenanceOn, MAINTENANCE } from "../circle.ts";
import type { Reading } from "../feed/reading.ts";
import type { Log } from "../log/log.ts";
import { errorMessage } from "../text/error-message.ts";
import { isOpenToOthers, makeWritable, removeFile } from "./maintenance-files.ts";

/** While reads fail, the directory is listed this often. */
const LOOK_EVERY_MS = 1_000;

/** The directory of the files. The daemon writes them, and `doctor` looks at them. */
export function maintenanceDirectory(stateDirectory: string): string {
  return join(stateDirectory, "maintenance");
}

/** The use of the directory: `read` if this user may not write it. */
export type Access = "write" | "read";

export class MaintenanceMode {
  readonly #directory: string;
  readonly #log: Log;
  /**
   * The applications in maintenance by their file: it existed at the start, or another process made it while
   * reads failed. The next reading ends this.
   */
  readonly #found: Set<string>;
  /** The files that existed when this process last saw or wrote them. */
  readonly #files: Set<string>;
  /** The applications whose last read failed. */
  readonly #failing = new Set<string>();
  /** The applications in maintenance by their last reading, and those that are not. */
  readonly #on = new Set<string>();
  readonly #off = new Set<string>();
  /** The applications for which the log says that maintenance is on. */
  readonly #told = new Set<string>();
  readonly #access: Access;
  /** The applications that were read since the directory was last listed. */
  #news = new Set<string>();
  #isLookDue = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #working: Promise<void> | undefined;

  /** Throws if the directory cannot be made or written to. With `read`, it never throws. */
  constructor(stateDirectory: string, applications: readonly string[], log: Log, access: Access = "write") {
    this.#directory = maintenanceDirectory(stateDirectory);
    this.#log = log;
    this.#access = access;
    if (access === "write") makeWritable(this.#directory);
    this.#found = new Set(applications.filter((name) => existsSync(join(this.#directory, name))));
    this.#files = new Set(this.#found);
  }

  /** Whether the application is in maintenance. Reads memory only. */
  isOn(application: string): boolean {
    return this.#on.has(application) || this.#found.has(application);
  }

  /** Takes a reading. The state in memory changes at once, and the file in the background. Never throws. */
  follow({ application, arcs, malformed }: Reading): void {
    this.#failing.delete(application);
    if (malformed.has(MAINTENANCE)) return;
    const isOn = isMaintenanceOn(arcs);
    const [now, before] = isOn ? [this.#on, this.#off] : [this.#off, this.#on];
    now.add(application);
    before.delete(application);
    this.#found.delete(application);
    this.#news.add(application);
    if (isOn && this.#access === "read") this.#warnOfNoFile(application);
    this.#work();
  }

  /**
   * Says that a read of the application failed. Until the next reading, another process may switch its
   * maintenance. Never throws.
   */
  failed(application: string): void {
    this.#failing.add(application);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
    this.#look();
  }

  /** Resolves when the writes that have begun are done. */
  async close(): Promise<void> {
    this.#stopLooking();
    await this.#working;
  }

  #look(): void {
    if (this.#failing.size === 0) {
      this.#stopLooking();
      return;
    }
    this.#isLookDue = true;
    this.#work();
  }

  #stopLooking(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #work(): void {
    this.#working ??= this.#workOn().finally(() => {
      this.#working = undefined;
    });
  }

  async #workOn(): Promise<void> {
    while (this.#news.size > 0 || this.#isLookDue) {
      const news = this.#news;
      this.#news = new Set();
      this.#isLookDue = false;
      const there = await this.#there();
      if (there !== undefined) this.#see(there, news);
      // If the directory cannot be listed, writing into it fails as well, and that is logged.
      if (this.#access === "write") await this.#putAllRight(there ?? new Set());
    }
  }

  /** The applications whose file exists; undefined if the directory cannot be listed. */
  async #there(): Promise<ReadonlySet<string> | undefined> {
    try {
      return new Set(await readdir(this.#directory));
    } catch {
      return undefined;
    }
  }

  /** @param news the applications whose file is not corrected yet: for them, the last reading counts */
  #see(there: ReadonlySet<string>, news: ReadonlySet<string>): void {
    for (const application of news) put(this.#files, application, there.has(application));
    for (const application of this.#failing) {
      const isOn = there.has(application);
      const isOurs = news.has(application) || this.#news.has(application);
      if (!isOurs && isOn !== this.#files.has(application)) this.#followOther(application, isOn);
    }
  }

  /** Another process made or removed the file while the reads of this one fail. */
  #followOther(application: string, isOn: boolean): void {
    const wasOn = this.isOn(application);
    this.#on.delete(application);
    this.#off.delete(application);
    for (const set of [this.#found, this.#files, this.#told]) put(set, application, isOn);
    if (isOn === wasOn) return;
    const path = join(this.#directory, application);
    const message = isOn
      ? "maintenance is on, because another process made its file"
      : "maintenance is off, because another process removed its file";
    this.#log.info(message, { application, path });
  }

  async #putAllRight(there: ReadonlySet<string>): Promise<void> {
    for (const application of [...this.#on]) {
      if (!there.has(application) || !this.#told.has(application)) await this.#putOn(application);
    }
    for (const application of new Set([...there, ...this.#told])) {
      if (this.#off.has(application)) await this.#putOff(application);
    }
  }

  async #putOn(application: string): Promise<void> {
    const path = join(this.#directory, application);
    try {
      await writeFile(path, "", { flag: "a", mode: 0o644 });
      this.#files.add(application);
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
      const wasThere = await removeFile(path);
      this.#files.delete(application);
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

/** Adds the name to the set, or takes it out. */
function put(set: Set<string>, name: string, isIn: boolean): void {
  if (isIn) set.add(name);
  else set.delete(name);
}
