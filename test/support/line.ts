/** A client that speaks the line protocol byte by byte, for tests that want to see exactly what passes. */

import { connect, type NetConnectOpts, type Socket } from "node:net";

/** A reply must come within this time; a test that waits longer has failed. */
const REPLY_TIMEOUT_MS = 10_000;

export class LineClient {
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
    for (const event of ["close", "end"] as const) {
      socket.on(event, () => {
        this.#closed = true;
        this.#woken?.();
      });
    }
  }

  static async connect(to: NetConnectOpts): Promise<LineClient> {
    const socket = connect({ allowHalfOpen: true, ...to });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new LineClient(socket);
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** The next `count` lines, without their LF. */
  async lines(count: number): Promise<string[]> {
    const deadline = Date.now() + REPLY_TIMEOUT_MS;
    for (;;) {
      const lines = this.#received.split("\n");
      if (lines.length > count) {
        this.#received = lines.slice(count).join("\n");
        return lines.slice(0, count);
      }
      if (this.#closed) throw new Error(`closed after ${JSON.stringify(this.#received)}`);
      await this.#wait(deadline);
    }
  }

  /** Sends one line and returns the two of its reply. */
  async ask(line: string): Promise<{ assignment: string; location: string }> {
    this.send(`${line}\n`);
    const [assignment, location] = (await this.lines(2)) as [string, string];
    return { assignment, location };
  }

  /** Bytes that have arrived but were not taken by `lines`. */
  get received(): string {
    return this.#received;
  }

  /** Resolves when the server has ended its side. */
  async ended(): Promise<void> {
    const deadline = Date.now() + REPLY_TIMEOUT_MS;
    while (!this.#closed) await this.#wait(deadline);
  }

  /** Ends this side only. */
  half(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  async #wait(deadline: number): Promise<void> {
    const remainingMs = deadline - Date.now();
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
