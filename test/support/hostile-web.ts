/** A web server that writes the bytes of its answers itself, so that it can lie, stall and never end. */

import { createServer, type Server, type Socket } from "node:net";

export interface HostileWeb {
  readonly url: string;
  /** The requests so far, with their heads. */
  readonly requests: string[];
  stop(): Promise<void>;
}

/** @param answer called when a connection has sent its first bytes */
export async function startHostileWeb(
  answer: (socket: Socket, request: string) => void,
): Promise<HostileWeb> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", (bytes) => {
      requests.push(bytes.toString("latin1"));
      answer(socket, bytes.toString("latin1"));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Writes `chunk` again and again, as fast as the other side reads it, until that closes. */
export function flood(socket: Socket, chunk: string): void {
  const bytes = Buffer.from(chunk);
  const go = () => {
    while (!socket.destroyed && socket.write(bytes));
    if (!socket.destroyed) socket.once("drain", go);
  };
  go();
}

/** The bytes of an answer with status 200 and a body. */
export function ok(body: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
