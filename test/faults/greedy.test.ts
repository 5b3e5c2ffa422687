/** Clients that ask without end cost the others next to nothing (law 5). A proxy's patience is 8 ms. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { HttpClient } from "../support/http.ts";
import { LineClient } from "../support/line.ts";
import { hello, message, notify, SpopClient } from "../support/spop.ts";

const GREEDY = join(import.meta.dir, "../support/greedy.ts");

const MEDIAN_MS_MAX = 2;
const P99_MS_MAX = 5;

const ASKS = 1_000;
const PAUSE_MS = 2;

let home: DaemonHome;
let daemon: DaemonProcess;
let http: string;
let spop: string;

beforeAll(async () => {
  const listeners: string[] = [];
  home = new DaemonHome({ flags: listeners });
  http = join(home.directory, "http.sock");
  spop = join(home.directory, "spop.sock");
  listeners.push("-http", `unix:${http}`, "-spop", `unix:${spop}`);
  daemon = await home.start();
});

afterAll(async () => {
  await daemon.end();
  home.remove();
});

/** Everybody else: a proxy that asks one question at a time. Resolves with how long each answer took, in milliseconds. */
async function asked(ask: () => Promise<string>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < ASKS; i++) {
    const beganAtMs = performance.now();
    expect(await ask()).toBe("canary");
    times.push(performance.now() - beganAtMs);
    await Bun.sleep(PAUSE_MS);
  }
  return times.sort((one, other) => one - other);
}

/** Asks while four clients send `request` without end at `path`. */
async function askedBeside(path: string, request: string | Buffer, ask: () => Promise<string>, first = "") {
  const base64 = (bytes: string | Buffer) => Buffer.from(bytes).toString("base64");
  const greedy = Bun.spawn([process.execPath, GREEDY, path, base64(request), first], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    const before = await daemon.state();
    const { value } = await greedy.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("greedy\n");
    const times = await asked(ask);
    const after = await daemon.state();
    const successes = ({ servers }: typeof after) => servers.reduce((sum, { success }) => sum + success, 0);
    return {
      medianMs: times[Math.floor(times.length / 2)] as number,
      p99Ms: times[Math.floor(times.length * 0.99)] as number,
      answered: successes(after) - successes(before),
    };
  } finally {
    greedy.kill();
    await greedy.exited;
  }
}

const HEAD = "GET /decide HTTP/1.1\r\nHost: website\r\nmaxwellsdaemon: 0.5\r\n\r\n";

describe("LP-24: four clients that ask without end", () => {
  test.each([
    ["short lines", "0.5\n"],
    ["lines with a key", `key=${"k".repeat(400)}\n`],
    ["lines that nobody can read", `${"x".repeat(300)} a=%zz\n`],
    ["lines that are too long", `${"9".repeat(9_000)}\n`],
    ["questions for the lease", "?lease\n"],
    ["empty lines", "\n"],
  ])(
    "cost those who ask over the line protocol little: %s",
    async (_, line) => {
      const client = await LineClient.connect({ path: home.socket });
      const { medianMs, p99Ms, answered } = await askedBeside(
        home.socket,
        line,
        async () => (await client.ask("0.1")).location,
      );
      client.close();
      expect(answered).toBeGreaterThan(10 * ASKS);
      expect(medianMs).toBeLessThan(MEDIAN_MS_MAX);
      expect(p99Ms).toBeLessThan(P99_MS_MAX);
    },
    60_000,
  );

  test.each([
    ["heads", HEAD],
    ["heads with much in them", HEAD.replace("\r\n\r\n", `\r\nCookie: ${"a=b; ".repeat(800)}\r\n\r\n`)],
    ["what is no page", HEAD.replace("/decide", "/nothing")],
    ["bodies", `POST ${HEAD.slice(4, -2)}Content-Length: 20000\r\n\r\n${"x".repeat(20_000)}`],
  ])(
    "cost those who ask over HTTP little: %s",
    async (_, request) => {
      const client = await HttpClient.connect({ path: http });
      const { medianMs, p99Ms, answered } = await askedBeside(http, request, async () => {
        const { headers } = await client.ask("GET", "/decide", { maxwellsdaemon: "0.1" });
        return headers.get("maxwellsdaemon-location") ?? "";
      });
      client.close();
      expect(answered).toBeGreaterThan(2 * ASKS);
      expect(medianMs).toBeLessThan(MEDIAN_MS_MAX);
      expect(p99Ms).toBeLessThan(P99_MS_MAX);
    },
    60_000,
  );

  test.each([
    ["questions", notify(message("decide", [["assignment", "0.5"]]))],
    ["messages of others", notify(message("other", [["assignment", "x".repeat(4_000)]]))],
  ])(
    "cost HAProxy that asks over SPOP little: %s",
    async (_, frame) => {
      const client = await SpopClient.connect({ path: spop });
      client.send(hello());
      await client.next();
      const question = notify(message("decide", [["assignment", "0.1"]]));
      const { medianMs, p99Ms, answered } = await askedBeside(
        spop,
        frame,
        async () => {
          client.send(question);
          return String((await client.next()).values["location"]);
        },
        hello().toString("base64"),
      );
      client.close();
      expect(answered).toBeGreaterThan(2 * ASKS);
      expect(medianMs).toBeLessThan(MEDIAN_MS_MAX);
      expect(p99Ms).toBeLessThan(P99_MS_MAX);
    },
    60_000,
  );
});
