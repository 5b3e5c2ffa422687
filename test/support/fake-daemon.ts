/** A stand-in for a daemon's HTTP listener that answers as a test wants, byte by byte. */

import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";

/** The daemon's answer to a request that is not a question (HTTP-8). Proxies take it for a sign of life. */
const NO_QUESTION = "HTTP/1.1 404 Not Found\r\nContent-Length: 16\r\n\r\nask for /decide\n";

/** An answer that sends its visitor to the canary. */
export const TO_CANARY =
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nmaxwellsdaemon: 0.1\r\nmaxwellsdaemon-location: canary\r\n\r\n";

/** Answers a question: called with its head and its connection. */
export type Answer = (socket: Socket, head: string) => void;

export class FakeDaemon {
  /** The heads of all questions so far. */
  readonly asked: string[] = [];
  answer: Answer = (socket) => socket.write(TO_CANARY);
  /** Its answer to a health check. Empty if it hangs. */
  sign: string | undefined = NO_QUESTION;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Listens on a unix socket, or a port of 127.0.0.1. */
  static async start(place: string | number): Promise<FakeDaemon> {
    const daemon = new FakeDaemon();
    const { promise, resolve } = Promise.withResolvers<void>();
    if (typeof place === "number") daemon.#server.listen(place, "127.0.0.1", resolve);
    else {
      rmSync(place, { force: true });
      daemon.#server.listen(place, resolve);
    }
    await promise;
    return daemon;
  }

  /** Ends all connections at once, and goes on listening. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let received = "";
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      for (let end = received.indexOf("\r\n\r\n"); end >= 0; end = received.indexOf("\r\n\r\n")) {
        const head = received.slice(0, end);
        received = received.slice(end + 4);
        if (/^\S+ \/decide\b/.test(head)) {
          this.asked.push(head);
          this.answer(socket, head);
        } else if (this.sign !== undefined) socket.write(this.sign);
      }
    });
  }
}
