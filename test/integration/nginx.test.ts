/**
 * The shipped nginx example, in a real nginx, with a real daemon and real upstreams: each of its promises, and above
 * all law 4: whatever becomes of the daemon, no visitor sees an error.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess, eventually } from "../support/daemon-process.ts";
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

const hasOpenssl = Bun.which("openssl") !== null;
if (!hasOpenssl && process.env["CI"]) throw new Error("not installed: openssl");

/** The pause of the Lua module after failures, and a little. */
const PAUSE_MS = 1_100;

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

/** Waits until this visitor is served by the location; every visit on the way has to be a success. */
async function becomes(assignment: number, location: string): Promise<void> {
  await eventually(async () => {
    const { status, seen } = await known(assignment);
    expect(status).toBe(200);
    return seen.name === location;
  }, `${assignment} at ${location}`);
}

/** A busy machine makes some answers too late, and then master is right: such a visit is made again, a few times. */
const VISITS_MAX = 5;

/**
 * @param isLate whether a visit looks as if the daemon's answer had come too late
 */
async function inTime(make: () => Promise<Visit>, isLate: (visit: Visit) => boolean): Promise<Visit> {
  let made = await make();
  for (let visits = 1; visits < VISITS_MAX && isLate(made); visits++) {
    await Bun.sleep(PAUSE_MS);
    made = await make();
  }
  return made;
}

