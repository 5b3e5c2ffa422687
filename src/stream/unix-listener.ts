/**
 * A listener on a unix socket, for as long as its server runs: it takes the path over from the daemon that
 * had it, and takes it back if no daemon has it any more. How the file itself is claimed is in
 * `socket-file.ts`.
 */

import type { Log } from "../log/log.ts";
import { SocketFile } from "./socket-file.ts";

/** How often it is seen whether the socket's file is still there. */
const FILE_LOOK_MS = 1_000;

/** The part of Bun's listeners that is used here. */
interface Listener {
  stop(closeActiveConnections?: boolean): void;
}

export interface UnixListenerOptions {
  readonly path: string;
  /** The mode of the socket's file, such as 0o666: it says which users may connect. */
  readonly mode: number;
  /** The name of the server, for the log. */
  readonly server: string;
  readonly log: Log;
  /** Binds a listener to a path at which there is no file. */
  readonly listen: (path: string) => Listener;
}

export class UnixListener {
  readonly #options: UnixListenerOptions;
  #file: SocketFile | undefined;
  #listener: Listener | undefined;
  #lookedAtMs: number;
  #wasReplaced = false;
  #isReleased = false;
  #trouble: string | undefined;

  /** Listens from now on. Throws if it cannot. */
  constructor(options: UnixListenerOptions, nowMs: number) {
    this.#options = options;
    this.#lookedAtMs = nowMs;
    if (this.#listen()) {
      options.log.info("took over the socket: it had been another daemon's, or was left by one", {
        path: options.path,
      });
    }
  }

  /** Why no proxy can connect now; undefined if they can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Whether another daemon has the path by now. */
  get isReplaced(): boolean {
    return this.#file?.look() === "another's";
  }

  /** Removes the file if it is still this one's. Clients that are on their way are accepted until `stop`. */
  release(): void {
    this.#isReleased = true;
    this.#file?.release();
  }

  stop(closesConnections: boolean): void {
    this.#listener?.stop(closesConnections);
  }

  /**
   * Once a second, listens again if the socket's file is gone, or if no process listens at it. A cleaner of /tmp
   * may have removed it, or a second daemon has taken it over and has ended. The file of another daemon that
   * lives is left alone. Never rejects.
   */
  async lookIfDue(nowMs: number): Promise<void> {
    if (nowMs - this.#lookedAtMs < FILE_LOOK_MS || this.#file === undefined) return;
    this.#lookedAtMs = nowMs;
    const { path, server, log } = this.#options;
    const whose = this.#file.look();
    if (whose === "another's" && !this.#wasReplaced) {
      log.warn("another daemon took the socket over: new connections go there; end one of the two", {
        ...{ server, path },
      });
    }
    this.#wasReplaced = whose === "another's";
    const isLeftAlone = whose === "another's" && !(await this.#file.isDeserted());
    if (whose === "ours" || isLeftAlone || this.#isReleased) {
      this.#trouble = isLeftAlone ? `another daemon has ${path}` : undefined;
      return;
    }
    try {
      this.#listen();
      this.#trouble = undefined;
      log.error(
        "the file of the socket was gone, or no daemon listened there: this daemon listens there again",
        {
          ...{ server, path },
        },
      );
    } catch (error) {
      // The message has a name in it that is another one each time.
      const { code, message } = error as NodeJS.ErrnoException;
      this.#tellOfTrouble(`the file ${path} is gone, and there can be no new one (${code ?? message})`);
    }
  }

  /** Listens at the path, in place of the listener before; returns whether there was a file. */
  #listen(): boolean {
    const { path, mode, listen } = this.#options;
    const file = new SocketFile(path, mode);
    const listener = listen(file.temporaryPath);
    try {
      const hadFile = file.publish();
      this.#listener?.stop(false);
      this.#file = file;
      this.#listener = listener;
      return hadFile;
    } catch (error) {
      listener.stop(true);
      throw error;
    }
  }

  /** Once: it may go on for days, and `/readyz` says it all the time. */
  #tellOfTrouble(trouble: string): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#options.log.error("no proxy can connect: the socket's file is gone, and there can be no new one", {
      server: this.#options.server,
      error: trouble,
      remedy: "make its directory, and let the daemon's user write to it; the daemon tries again each second",
    });
  }
}
