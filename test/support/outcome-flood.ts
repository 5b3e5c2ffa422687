/**
 * Reports outcomes by UDP at a rate, in a process of its own. Run as
 * `bun outcome-flood.ts PORT RATE SECONDS`. It prints how many datagrams the kernel took, one line each.
 */

import { setTimeout as wait } from "node:timers/promises";

/** Time between two bursts. */
const BURST_MS = 2;

const [port = 0, rate = 0, seconds = 0] = process.argv.slice(2).map(Number);

const socket = await Bun.udpSocket({ connect: { hostname: "127.0.0.1", port } });
const lines = Array.from({ length: 1_000 }, (_, index) =>
  Buffer.from(
    `website canary 0.${index}25 ${index % 10 === 0 ? 503 : 200} 0.027 1 source=192.0.2.${index % 250}`,
  ),
);

let sent = 0;
const beganAtMs = performance.now();
for (let elapsedMs = 0; elapsedMs < seconds * 1_000; elapsedMs = performance.now() - beganAtMs) {
  const due = Math.min(lines.length, Math.floor((elapsedMs * rate) / 1_000) - sent);
  if (due > 0) sent += socket.sendMany(lines.slice(0, due));
  await wait(BURST_MS);
}
console.log(String(sent));
socket.close();
