/** A process other than the daemon that listens at an admin port and at a unix socket of its choice. */

import { spawn } from "node:child_process";
import { Outage } from "../../src/doctor/outage/outage.ts";

/** The id of a user without rights. */
export const NOBODY = 65_534;

export interface StrangerOptions {
  /** The process's user and group. */
  readonly uid?: number;
  /**
   * A directory that is the process's own: other processes see their files there, and this one an empty
   * directory.
   */
  readonly ownDirectory?: string;
}

const SCRIPT = `
const path = process.env.STRANGER_SOCKET;
const socket = { data() {} };
Bun.listen({ unix: path, socket });
const admin = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
console.log(admin.port);
setInterval(() => {}, 1_000);`;

export class Stranger {
  readonly pid: number;
  readonly #child: ReturnType<typeof spawn>;
  readonly #path: string;
  readonly #adminPort: number;

  private constructor(child: ReturnType<typeof spawn>, path: string, adminPort: number) {
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#path = path;
    this.#adminPort = adminPort;
  }

  /** Resolves when the process listens. */
  static async start(path: string, { uid, ownDirectory }: StrangerOptions = {}): Promise<Stranger> {
    const run = [process.execPath, "-e", SCRIPT];
    // `exec` keeps the process's id.
    const words =
      ownDirectory === undefined
        ? run
        : ["unshare", "-m", "sh", "-c", 'mount -t tmpfs own "$0" && exec "$@"', ownDirectory, ...run];
    const child = spawn(words[0] ?? "", words.slice(1), {
      stdio: ["ignore", "pipe", "inherit"],
      cwd: "/",
      env: { ...process.env, STRANGER_SOCKET: path },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout.once("data", (text: Buffer) => resolve(Number(text)));
      child.once("exit", () => reject(new Error("the stranger ended")));
    });
    return new Stranger(child, path, port);
  }

  /** The outage of a doctor that believes this process's answers at the admin port. */
  prepare(): Promise<Outage | { readonly why: string }> {
    return Outage.prepare({ pid: this.pid, adminPort: this.#adminPort, sockets: [this.#path] });
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }
}
