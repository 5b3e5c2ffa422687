/**
 * HAProxy's runtime API: commands over its stats socket, on one connection in interactive mode, where each reply ends
 * with a prompt (HAProxy's management guide, section 9.3).
 */

import { connect, type Socket } from "node:net";
import type { Address } from "../../config/values.ts";

/** What ends a reply. */
const PROMPT = "\n> ";

/** A reply may be this long; ours have a line or two. */
const REPLY_BYTES_MAX = 65_536;

/** What went wrong between us and HAProxy, in words for the log. */
export class RuntimeApiError extends Error {
  override readonly name = "RuntimeApiError";
}

export class RuntimeApi {
  readonly #socket: Socket;
  #received = "";
  #failure: Error | undefined;
  #woken: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#received += text;
      if (this.#received.length > REPLY_BYTES_MAX) this.#fail(new RuntimeApiError("its reply has no end"));
      this.#woken();
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new RuntimeApiError("it ended the connection")));
  }

  /**
   * Connects; rejects if that fails.
   *
   * @param timeoutMs for the whole conversation, which fails if it takes longer
   */
  static async open(address: Address, timeoutMs: number): Promise<RuntimeApi> {
    if (address.kind === "fd") throw new RuntimeApiError("a descriptor is no stats socket");
    const socket = connect(
      address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port },
    );
    const api = new RuntimeApi(socket);
    const timer = setTimeout(() => api.#fail(new RuntimeApiError(`no reply in ${timeoutMs} ms`)), timeoutMs);
    socket.once("close", () => clearTimeout(timer));
    try {
      await api.ask("prompt");
    } catch (error) {
      api.close();
      throw error;
    }
    return api;
  }

  /**
   * Sends a command, of one line or with a payload behind it, and returns its reply, without the blanks around it.
   * Rejects if none comes.
   */
  async ask(command: string): Promise<string> {
    this.#received = "";
    this.#socket.write(`${command}\n`);
    while (!this.#received.endsWith(PROMPT)) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
    return this.#received.slice(0, -PROMPT.length).trim();
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    this.#woken();
  }
}
