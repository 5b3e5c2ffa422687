/** A stand-in for HAProxy's stats socket: its runtime API as far as maps go, and ways to misbehave. */

import { createServer, type Server, type Socket } from "node:net";

/** `tune.bufsize`: a command that is longer, payload and all, ends the connection. */
const COMMAND_BYTES_MAX = 16_384;

export class StatsSocket {
  /** The map as readers see it. */
  map = new Map<string, string>();
  /** How often it was replaced. */
  commits = 0;
  /** Other answers to commands, by their first two words. */
  readonly replies = new Map<string, string>();
  /** Commands are taken and never answered. */
  isHanging = false;
  connections = 0;
  readonly #prepared = new Map<string, Map<string, string>>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async listen(path: string): Promise<StatsSocket> {
    const stats = new StatsSocket();
    await new Promise<void>((resolve) => stats.#server.listen(path, resolve));
    return stats;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    let received = "";
    socket.on("data", (bytes) => {
      received += bytes.toString();
      if (received.length > COMMAND_BYTES_MAX) {
        socket.destroy();
        return;
      }
      for (;;) {
        const line = /^[^\n]*\n/.exec(received)?.[0];
        if (line === undefined) return;
        const whole = line.endsWith("<<\n") ? /^.*?\n\n/s.exec(received)?.[0] : line;
        if (whole === undefined) return;
        received = received.slice(whole.length);
        if (!this.isHanging) socket.write(`${this.#reply(whole)}\n> `);
      }
    });
  }

  #reply(command: string): string {
    const [first = "", ...lines] = command.trimEnd().split("\n");
    const [verb, , at = ""] = first.split(" ");
    const reply = this.replies.get(first.split(" ").slice(0, 2).join(" "));
    if (reply !== undefined) return reply;
    const version = at.slice(1);
    if (verb === "prepare") {
      const next = String(this.#prepared.size + 1);
      this.#prepared.set(next, new Map());
      return `New version created: ${next}\n`;
    }
    if (verb === "add") {
      for (const line of lines) {
        const space = line.indexOf(" ");
        this.#prepared.get(version)?.set(line.slice(0, space), line.slice(space + 1));
      }
      return "+ ".repeat(lines.length + 1);
    }
    if (verb === "commit") {
      this.map = this.#prepared.get(version) ?? new Map();
      this.commits++;
    }
    return "";
  }
}
