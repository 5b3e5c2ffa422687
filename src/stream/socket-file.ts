/**
 * The file of a unix socket. A server takes the path over without a moment in which no server listens.
 *
 * The server binds to a temporary path, and then renames that file over the path. Clients reach the old
 * listener until the rename, and the new one after it. The stale file of a dead process is replaced in the
 * same way. When a server stops, it removes the file only if the file is still its own, because a successor
 * may have taken the path over.
 */

import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, lstatSync, renameSync, type Stats, statSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";

/** Only the owner of a name in such a directory may change it (S_ISVTX). */
const STICKY = 0o1000;

export class SocketFile {
  /** The server binds to this path. */
  readonly temporaryPath: string;
  readonly #path: string;
  readonly #mode: number;
  #inode: bigint | undefined;

  /** @param mode the mode of the file, such as 0o666: it says which users may connect */
  constructor(path: string, mode: number) {
    this.#path = path;
    this.#mode = mode;
    // The number of the process would not be unique: in two containers that share a directory both may be 1.
    this.temporaryPath = `${path}.${randomBytes(4).toString("hex")}.new`;
  }

  /** Tries whether a socket can be put at `path`, and changes nothing there; throws if it cannot. */
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
      throw Object.assign(new Error(`another user owns ${path}`), { code: "EPERM" });
    }
  }

  /**
   * Puts the bound socket in place.
   *
   * @returns whether there was a file before: a stale one, or that of another daemon, which is now taken over
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

  /** Looks for the socket's file. If it is gone, no client can reach the listener. */
  look(): "ours" | "gone" | "another's" {
    const inode = inodeOf(this.#path);
    if (inode === undefined) return "gone";
    return inode === this.#inode ? "ours" : "another's";
  }

  /** Whether no process listens at the file that is there now, because its owner died and left it. */
  isDeserted(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#path);
      const tell = (isDeserted: boolean) => {
        socket.destroy();
        resolve(isDeserted);
      };
      socket.once("connect", () => tell(false));
      // Other errors, such as a full queue, do not prove that.
      socket.once("error", (error: NodeJS.ErrnoException) => tell(error.code === "ECONNREFUSED"));
    });
  }

  /**
   * Removes the file if it is still this server's.
   *
   * To look and to remove are two calls, and a successor may come between them. So the file is first moved
   * aside, to a name that no other process changes. If it then turns out to be the successor's, it is put
   * back, unless a third daemon has taken the path by then.
   */
  release(): void {
    if (this.#inode === undefined || inodeOf(this.#path) !== this.#inode) return;
    const aside = `${this.temporaryPath}.gone`;
    try {
      renameSync(this.#path, aside);
      if (inodeOf(aside) !== this.#inode) linkSync(aside, this.#path);
    } catch {
      // The file was gone already, or a third daemon listens.
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
    // The file was not there.
  }
}
