/**
 * The file of a unix socket, claimed without a moment in which nobody listens.
 *
 * A server binds beside the path and then renames over it: clients reach the old listener until the rename and the
 * new one from it on, and a stale file of a dead process is replaced the same way. When a server stops it removes the
 * file only if it is still its own: by then a successor may have taken the path over.
 */

import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, lstatSync, renameSync, type Stats, statSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";

/** Only the owner of a name in such a directory may change it (S_ISVTX). */
const STICKY = 0o1000;

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

  /** Tries whether a socket can be put at `path`, and leaves what is there; throws if it cannot. */
  static prove(path: string): void {
    mustBeSocket(path);
    const file = new SocketFile(path, 0);
    Bun.listen({ unix: file.temporaryPath, socket: { data() {} } }).stop(true);
    remove(file.temporaryPath);
    const before = statOf(path);
    const directory = statSync(dirname(path));
    const user = process.geteuid?.() ?? 0;
    // In a sticky directory, such as /tmp, a name belongs to its owner (rename(2)).
    const isStranger = before !== undefined && ![0, before.uid, directory.uid].includes(user);
    if (isStranger && (directory.mode & STICKY) !== 0) {
      throw Object.assign(new Error(`${path} is another user's`), { code: "EPERM" });
    }
  }

  /**
   * Puts the bound socket in place.
   *
   * @returns whether there was a file before: stale, or another daemon's that is now taken over
   */
  publish(): boolean {
    const before = inodeOf(this.#path);
    try {
      mustBeSocket(this.#path);
    } catch (error) {
      remove(this.temporaryPath);
      throw error;
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

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function mustBeSocket(path: string): void {
  if (statOf(path)?.isSocket() ?? true) return;
  throw new Error(`${path} exists and is not a socket; move it away, or choose another path`);
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
