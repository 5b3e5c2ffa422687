/**
 * The shipped nginx that asks for each request, beyond the conformance suite: its connections to the daemon,
 * its time-outs, its log, and daemons that answer nonsense.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import "../support/alone.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  fillExample,
  installPage,
  type Nginx,
  nginxMissing,
  type Places,
  startNginx,
} from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const missing = nginxMissing();
if (missing !== undefined) console.warn(`skipped: nginx: ${missing}`);

/** The pause of the Lua module after failures, and a little. */
const PAUSE_MS = 1_100;

/** How often a visit is made on a busy machine until it is answered in time. */
const VISITS_MAX = 5;

/**
 * True if the upstream got an assignment in [0, 1). If no daemon answers, a visitor keeps its cookie,
 * whatever that is.
 */
function isAnswered({ headers }: Seen): boolean {
  const assignment = Number(headers["maxwellsdaemon"] ?? Number.NaN);
  return assignment >= 0 && assignment < 1;
}

const home = new DaemonHome({ records: { canary: 0.25, maintenance: 0 } });
let daemon: DaemonProcess;
let nginx: Nginx;
let port = 0;
let places: Places;
const upstreams: Upstream[] = [];

beforeAll(async () => {
  if (missing !== undefined) return;
  daemon = await home.start();
  port = await freePort();
  installPage(home.directory);
  places = {
    daemon: home.socket,
    master: join(home.directory, "master.sock"),
    canary: join(home.directory, "canary.sock"),
    maintenanceFile: home.maintenanceFile,
    page: join(home.directory, "share"),
  };
  upstreams.push(startUpstream("master", places.master), startUpstream("canary", places.canary));
  nginx = await startNginx(home.directory, port, fillExample("ask", port, places));
});

afterAll(async () => {
  await nginx?.stop();
  await daemon?.end("SIGKILL");
  for (const upstream of upstreams) upstream.stop();
  home.remove();
});

interface Visit {
  readonly status: number;
  readonly seen: Seen;
  readonly cookies: readonly string[];
  readonly tookMs: number;
}

/** One request, with the cookie header given as it is. */
async function visit(cookie?: string, init: RequestInit = {}): Promise<Visit> {
  const headers = new Headers(init.headers);
  if (cookie !== undefined) headers.set("cookie", cookie);
  const beganMs = performance.now();
  const response = await fetch(`${nginx.url}/`, { ...init, headers });
  const text = await response.text();
  const tookMs = performance.now() - beganMs;
  const seen = response.status === 200 ? (JSON.parse(text) as Seen) : { name: "", headers: {}, body: text };
  return { status: response.status, seen, cookies: response.headers.getSetCookie(), tookMs };
}

const known = (assignment: number | string) => visit(`maxwellsdaemon=${assignment}`);

/** Waits until the location serves this visitor. Every visit on the way has to be a success. */
async function becomes(assignment: number, location: string): Promise<void> {
  await eventually(async () => {
    const { status, seen } = await known(assignment);
    expect(status).toBe(200);
    return seen.name === location;
  }, `${assignment} at ${location}`);
}

async function rollOut(canary: number): Promise<void> {
  home.write({ canary, maintenance: 0 });
  await daemon.follows("canary", canary);
}

/** Kills the daemon if it still runs, and starts the next one in its place. */
async function freshDaemon(): Promise<void> {
  await daemon.end("SIGKILL");
  home.write({ canary: 0.25, maintenance: 0 });
  daemon = await home.start();
  await becomes(0.1, "canary");
}

/** Puts a stand-in in the daemon's place, for as long as `use` runs. */
async function withFakeDaemon(onClient: (socket: Socket) => void, use: (server: Server) => Promise<void>) {
  await daemon.end("SIGKILL");
  rmSync(home.socket, { force: true });
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on("error", () => {});
    onClient(socket);
  });
  await new Promise<void>((resolve) => server.listen(home.socket, resolve));
  await Bun.sleep(PAUSE_MS);
  try {
    await use(server);
  } finally {
    for (const socket of clients) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(home.socket, { force: true });
    await freshDaemon();
  }
}

