/**
 * A port of loopback for a server that cannot be asked which one it took.
 *
 * It stays free until that server has it. The port is below those that the kernel gives to connections,
 * because tests make thousands of connections. For each port this process holds a UDP port until it ends. So
 * tests in another process, which use the same range, never take a port twice.
 */

import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const PORT_MIN = 12_000;
const PORT_COUNT = 10_000;

/** The port that says that a port is taken; its own UDP port may be the server's, as it is for HTTP/3. */
const HELD_BY = 10_000;

const TRIES_MAX = 100;

export async function freePort(): Promise<number> {
  const first = Math.floor(Math.random() * PORT_COUNT);
  for (let i = 0; i < PORT_COUNT; i++) {
    const port = PORT_MIN + ((first + i) % PORT_COUNT);
    if ((await hold(port + HELD_BY)) && (await isFree(port))) return port;
  }
  throw new Error("no port on loopback");
}

/**
 * Listens on a port of those that no connection gets, for a server that lets go of it for a while and takes
 * it back.
 *
 * @param listen throws if a program listens there
 */
export function onQuietPort<Server>(listen: (port: number) => Server): Server {
  for (let tries = 1; ; tries++) {
    try {
      return listen(PORT_MIN + HELD_BY + Math.floor(Math.random() * PORT_COUNT));
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
    }
  }
}

/** True if this UDP port was free. Now this process has it. */
function hold(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => {
      socket.unref();
      resolve(true);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A port that no program of a usual machine listens to: that of the old protocol discard. */
export const UNHEARD_PORT = 9;
