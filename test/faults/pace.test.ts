/** The daemon reads large pieces of one client at its own pace, and loses nothing of them. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { LineClient } from "../support/line.ts";

/** `MUCH_BYTES_PER_MS` and `AHEAD_MS_MAX` of `src/stream/stream-connection.ts`. */
const BYTES_PER_MS = 32_768;
const AHEAD_MS = 16;

/** The kernel and the client keep some bytes, and one piece may begin just before the pace ends. */
const KEPT_BYTES = 1_048_576;

const TOO_LONG = `${"9".repeat(9_000)}\n`;

const home = new DaemonHome({ records: { canary: 0.25 } });
let daemon: DaemonProcess;

beforeAll(async () => {
  daemon = await home.start();
});

afterAll(async () => {
  await daemon.end();
  home.remove();
});

/** Sends `piece` without a pause for that long; resolves with the bytes that the kernel took. */
async function sendFor(socket: Socket, piece: Buffer, ms: number): Promise<number> {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs) {
    if (!socket.write(piece)) await Promise.race([drained(socket), Bun.sleep(ms)]);
  }
  return socket.bytesWritten - socket.writableLength;
}

const drained = (socket: Socket) => new Promise<void>((resolve) => socket.once("drain", resolve));

test("LP-24: a client that sends lines that are too long without a pause is read at 32 MiB a second", async () => {
  const { socket } = await LineClient.connect({ path: home.socket });
  const beganMs = performance.now();
  const sent = await sendFor(socket, Buffer.from(TOO_LONG.repeat(20)), 1_000);
  const tookMs = performance.now() - beganMs;
  socket.destroy();
  expect(sent).toBeLessThan((tookMs + AHEAD_MS) * BYTES_PER_MS + KEPT_BYTES);
  // The pace is one, and no stand-still.
  expect(sent).toBeGreaterThan(2 * KEPT_BYTES);
});

test("LP-24: a client that was ahead of that pace gets all its answers, also if it ends its side", async () => {
  const lines = 3_000;
  const socket = connect({ path: home.socket, allowHalfOpen: true });
  let answered = 0;
  socket.on("data", (bytes: Buffer) => {
    for (const byte of bytes) if (byte === 0x0a) answered++;
  });
  const ended = new Promise<void>((resolve) => socket.once("end", resolve));
  socket.end(TOO_LONG.repeat(lines));
  await ended;
  socket.destroy();
  expect(answered).toBe(2 * lines);
});
