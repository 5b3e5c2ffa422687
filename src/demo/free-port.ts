/** Ports of loopback for a program that cannot be asked which one it took. */

import { createSocket } from "node:dgram";
import { type AddressInfo, createServer } from "node:net";

const TRIES_MAX = 20;

/** A port that is free for TCP and for UDP. Another program may take it before it is used. */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = await freeForTcp();
    if (await isFreeForUdp(port)) return port;
    if (tries === TRIES_MAX) throw new Error("no port of loopback is free");
  }
}

function freeForTcp(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function isFreeForUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
