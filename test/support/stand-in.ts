/** A stand-in for the daemon: a unix socket that answers each line, or closes, as a test wants it. */

import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";

export interface StandIn {
  /** Ends all connections, and the socket. */
  stop(): Promise<void>;
}

/**
 * Listens on `path`.
 *
 * @param answer the bytes that answer a line, or what to do with the connection instead
 */
export async function startStandIn(
  path: string,
  answer: (line: string, socket: Socket) => string | undefined,
): Promise<StandIn> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on("close", () => clients.delete(socket));
    socket.on("error", () => {});
    let rest = "";
    socket.on("data", (chunk) => {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const bytes = answer(line, socket);
        if (bytes !== undefined) socket.write(bytes);
      }
    });
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of clients) socket.destroy();
      await closed;
      rmSync(path, { force: true });
    },
  };
}
