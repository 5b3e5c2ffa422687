/** A listener in the daemon's place that does as a test says. */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Called for each line that arrives, with the number of lines before it on this connection. */
export type OnLine = (line: string, socket: Socket, before: number) => void;

export class FakeDaemon {
  readonly directory = mkdtempSync(join(tmpdir(), "fake-daemon-"));
  readonly path = join(this.directory, "daemon.sock");
  readonly address = `unix:${this.path}`;
  /** Lines that arrived, over all connections. */
  readonly lines: string[] = [];
  /** How many connections there were. */
  accepted = 0;
  /** How many pieces arrived. */
  pieces = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onLine: OnLine;

  private constructor(onLine: OnLine) {
    this.#onLine = onLine;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(onLine: OnLine): Promise<FakeDaemon> {
    const fake = new FakeDaemon(onLine);
    await new Promise<void>((resolve) => fake.#server.listen(fake.path, resolve));
    return fake;
  }

  /** From now on it does something else. */
  become(onLine: OnLine): void {
    this.#onLine = onLine;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.directory, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.accepted++;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    let partial = "";
    let count = 0;
    socket.on("data", (bytes) => {
      this.pieces++;
      const lines = (partial + bytes.toString("latin1")).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) {
        this.lines.push(line);
        this.#onLine(line, socket, count++);
      }
    });
  }
}

/** The reply of a daemon at rollout 0.25, to a line that is an assignment. */
export function replyTo(line: string): string {
  return `${line}\n${Number(line) < 0.25 ? "canary" : "master"}\n`;
}

/** Answers as a daemon does. */
export const answer: OnLine = (line, socket) => void socket.write(replyTo(line));

/** Says nothing, ever. */
export const silence: OnLine = () => {};
