/**
 * A listener on a unix socket, for as long as its server runs. It takes the path over from the daemon that
 * had it, and takes it back if no daemon has it any more. `socket-file.ts` replaces the file itself.
 */

import type { Log } from "../log/log.ts";
import { SocketFile } from "./socket-file.ts";

/** Time between two looks at the socket's file. */
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

  /** Listens from now on. Throws if that fails. */
  constructor(options: UnixListenerOptions, nowMs: number) {
    this.#options = options;
    this.#lookedAtMs = nowMs;
    if (this.#listen()) {
      options.log.info(
        "took over the socket: another daemon listened there, or an earlier one left its file",
        {
          path: options.path,
        },
      );
    }
  }

  /** Why no proxy can connect now; undefined if proxies can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Whether another daemon has taken the path over. */
  get isReplaced(): boolean {
    return this.#file?.look() === "another's";
  }

  /**
   * Removes the file if it is still this listener's. Clients that have already connected are accepted until
   * `stop`.
   */
  release(): void {
    this.#isReleased = true;
    this.#file?.release();
  }

  stop(closesConnections: boolean): void {
    this.#listener?.stop(closesConnections);
  }

  /**
   * Once a second, listens again if the socket's file is gone, or if no process listens at it. A cleaner of
   * /tmp may have removed it, or a second daemon has taken it over and has ended. The file of another daemon
   * that lives is left alone. Never rejects.
   */
  async lookIfDue(nowMs: number): Promise<void> {
    if (nowMs - this.#lookedAtMs < FILE_LOOK_MS || this.#file === undefined) return;
    this.#lookedAtMs = nowMs;
    const { path, server, log } = this.#options;
    const whose = this.#file.look();
    if (whose === "another's" && !this.#wasReplaced) {
      log.warn(
        "another daemon took the socket over, so new connections go to that daemon; end one of the two",
        {
          ...{ server, path },
        },
      );
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
        "the socket's file was gone, or no daemon listened there, so visitors went to master; this daemon listens there again",
        {
          ...{ server, path },
        },
      );
    } catch (error) {
      // The error's message has the temporary path in it, which differs each time.
      const { code, message } = error as NodeJS.ErrnoException;
      this.#tellOfTrouble(
        `the file ${path} is gone, and the daemon cannot make a new one (${code ?? message})`,
      );
    }
  }

  /** Listens at the path with a new listener, and stops the old one; returns whether there was a file. */
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

  /** Logs the trouble once, because it may last for days, and `/readyz` says it all the time. */
  #tellOfTrouble(trouble: string): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#options.log.error(
      "the socket's file is gone, and the daemon cannot make a new one: no proxy can connect, so visitors go to master",
      {
        server: this.#options.server,
        error: trouble,
        remedy:
          "make its directory, and let the daemon's user write to it; the daemon tries again each second",
      },
    );
  }
}
