/**
 * Clients that take all places, or all the memory for waiting bytes, and give nothing back (law 5). Others
 * are served.
 */

import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import "../support/alone.ts";
import { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { CAN_BE_NOBODY, type Hoard, startHoard } from "../support/hoard.ts";
import { HttpClient } from "../support/http.ts";
import { LineClient } from "../support/line.ts";
import { freePort } from "../support/port.ts";
import { hello, message, notify, SpopClient } from "../support/spop.ts";
import { RESIDENT_BYTES_MAX, residentBytes } from "./health.ts";

const releases: (() => unknown)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

interface Running {
  readonly home: DaemonHome;
  readonly daemon: DaemonProcess;
  readonly http: string;
  readonly spop: string;
  readonly admin: number;
}

/** A daemon with every kind of listener that may open `descriptors` files. */
async function run(descriptors: number): Promise<Running> {
  const flags: string[] = [];
  const home = new DaemonHome({ flags });
  releases.push(() => home.remove());
  // Another user must be able to reach the sockets.
  chmodSync(home.directory, 0o711);
  const [http, spop] = [join(home.directory, "http.sock"), join(home.directory, "spop.sock")];
  const admin = await freePort();
  flags.push("-http", `unix:${http}`, "-spop", `unix:${spop}`, "-admin", `127.0.0.1:${admin}`);
  const limited = ["sh", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh", ...home.command];
  const daemon = await DaemonProcess.of(
    Bun.spawn(limited, { stdin: "ignore", stdout: "ignore", stderr: "pipe" }),
  );
  releases.push(() => daemon.end());
  return { home, daemon, http, spop, admin };
}

async function hoard(what: Hoard, options?: Parameters<typeof startHoard>[1]): Promise<void> {
  const started = await startHoard(what, options);
  releases.push(() => started.end());
}

/**
 * Each question has a fresh connection and two pieces, as a busy proxy may send it. Resolves with the number
 * answered.
 */
async function answered(count: number, ask: () => Promise<string>): Promise<number> {
  let good = 0;
  for (let i = 0; i < count; i++) {
    if ((await ask().catch(() => "")) === "canary") good++;
  }
  return good;
}

const PIECE_MS = 5;

const askLine = (path: string) => async () => {
  const client = await LineClient.connect({ path });
  try {
    client.send("0.");
    await Bun.sleep(PIECE_MS);
    return (await client.ask("1")).location;
  } finally {
    client.close();
  }
};

const askHttp = (path: string) => async () => {
  const client = await HttpClient.connect({ path });
  try {
    client.socket.write("GET /decide HTTP/1.1\r\nmaxwellsdaemon: 0.1\r\n");
    await Bun.sleep(PIECE_MS);
    client.socket.write("\r\n");
    return (await client.reply()).headers.get("maxwellsdaemon-location") ?? "";
  } finally {
    client.close();
  }
};

const askSpop = (path: string) => async () => {
  const client = await SpopClient.connect({ path });
  try {
    client.send(hello());
    await client.next();
    const question = notify(message("decide", [["assignment", "0.1"]]));
    client.send(question.subarray(0, 10));
    await Bun.sleep(PIECE_MS);
    client.send(question.subarray(10));
    return String((await client.next()).values["location"]);
  } finally {
    client.close();
  }
};

describe("LP-24: a client that takes all places", () => {
  test.skipIf(!CAN_BE_NOBODY)(
    "from one user leaves other users their places, on the same listener and on all others",
    async () => {
      const { home, daemon, http, spop } = await run(400);
      await hoard({ to: { path: home.socket }, connections: 1_000, comesAgain: true }, { asNobody: true });
      expect(await answered(50, askLine(home.socket))).toBe(50);
      expect(await answered(50, askHttp(http))).toBe(50);
      expect(await answered(50, askSpop(spop))).toBe(50);
      await hoard({ to: { path: http }, connections: 1_000, comesAgain: true }, { asNobody: true });
      expect(await answered(50, askHttp(http))).toBe(50);
      await eventually(() => daemon.log.includes("too many connections"), "the warning in the log");
      home.write({ canary: 0.5 });
      await daemon.follows("canary", 0.5);
    },
    60_000,
  );

  test("from the same user leaves all other listeners their places", async () => {
    const { home, http, spop } = await run(400);
    await hoard({ to: { path: home.socket }, connections: 1_000, comesAgain: true });
    expect(await answered(50, askHttp(http))).toBe(50);
    expect(await answered(50, askSpop(spop))).toBe(50);
  }, 60_000);

  test("at the admin listener takes nothing from visitors: no descriptors, no memory, no reading of the store", async () => {
    const { home, daemon, http, admin } = await run(1_024);
    const head = `GET /state HTTP/1.1\r\nHost: localhost\r\nCookie: ${"x".repeat(250_000)}`;
    const to = { host: "127.0.0.1", port: admin };
    await hoard({ to, connections: 1_500, first: head, comesAgain: true });
    expect(await answered(100, askLine(home.socket))).toBe(100);
    expect(await answered(20, askHttp(http))).toBe(20);
    expect(residentBytes(daemon.pid)).toBeLessThan(RESIDENT_BYTES_MAX);
    home.write({ canary: 1 });
    await eventually(async () => (await home.ask("0.9")) === "canary", "the changed rollout");
  }, 60_000);
});

describe("LP-24: a client that begins requests and does not end them", () => {
  test.each([
    ["over the line protocol", "line", "9".repeat(8_000), "9"],
    ["over HTTP", "http", `GET /decide HTTP/1.1\r\nCookie: ${"x".repeat(8_000)}`, "GET"],
    [
      "over SPOP",
      "spop",
      `${hello().toString("latin1")}\0\0\x3f\x00${"x".repeat(8_000)}`,
      `${hello().toString("latin1")}\0\0`,
    ],
  ] as const)(
    "costs no other client its connection: %s",
    async (_, kind, first, little) => {
      const { home, daemon, http, spop } = await run(8_000);
      const path = { line: home.socket, http, spop }[kind];
      const ask = { line: askLine, http: askHttp, spop: askSpop }[kind](path);
      await hoard({ to: { path }, connections: 2_200, first, comesAgain: true });
      // These fill the gaps that the large requests leave, to the last byte.
      await hoard({ to: { path }, connections: 400, first: little, comesAgain: true });
      const told = /too much waits for clients/;
      await eventually(() => told.test(daemon.log), "the warning that the limit is reached");
      expect(await answered(200, ask)).toBe(200);
      expect(residentBytes(daemon.pid)).toBeLessThan(RESIDENT_BYTES_MAX);
    },
    60_000,
  );

  test("loses its place two seconds after the first byte, however often it sends another", async () => {
    const { home, http, spop, admin } = await run(1_000);
    const greeted = await SpopClient.greeted({ path: spop });
    const clients = {
      line: await LineClient.connect({ path: home.socket }),
      overlong: await LineClient.connect({ path: home.socket }),
      http: await HttpClient.connect({ path: http }),
      body: await HttpClient.connect({ path: http }),
      spop: greeted,
      admin: await HttpClient.connect({ host: "127.0.0.1", port: admin }),
    };
    clients.overlong.send("9".repeat(10_000));
    clients.spop.send(Buffer.of(0, 0, 0x10, 0));
    clients.http.socket.write("GET /decide HTTP/1.1\r\nCookie: ");
    clients.body.socket.write("GET /decide HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
    const beganAtMs = performance.now();
    const lostAfterMs: Record<string, number> = {};
    for (const [name, { socket }] of Object.entries(clients)) {
      socket.once("close", () => {
        lostAfterMs[name] = performance.now() - beganAtMs;
      });
    }
    const drip = setInterval(() => {
      for (const { socket } of Object.values(clients)) socket.write("1");
    }, 200);
    releases.push(() => clearInterval(drip));
    const polite = await LineClient.connect({ path: home.socket });
    await eventually(() => Object.keys(lostAfterMs).length === 6, "the end of all six connections");
    for (const ms of Object.values(lostAfterMs)) {
      expect(ms).toBeGreaterThan(1_900);
      expect(ms).toBeLessThan(5_000);
    }
    // A client without a request keeps its place, because proxies keep connections.
    expect((await polite.ask("0.1")).location).toBe("canary");
    polite.close();
  }, 30_000);
});
