/**
 * HAProxy's runtime API: commands over its stats socket. One connection is in interactive mode, in which each
 * reply ends with a prompt (HAProxy's management guide, section 9.3).
 */

import { connect, type Socket } from "node:net";
import type { Address } from "../../address.ts";

/** The end of a reply. */
const PROMPT = "\n> ";

/** The longest reply that is read. The replies to the daemon's commands have a line or two. */
const REPLY_BYTES_MAX = 65_536;

/** A failure between the daemon and HAProxy. Its message is for the log. */
export class RuntimeApiError extends Error {
  override readonly name = "RuntimeApiError";
  /** An instruction to the operator, if one is known. */
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string) {
    super(message);
    this.remedy = remedy;
  }
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
      if (this.#received.length > REPLY_BYTES_MAX)
        this.#fail(new RuntimeApiError("HAProxy's reply is too long"));
      this.#woken();
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new RuntimeApiError("HAProxy ended the connection")));
  }

  /**
   * Connects; rejects if that fails.
   *
   * @param timeoutMs the limit for the whole conversation, which fails if it takes longer
   */
  static async open(address: Address, timeoutMs: number): Promise<RuntimeApi> {
    if (address.kind === "fd") throw new RuntimeApiError("a descriptor cannot be a stats socket");
    const socket = connect(
      address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port },
    );
    const api = new RuntimeApi(socket);
    const timer = setTimeout(
      () => api.#fail(new RuntimeApiError(`no reply within ${timeoutMs} ms`)),
      timeoutMs,
    );
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
   * Sends a command of one line, perhaps with a payload behind it. Returns its reply without the blanks
   * around it. Rejects if no reply comes.
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
