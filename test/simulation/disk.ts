/** The state directory of a simulated machine. It outlasts the processes, unless the machine loses it. */

import type { StateFiles } from "../../src/files/small-files.ts";
import type { Random } from "../support/random.ts";
import type { Process } from "./scheduler.ts";

const FILE_MS = 12;

export class Disk {
  readonly files = new Map<string, string>();
  isBroken = false;
  /** Whether it was broken, so that something may be missing on it. */
  wasBroken = false;

  break(): void {
    this.isBroken = true;
    this.wasBroken = true;
  }

  /** The machine has lost it. */
  wipe(): void {
    this.files.clear();
    this.isBroken = false;
  }

  /** A folder, for one process. A write that is under way when the process dies is done or not. */
  folder(name: string, process: Process, random: Random): StateFiles {
    const later = <T>(work: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const ms = FILE_MS * random.fraction() ** 2;
        let end: () => void = () => {};
        process.scheduler.after(ms, () => {
          if (this.isBroken) end = () => reject(new Error("no space left on the disk"));
          else {
            const result = work();
            end = () => resolve(result);
          }
        });
        process.after(ms, () => end());
      });
    const path = (file: string) => `${name}/${file}`;
    return {
      list: () =>
        later(() =>
          [...this.files.keys()].flatMap((file) =>
            file.startsWith(`${name}/`) ? [file.slice(name.length + 1)] : [],
          ),
        ),
      read: (file) => later(() => this.files.get(path(file))),
      write: (file, text) =>
        later(() => {
          this.files.set(path(file), text);
        }),
      remove: (file) =>
        later(() => {
          this.files.delete(path(file));
        }),
    };
  }
}
