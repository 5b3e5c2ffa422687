/**
 * A client that speaks HTTP/1.1 byte by byte over one connection that persists, for tests that want to see
 * the bytes.
 */

import { connect, type NetConnectOpts, type Socket } from "node:net";

const REPLY_TIMEOUT_MS = 5_000;

export interface HttpReply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export class HttpClient {
  readonly socket: Socket;
  #received = "";
  #closed = false;
  #woken: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.#received += bytes.toString("latin1");
      this.#woken?.();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      this.#woken?.();
    });
  }

  static async connect(to: NetConnectOpts): Promise<HttpClient> {
    const socket = connect(to);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new HttpClient(socket);
  }

  /** Sends a request without waiting. Header values are written as UTF-8. */
  send(method: string, target: string, headers: Readonly<Record<string, string>> = {}, body = ""): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = body === "" ? "" : `content-length: ${Buffer.byteLength(body)}\r\n`;
    this.socket.write(
      `${method} ${target} HTTP/1.1\r\nhost: localhost\r\n${lines.join("")}${length}\r\n${body}`,
      "utf8",
    );
  }

  /** The next reply; one to a HEAD has no body whatever its length says. */
  async reply(isHead = false): Promise<HttpReply> {
    const deadlineMs = Date.now() + REPLY_TIMEOUT_MS;
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      if (end >= 0) {
        const [first = "", ...lines] = this.#received.slice(0, end).split("\r\n");
        const headers = new Map(lines.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
        const byName = new Map([...headers].map(([name, value]) => [name.toLowerCase(), value]));
        const length = isHead ? 0 : Number(byName.get("content-length") ?? 0);
        if (this.#received.length >= end + 4 + length) {
          const body = this.#received.slice(end + 4, end + 4 + length);
          this.#received = this.#received.slice(end + 4 + length);
          return { status: Number(first.split(" ")[1]), headers: byName, body };
        }
      }
      if (this.#closed) throw new Error(`closed after ${JSON.stringify(this.#received)}`);
      await this.#wait(deadlineMs);
    }
  }

  async ask(
    method: string,
    target: string,
    headers: Readonly<Record<string, string>> = {},
    body = "",
  ): Promise<HttpReply> {
    this.send(method, target, headers, body);
    return this.reply(method === "HEAD");
  }

  /** Bytes that have arrived and belong to no reply. */
  get received(): string {
    return this.#received;
  }

  /** Resolves when the server has closed. */
  async ended(): Promise<void> {
    const deadlineMs = Date.now() + REPLY_TIMEOUT_MS;
    while (!this.#closed) await this.#wait(deadlineMs);
  }

  close(): void {
    this.socket.destroy();
  }

  async #wait(deadlineMs: number): Promise<void> {
    const remainingMs = deadlineMs - Date.now();
    if (remainingMs <= 0) throw new Error(`no reply; so far ${JSON.stringify(this.#received)}`);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, remainingMs);
      this.#woken = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
