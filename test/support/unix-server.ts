/**
 * A server on a unix socket that ends with all its connections, for programs that stand in for the daemon.
 */

import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";

export interface UnixServer {
  /** Ends all connections, and removes the socket. */
  stop(): Promise<void>;
}

/** Listens on `path`, in the place of whatever was there; resolves when it does. */
export async function startUnixServer(
  path: string,
  onConnection: (socket: Socket) => void,
): Promise<UnixServer> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on("close", () => clients.delete(socket));
    socket.on("error", () => {});
    onConnection(socket);
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