/** A new visitor, with the cookie that it gets where the daemon answers. */
function newcomer(cookie?: string, init?: RequestInit): Promise<Visit> {
  const isLate = ({ cookies }: Visit) => !cookies.some((text) => text.startsWith("maxwellsdaemon="));
  return inTime(() => visit(cookie, init), isLate);
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

/** Puts something else in the daemon's place, for as long as `use` runs. */
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

describe.skipIf(missing !== undefined)("nginx with the shipped example", () => {
  test("a thousand visitors land exactly where their assignment and the rollout say", async () => {
    for (const rollout of [0, 0.25, 1]) {
      await rollOut(rollout);
      const wrong: string[] = [];
      for (let batch = 0; batch < 1000; batch += 50) {
        await Promise.all(
          Array.from({ length: 50 }, async (_, i) => {
            const assignment = (batch + i) / 1000;
            const wanted = assignment < rollout ? "canary" : "master";
            const { status, seen, cookies } = await inTime(
              () => known(assignment),
              (visit) => wanted === "canary" && visit.seen.name === "master",
            );
            const isRight =
              status === 200 &&
              seen.name === wanted &&
              seen.headers["maxwellsdaemon-location"] === wanted &&
              Number(seen.headers["maxwellsdaemon"]) === assignment &&
              cookies.length === 0;
            if (!isRight) wrong.push(`${assignment} at ${rollout}: ${status} ${JSON.stringify(seen)}`);
          }),
        );
      }
      expect(wrong).toEqual([]);
    }
  });

  test("a new visitor gets a cookie, and stays where it was put", async () => {
    await rollOut(0.5);
    const names = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const first = await newcomer();
      expect(first.cookies).toHaveLength(1);
      const match = /^maxwellsdaemon=(0\.\d+|0|\d(?:\.\d+)?e-\d+); (.*)$/.exec(first.cookies[0] ?? "");
      expect(match?.[2]).toBe("Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax");
      expect(first.seen.headers["maxwellsdaemon"]).toBe(match?.[1]);
      const second = await inTime(
        () => known(match?.[1] ?? ""),
        ({ seen }) => first.seen.name === "canary" && seen.name === "master",
      );
      expect(second.seen.name).toBe(first.seen.name);
      expect(second.cookies).toEqual([]);
      names.add(first.seen.name);
    }
    expect([...names].sort()).toEqual(["canary", "master"]);
  });

  test.skipIf(!hasOpenssl)("over TLS the cookie is Secure", async () => {
    const directory = join(home.directory, "tls");
    mkdirSync(directory);
    const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
    await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout ${key} -out ${certificate}`.quiet();
    const tlsPort = await freePort();
    const example = fillExample("ask", tlsPort, places).replace(
      /listen (\S+);.*/,
      `listen $1 ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key};`,
    );
    const secured = await startNginx(directory, tlsPort, example);
    try {
      const response = await fetch(`https://127.0.0.1:${tlsPort}/`, { tls: { rejectUnauthorized: false } });
      expect(response.headers.getSetCookie()[0]).toEndWith("; HttpOnly; SameSite=Lax; Secure");
    } finally {
      await secured.stop();
    }
  });

  test("the upstream's own cookies pass beside the visitor's", async () => {
    const { cookies } = await newcomer(undefined, { headers: { "x-set-cookie": "session=1" } });
    expect(cookies.map((cookie) => cookie.split("=")[0]).sort()).toEqual(["maxwellsdaemon", "session"]);
  });

  test("hostile cookies are served, and count as new visitors", async () => {
    await rollOut(1);
    const hostile = [
      "maxwellsdaemon=0.5%0a0.6",
      "maxwellsdaemon=0.5 force=canary",
      "maxwellsdaemon=0.5\t0.6",
      "maxwellsdaemon=?lease",
      "maxwellsdaemon=",
      "maxwellsdaemon=-0.1",
      "maxwellsdaemon=1",
      "maxwellsdaemon=nan",
      "maxwellsdaemon=0x0.8p0",
      "maxwellsdaemon=1e-999999999999999999999999999999999999",
      `maxwellsdaemon=0.${"1".repeat(6_000)}`,
      `maxwellsdaemon=${"\u00ff".repeat(2_000)}`,
      "=; ;;maxwellsdaemon",
    ];
    for (const cookie of hostile) {
      const { status, seen, cookies } = await newcomer(cookie);
      expect({ cookie, status, cookies: cookies.length }).toEqual({ cookie, status: 200, cookies: 1 });
      expect(seen.headers["maxwellsdaemon"]).toMatch(/^[\d.e-]{1,24}$/);
    }
  });

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
          const { status, seen } = await known(cookie);
          expect([cookie, status]).toEqual([cookie, 200]);
          // Asked and answered: a visitor for whom nobody answers keeps what it has.
          const assignment = Number(seen.headers["maxwellsdaemon"]);
          expect(assignment >= 0 && assignment < 1).toBe(true);
          const isCanary = seen.name === "canary";
          // An invalid cookie is a fresh assignment, and master whatever it is.
          if (isCanary) expect(assignment).toBeLessThan(0.25);
        }),
      );
    }
    expect(nginx.errorLog()).toBe(logged);
    expect((await known(0.1)).seen.name).toBe("canary");
  });

  test("of two cookies the first one counts, and nobody gets a third", async () => {
    await rollOut(0.25);
    const { status, seen, cookies } = await visit("maxwellsdaemon=0.1; maxwellsdaemon=0.9");
    expect({ status, name: seen.name, cookies }).toEqual({ status: 200, name: "canary", cookies: [] });
  });

  test("what visitors say about their location or assignment in headers is not believed", async () => {
    await rollOut(0.25);
    const forged = { "maxwellsdaemon-location": "canary", maxwellsdaemon: "0.1" };
    const { seen } = await visit("maxwellsdaemon=0.9", { headers: forged });
    expect(seen.name).toBe("master");
    expect(seen.headers["maxwellsdaemon-location"]).toBe("master");
    expect(seen.headers["maxwellsdaemon"]).toBe("0.9");
  });

  test("a version that this nginx does not know is master", async () => {
    home.write({ canary: 0, blue: 1, maintenance: 0 });
    await daemon.follows("blue", 1);
    const { status, seen } = await known(0.5);
    expect({ status, name: seen.name, location: seen.headers["maxwellsdaemon-location"] }).toEqual({
      status: 200,
      name: "master",
      location: "master",
    });
    await rollOut(0.25);
  });

  test("request bodies pass untouched", async () => {
    const body = Buffer.from(crypto.getRandomValues(new Uint8Array(50_000))).toString("base64");
    const { status, seen } = await visit("maxwellsdaemon=0.1", { method: "POST", body });
    expect(status).toBe(200);
    expect(seen.name).toBe("canary");
    expect(seen.body).toBe(body);
  });

  test("WebSockets pass, to the visitor's version", async () => {
    for (const [assignment, name] of [
      [0.1, "canary"],
      [0.9, "master"],
    ] as const) {
      const headers = { cookie: `maxwellsdaemon=${assignment}` };
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers } as unknown as string[]);
      const answer = new Promise<string>((resolve, reject) => {
        socket.onmessage = (message) => resolve(String(message.data));
        socket.onerror = () => reject(new Error("the WebSocket failed"));
      });
      socket.onopen = () => socket.send("hello");
      expect(await answer).toBe(`${name}: hello`);
      socket.close();
    }
  });

  test("connections to the daemon are used again and again", async () => {
    const accepted = async () => (await daemon.state()).servers[0]?.accepted ?? Number.NaN;
    const before = await accepted();
    for (let i = 0; i < 300; i++) await known(0.5);
    expect((await accepted()) - before).toBeLessThanOrEqual(2);
  });

  test("maintenance mode shows the page to everyone, and ends", async () => {
    home.write({ canary: 0.25, maintenance: 1 });
    await eventually(async () => (await known(0.1)).status === 503, "maintenance mode");
    for (const init of [{}, { method: "POST", body: "x" }]) {
      const response = await fetch(`${nginx.url}/any/path`, init);
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("120");
      expect(response.headers.get("content-type")).toContain("text/html");
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(await response.text()).toContain("Back soon");
    }
    // What belongs to the page is there, maintenance or not.
    expect((await fetch(`${nginx.url}/maintenance/maintenance.html`)).status).toBe(200);
    home.write({ canary: 0.25, maintenance: 0 });
    await eventually(async () => (await known(0.1)).status === 200, "the end of maintenance mode");
    expect(existsSync(home.maintenanceFile)).toBe(false);
  });

  test("a daemon that was killed costs no visitor more than its canary, and comes back without a reload", async () => {
    await daemon.end("SIGKILL");
    for (let i = 0; i < 50; i++) {
      const old = await known(0.1);
      expect([old.status, old.seen.name, old.cookies.length]).toEqual([200, "master", 0]);
      // It keeps its assignment for the time when the daemon is back.
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
    daemon.signal("SIGSTOP");
    const tookMs: number[] = [];
    try {
      for (let i = 0; i < 200; i++) {
        const { status, seen, tookMs: ms } = await known(0.1);
        expect([status, seen.name]).toEqual([200, "master"]);
        tookMs.push(ms);
      }
    } finally {
      daemon.signal("SIGCONT");
    }
    tookMs.sort((a, b) => a - b);
    // The patience is seen in the slowest ones, and not in the others; generous for a busy machine.
    expect(tookMs[199]).toBeGreaterThan(5);
    expect(tookMs[100]).toBeLessThan(5);
    expect(tookMs[199]).toBeLessThan(200);
    await becomes(0.1, "canary");
    // Answers to those who gave up reached nobody else.
    for (let i = 0; i < 100; i++) {
      const assignment = i / 100;
      const { seen } = await known(assignment);
      expect(seen.headers["maxwellsdaemon"]).toBe(String(assignment));
      expect(seen.name).toBe(assignment < 0.25 ? "canary" : "master");
    }
  });

  test("a daemon that is killed and started again under load shows no visitor an error", async () => {
    const REQUESTS = 20_000;
    const VISITORS = 32;
    const statuses = new Map<string, number>();
    let sent = 0;
    let kills = 0;
    const visitor = async () => {
      while (sent < REQUESTS || kills < 2) {
        const assignment = (sent++ % 1000) / 1000;
        const headers = { cookie: `maxwellsdaemon=${assignment}` };
        const outcome = await fetch(nginx.url, { headers }).then(
          async (response) => {
            await response.arrayBuffer();
            return String(response.status);
          },
          (error: Error) => error.message,
        );
        statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
      }
    };
    const killer = async () => {
      for (; kills < 2; kills++) {
        const until = sent + 4_000;
        while (sent < until) await Bun.sleep(5);
        await daemon.end("SIGKILL");
        daemon = await home.start();
      }
    };
    await Promise.all([killer(), ...Array.from({ length: VISITORS }, visitor)]);
    expect([...statuses.keys()]).toEqual(["200"]);
    expect(statuses.get("200")).toBeGreaterThanOrEqual(REQUESTS);
    await becomes(0.1, "canary");
  }, 60_000);

  test("a stand-in for the daemon that answers nonsense, or too late, sends everyone to master", async () => {
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
        await becomes(0.1, "canary");
        expect(await canaryOf(50)).toBeGreaterThan(40);
      },
    );
  }, 30_000);

  test("a pooled connection that turns out to be dead is replaced by a fresh one", async () => {
    let deaths = 0;
    await withFakeDaemon(
      (socket) => {
        let answered = 0;
        // It dies with a question on it, as when the daemon is killed between two visitors.
        socket.on("data", () => {
          if (answered++ === 0) socket.write("0.1\ncanary\n");
          else {
            deaths++;
            socket.destroy();
          }
        });
      },
      async () => {
        await becomes(0.1, "canary");
        expect(await canaryOf(50)).toBeGreaterThan(45);
        expect(deaths).toBeGreaterThan(20);
      },
    );
  }, 30_000);
});

/** Of so many visits one after the other, how many canary served; a busy machine makes some answers too late. */
async function canaryOf(visits: number): Promise<number> {
  let canary = 0;
  for (let i = 0; i < visits; i++) {
    const { status, seen } = await known(0.1);
    expect(status).toBe(200);
    if (seen.name === "canary") canary++;
  }
  return canary;
}
