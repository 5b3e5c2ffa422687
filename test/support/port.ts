/**
 * A port of loopback for a server that cannot be asked which one it took.
 *
 * It stays free until that server has it. It lies below the ports that the kernel hands out to connections, of which tests
 * make thousands; and for each one a UDP port is held until this process ends, so that tests in another process, which take
 * theirs from the same ones, take none twice.
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
 * Listens on a port of those that no connection gets, for a server that lets go of it for a while and takes it back.
 *
 * @param listen throws where somebody listens there
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

/** Whether nobody had this UDP port; now this process has it. */
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
