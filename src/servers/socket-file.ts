/**
 * The file of a unix socket, claimed without a moment in which nobody listens.
 *
 * A server binds beside the path and then renames over it: clients reach the old listener until the rename and the
 * new one from it on, and a stale file of a dead process is replaced the same way. When a server stops it removes the
 * file only if it is still its own: by then a successor may have taken the path over.
 */

import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { connect } from "node:net";

export class SocketFile {
  /** Where to bind. */
  readonly temporaryPath: string;
  readonly #path: string;
  readonly #mode: number;
  #inode: bigint | undefined;

  /** @param mode of the file, such as 0o666: who may connect */
  constructor(path: string, mode: number) {
    this.#path = path;
    this.#mode = mode;
    // Not the process's number: two containers that share a directory may both be process 1.
    this.temporaryPath = `${path}.${randomBytes(4).toString("hex")}.new`;
  }

  /**
   * Puts the bound socket in place.
   *
   * @returns whether there was a file before: stale, or another daemon's that is now taken over
   */
  publish(): boolean {
    const before = inodeOf(this.#path);
    if (before !== undefined && !lstatSync(this.#path).isSocket()) {
      remove(this.temporaryPath);
      throw new Error(`${this.#path} exists and is not a socket; move it away, or choose another path`);
    }
    chmodSync(this.temporaryPath, this.#mode);
    this.#inode = inodeOf(this.temporaryPath);
    renameSync(this.temporaryPath, this.#path);
    return before !== undefined;
  }

  /** Whose file there is now: a listener without its file can be reached by nobody. */
  look(): "ours" | "gone" | "another's" {
    const inode = inodeOf(this.#path);
    if (inode === undefined) return "gone";
    return inode === this.#inode ? "ours" : "another's";
  }

  /** Whether nobody listens at the file that is there now: whose it was has died without a word. */
  isDeserted(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#path);
      const tell = (isDeserted: boolean) => {
        socket.destroy();
        resolve(isDeserted);
      };
      socket.once("connect", () => tell(false));
      // Everything else, such as a queue that is full, is no proof.
      socket.once("error", (error: NodeJS.ErrnoException) => tell(error.code === "ECONNREFUSED"));
    });
  }

  /**
   * Removes the file if it is still this server's.
   *
   * Looking and removing are two calls, and a successor may come between them. So the file is moved aside, looked at
   * where nobody changes it any more, and put back if it was the successor's: unless there is a third one by then.
   */
  release(): void {
    if (this.#inode === undefined || inodeOf(this.#path) !== this.#inode) return;
    const aside = `${this.temporaryPath}.gone`;
    try {
      renameSync(this.#path, aside);
      if (inodeOf(aside) !== this.#inode) linkSync(aside, this.#path);
    } catch {
      // It was gone already, or somebody newer listens.
    }
    remove(aside);
    this.#inode = undefined;
  }
}

function inodeOf(path: string): bigint | undefined {
  try {
    return lstatSync(path, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not there.
  }
}
