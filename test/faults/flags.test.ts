/** Requests for flags that no SDK would send, to a real daemon. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { HttpClient } from "../support/http.ts";
import { freePort } from "../support/port.ts";
import { Random } from "../support/random.ts";
import { expectHealthy, RESIDENT_BYTES_MAX, residentBytes } from "./health.ts";

const PATH = "/ofrep/v1/evaluate/flags";
const BODY = JSON.stringify({ context: { targetingKey: "abc", maxwellsdaemon: "0.1" } });
const REQUESTS = [
  `POST ${PATH}/website HTTP/1.1\r\nhost: x\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
  `POST ${PATH} HTTP/1.1\r\nhost: x\r\nif-none-match: "x"\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
  `POST ${PATH}/website.canary HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
  "GET /ofrep/events?application=website HTTP/1.1\r\nhost: x\r\n\r\n",
];

let home: DaemonHome;
let daemon: DaemonProcess;
let port: number;
let beforeBytes: number;

beforeAll(async () => {
  port = await freePort();
  home = new DaemonHome({ records: { canary: 0.25 }, flags: ["-http", `127.0.0.1:${port}`] });
  daemon = await home.start();
  beforeBytes = residentBytes(daemon.pid);
});

afterAll(async () => {
  await daemon.end();
  home.remove();
});

async function open(): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return socket;
}

async function expectFlags(): Promise<void> {
  const client = await HttpClient.connect({ host: "127.0.0.1", port });
  const { status, body } = await client.ask("POST", `${PATH}/website`, {}, BODY);
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ value: "canary" });
  client.close();
}

/** A request with some bytes changed, dropped or repeated. */
function spoiled(random: Random): Buffer {
  let bytes = Buffer.from(random.pick(REQUESTS));
  for (let fault = random.whole(1, 4); fault > 0; fault--) {
    const at = random.whole(0, bytes.length - 1);
    const length = random.whole(0, 6);
    const piece = random.pick([
      Buffer.from([random.whole(0, 255)]),
      Buffer.from(
        random.pick([
          "\r\n",
          "\r\n\r\n",
          "\0",
          "{",
          "[",
          '"',
          "\\u",
          "%",
          "content-length: 9\r\n",
          "ffff\r\n",
        ]),
      ),
      bytes.subarray(at, at + length),
    ]);
    bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + random.pick([0, length]))]);
  }
  return bytes;
}

test("OFR-9: spoiled requests, in pieces, do no harm", async () => {
  const random = new Random();
  for (let round = 0; round < 60; round++) {
    const sockets = await Promise.all(Array.from({ length: 10 }, open));
    for (const socket of sockets) {
      socket.resume();
      const bytes = spoiled(random);
      const cut = random.whole(0, bytes.length);
      socket.write(bytes.subarray(0, cut));
      socket.write(bytes.subarray(cut));
      if (random.whole(0, 1) === 0) socket.end();
    }
    await expectFlags();
    for (const socket of sockets) socket.destroy();
  }
  await expectHealthy(home, daemon, beforeBytes);
}, 60_000);

test("OFR-9: many bodies that do not end cost little memory, and no other client its answer", async () => {
  const sockets: Socket[] = [];
  const begun = `POST ${PATH}/website HTTP/1.1\r\ncontent-length: 32768\r\n\r\n${" ".repeat(32_000)}`;
  for (let i = 0; i < 1_500; i++) {
    const socket = await open();
    socket.write(begun);
    sockets.push(socket);
    if (i % 100 === 0) await expectFlags();
  }
  await expectFlags();
  expect(residentBytes(daemon.pid)).toBeLessThan(RESIDENT_BYTES_MAX);
  for (const socket of sockets) socket.destroy();
  await expectHealthy(home, daemon, beforeBytes);
}, 60_000);

test("OFR-15: streams whose clients vanish, or read nothing, are forgotten", async () => {
  const sockets: Socket[] = [];
  for (let i = 0; i < 1_100; i++) {
    const socket = await open();
    socket.write(REQUESTS[3] ?? "");
    sockets.push(socket);
  }
  for (let change = 1; change < 4; change++) {
    home.write({ canary: 0.25, blue: { rollout: change / 10, offset: 0.5 } });
    await daemon.follows("blue", change / 10);
    await expectFlags();
  }
  for (const socket of sockets) socket.destroy();
  await expectHealthy(home, daemon, beforeBytes);
}, 60_000);
