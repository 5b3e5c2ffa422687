/** A receiver of notices: a real HTTP server that does to each request what the test says. */

import { createServer, type Socket } from "node:net";

export interface Received {
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers a request that has arrived completely, or does worse to its connection. */
export type Behaviour = (socket: Socket, received: Received) => void;

/** A whole answer, after which the connection ends. */
export function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = "ok",
): Behaviour {
  const lines = Object.entries({ ...headers, "content-length": body.length, connection: "close" });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return (socket) => socket.end(`HTTP/1.1 ${status} Some Reason\r\n${head}\r\n${body}`);
}

export const hang: Behaviour = () => {};

export const reset: Behaviour = (socket) => socket.resetAndDestroy();

export const garbage: Behaviour = (socket) => socket.end("\u0000\u0001 not HTTP at all\r\n\r\n");

/** The beginning of an answer, and nothing more. */
export const halfHead: Behaviour = (socket) => socket.write("HTTP/1.1 200 OK\r\nx-long: ");

/** A good status, and then a body without an end. */
export const endlessBody: Behaviour = (socket) => {
  socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  const write = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", write);
  write();
};

export class Receiver {
  readonly received: Received[] = [];
  /** One for each request in turn; the last one stays. */
  behaviours: Behaviour[];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#connected(socket));

  constructor(...behaviours: Behaviour[]) {
    this.behaviours = behaviours;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Number of connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      const received = requestIn(text);
      if (received === undefined) return;
      text = "";
      this.received.push(received);
      const behaviour = this.behaviours.length > 1 ? this.behaviours.shift() : this.behaviours[0];
      (behaviour ?? answer(200))(socket, received);
    });
  }
}

function requestIn(text: string): Received | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = text.slice(end + 4);
  if (Buffer.byteLength(body) < Number(headers["content-length"] ?? 0)) return undefined;
  return { path: first.split(" ")[1] ?? "", headers, body };
}