describe.skipIf(missing !== undefined)("nginx that asks", () => {
  test("no cookie makes the daemon look broken to nginx", async () => {
    await rollOut(0.25);
    const logged = nginx.errorLog();
    const characters = "0123456789.eE+-";
    const random = (max: number) => Math.floor(Math.random() * max);
    for (let batch = 0; batch < 40; batch++) {
      await Promise.all(
        Array.from({ length: 25 }, async () => {
          const text = Array.from({ length: 1 + random(33) }, () => characters[random(characters.length)]);
          const cookie = `${random(2) === 0 ? "0." : ""}${text.join("")}`;
          let { status, seen } = await known(cookie);
          // On a busy machine some answers are too late. Nonsense would stay nonsense.
          for (let visits = 1; visits < VISITS_MAX && !isAnswered(seen); visits++) {
            await Bun.sleep(PAUSE_MS);
            ({ status, seen } = await known(cookie));
          }
          expect([cookie, status]).toEqual([cookie, 200]);
          // The daemon has answered: without an answer, a visitor keeps its cookie.
          expect([cookie, isAnswered(seen)]).toEqual([cookie, true]);
          const assignment = Number(seen.headers["maxwellsdaemon"]);
          const isCanary = seen.name === "canary";
          // After an invalid cookie the visitor has a fresh assignment, and master, whatever the number.
          if (isCanary) expect(assignment).toBeLessThan(0.25);
        }),
      );
    }
    expect(nginx.errorLog().slice(logged.length)).not.toContain("makes no sense");
    await becomes(0.1, "canary");
  });

  test("files of the maintenance page are served, in maintenance mode or not", async () => {
    expect((await fetch(`${nginx.url}/maintenance/maintenance.html`)).status).toBe(200);
  });

  test("connections to the daemon are used again and again", async () => {
    const accepted = async () => (await daemon.state()).servers[0]?.accepted ?? Number.NaN;
    const before = await accepted();
    const late = 300 - (await canaryOf(300));
    // nginx does not use a connection again if its answer was too late.
    expect((await accepted()) - before).toBeLessThanOrEqual(2 + late);
    expect(late).toBeLessThan(150);
  });

  test("a daemon that was killed costs no visitor more than its canary, and comes back without a reload", async () => {
    await daemon.end("SIGKILL");
    for (let i = 0; i < 50; i++) {
      const old = await known(0.1);
      expect([old.status, old.seen.name, old.cookies.length]).toEqual([200, "master", 0]);
      // It keeps its assignment until the daemon is back.
      expect(old.seen.headers["maxwellsdaemon"]).toBe("0.1");
      const fresh = await visit();
      expect([fresh.status, fresh.seen.name, fresh.cookies.length]).toEqual([200, "master", 0]);
      expect(fresh.seen.headers["maxwellsdaemon"]).toBeUndefined();
    }
    await freshDaemon();
    expect(nginx.errorLog()).toContain("maxwells-daemon does not answer");
    expect(nginx.errorLog()).toContain("maxwells-daemon answers again");
  });

  test("a daemon that hangs costs a few visitors 8 ms, and all others nothing", async () => {
    /** The times of 200 visits, sorted. */
    const visits = async (names: readonly string[]): Promise<number[]> => {
      const tookMs: number[] = [];
      for (let i = 0; i < 200; i++) {
        const { status, seen, tookMs: ms } = await known(0.1);
        expect(status).toBe(200);
        expect(names).toContain(seen.name);
        tookMs.push(ms);
      }
      return tookMs.sort((a, b) => a - b);
    };
    const usual = await visits(["canary", "master"]);
    daemon.signal("SIGSTOP");
    let tookMs: number[];
    try {
      tookMs = await visits(["master"]);
    } finally {
      daemon.signal("SIGCONT");
    }
    // The slowest visits show the time-out. The others take as long as always on this machine.
    expect(tookMs[199]).toBeGreaterThan(5);
    expect(tookMs[100]).toBeLessThan(4 + 2 * (usual[100] ?? 0));
    expect(tookMs[199]).toBeLessThan(500);
    await becomes(0.1, "canary");
    // Answers to visitors that gave up reached no other visitor.
    for (let i = 0; i < 100; i++) {
      const assignment = i / 100;
      const wanted = assignment < 0.25 ? "canary" : "master";
      let { seen } = await known(assignment);
      for (let visits = 1; visits < VISITS_MAX && wanted === "canary" && seen.name === "master"; visits++) {
        await Bun.sleep(PAUSE_MS);
        ({ seen } = await known(assignment));
      }
      expect([seen.headers["maxwellsdaemon"], seen.name]).toEqual([String(assignment), wanted]);
    }
  });

  test("if a stand-in for the daemon answers nonsense, or too late, all visitors go to master", async () => {
    const answers: Record<string, string> = {
      "an empty line": "\n",
      "one line": "0.1\n",
      "no location": "0.1\n\n",
      "a third line": "0.1\ncanary\n0.2\n",
      "two answers": "0.1\ncanary\n0.1\ncanary\n",
      "no number": "hello\ncanary\n",
      "carriage returns": "0.1\r\ncanary\r\n",
      "a header": "0.1\ncanary x-evil: 1\n",
      "no end": "0".repeat(100_000),
      "out of range": "1.5\ncanary\n",
      "no number of the right characters": "1.2.3\ncanary\n",
      "another visitor's answer": "0.2\ncanary\n",
    };
    let answer = "";
    let delayMs = 0;
    await withFakeDaemon(
      (socket) =>
        socket.on("data", () => {
          if (delayMs === 0) socket.write(answer);
          else setTimeout(() => socket.write(answer), delayMs);
        }),
      async () => {
        const isAsked = async (location: string) => {
          answer = "0.1\ncanary\n";
          delayMs = 0;
          await becomes(0.1, location);
        };
        for (const [what, bytes] of Object.entries(answers)) {
          await isAsked("canary");
          answer = bytes;
          const { status, seen, cookies } = await known(0.1);
          expect({ what, status, name: seen.name, cookies }).toEqual({
            what,
            status: 200,
            name: "master",
            cookies: [],
          });
        }
        await isAsked("canary");
        delayMs = 20;
        for (let i = 0; i < 10; i++) {
          const { status, seen } = await known(0.1);
          expect([status, seen.name]).toEqual([200, "master"]);
        }
        await isAsked("canary");
      },
    );
  }, 30_000);

  test("an answer in pieces is put together", async () => {
    await withFakeDaemon(
      (socket) =>
        socket.on("data", () => {
          socket.write("0.1\nca");
          setTimeout(() => socket.write("nary\n"), 1);
        }),
      async () => {
        await mostlyCanary();
      },
    );
  }, 60_000);

  test("a pooled connection that turns out to be dead is replaced by a fresh one", async () => {
    let deaths = 0;
    await withFakeDaemon(
      (socket) => {
        let answered = 0;
        // It dies with a question on it, like when the daemon is killed between two visitors.
        socket.on("data", () => {
          if (answered++ === 0) socket.write("0.1\ncanary\n");
          else {
            deaths++;
            socket.destroy();
          }
        });
      },
      async () => {
        await mostlyCanary(() => deaths);
      },
    );
  }, 60_000);
});

/** At most this many batches of visits. If one visit in ten failed, no batch would pass by luck. */
const BATCHES_MAX = 4;

/**
 * The canary serves nearly all of fifty visits one after the other. If answers come too late, because the
 * machine is busy, fifty more follow.
 *
 * @param happened how often the fault has happened: more than twenty times during the fifty visits
 */
async function mostlyCanary(happened?: () => number): Promise<void> {
  const canaries: number[] = [];
  while (canaries.length < BATCHES_MAX && !canaries.some((canary) => canary > 45)) {
    const before = happened?.() ?? 0;
    canaries.push(await canaryOf(50));
    if (happened !== undefined) expect(happened() - before).toBeGreaterThan(20);
  }
  expect(Math.max(...canaries)).toBeGreaterThan(45);
}

/**
 * The number of visits that the canary served, one after the other. On a busy machine some answers are too
 * late.
 */
async function canaryOf(visits: number): Promise<number> {
  let canary = 0;
  for (let i = 0; i < visits; i++) {
    const { status, seen } = await known(0.1);
    expect(status).toBe(200);
    if (seen.name === "canary") canary++;
  }
  return canary;
}
