/** A stand-in for the daemon: a unix socket that answers each line, or closes, as a test wants. */

import type { Socket } from "node:net";
import { startUnixServer } from "./unix-server.ts";

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
  return startUnixServer(path, (socket) => {
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
}
