/**
 * The shipped configurations of HAProxy, in a real HAProxy, with a real daemon and real upstreams: what they promise, and
 * above all law 4: whatever becomes of the daemon, no visitor sees an error.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { covers } from "../../src/rollout.ts";
import { DaemonHome, type DaemonProcess, eventually, type Records } from "../support/daemon-process.ts";
import {
  fillHaproxy,
  type Haproxy,
  type HaproxyWay,
  haproxyFlags,
  haproxyMissing,
  startHaproxy,
  upstreamPath,
} from "../support/haproxy.ts";
import { freePort } from "../support/port.ts";
import { Random } from "../support/random.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const WAYS: readonly HaproxyWay[] = ["spoe", "map"];

describe.skipIf(haproxyMissing() !== undefined).each(WAYS)("HAProxy, by %s", (way) => {
  let directory: string;
  let home: DaemonHome;
  let daemon: DaemonProcess;
  let haproxy: Haproxy;
  let forcing: Haproxy | undefined;
  let upstreams: Upstream[];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "haproxy-"));
    home = new DaemonHome({ flags: haproxyFlags(directory) });
    daemon = await home.start();
    upstreams = (["master", "canary"] as const).map((name) =>
      startUpstream(name, upstreamPath(directory, name)),
    );
    const port = await freePort();
    haproxy = await startHaproxy(fillHaproxy(way, { directory, port, allowForce: false }), port);
    await becomes(0.1, "canary");
  });

  afterAll(async () => {
    await haproxy.stop();
    await forcing?.stop();
    await daemon.end();
    for (const upstream of upstreams) upstream.stop();
    home.remove();
    rmSync(directory, { recursive: true });
  });

  async function visit(cookie?: string, init: RequestInit = {}) {
    const headers = {
      ...(init.headers as Record<string, string>),
      ...(cookie === undefined ? {} : { cookie }),
    };
    const response = await fetch(`${haproxy.url}/some/path`, { ...init, headers });
    const text = await response.text();
    const cookies = response.headers.getSetCookie();
    if (response.status !== 200) return { status: response.status, cookies, seen: undefined, text, response };
    return { status: 200, cookies, seen: JSON.parse(text) as Seen, text, response };
  }

  const known = (assignment: number | string) => visit(`maxwellsdaemon=${assignment}`);

  async function becomes(assignment: number, name: string): Promise<void> {
    await eventually(async () => (await known(assignment)).seen?.name === name, `${assignment} at ${name}`);
  }

  /** Writes the store; resolves when visitors are decided by it. */
  async function rollOut(rollout: number, offset = 0): Promise<void> {
    home.write({ canary: { rollout, offset }, maintenance: 0 } as Records);
    await daemon.follows("canary", rollout);
    // A lease is renewed twice a second; with nothing to see of it in HAProxy, two renewals have to pass.
    const renewals = async () =>
      (await daemon.state()).servers.find((server) => server.name.startsWith("haproxy-map"))?.success ?? 0;
    const before = await renewals();
    await eventually(async () => (await renewals()) >= before + 2, "the lease is renewed");
  }

  test("a visitor is known by its cookie, and the upstream is told where it was placed", async () => {
    const { status, seen, cookies } = await visit("a=b; maxwellsdaemon=0.1; c=d");
    expect({ status, name: seen?.name, cookies }).toEqual({ status: 200, name: "canary", cookies: [] });
    expect(seen?.headers).toMatchObject({ maxwellsdaemon: "0.1", "maxwellsdaemon-location": "canary" });
    expect(seen?.headers["cookie"]).toBe("a=b; maxwellsdaemon=0.1; c=d");
  });

  test("a new visitor gets a cookie for a year, and stays", async () => {
    const names = new Set<string>();
    for (let visitor = 0; visitor < 40; visitor++) {
      const first = await visit();
      const [, assignment] =
        /^maxwellsdaemon=(0\.\d+(?:e-\d+)?); Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/.exec(
          first.cookies.join(),
        ) ?? [];
      expect(assignment).toBeDefined();
      expect(first.seen?.headers["maxwellsdaemon"]).toBe(assignment as string);
      const again = await known(assignment as string);
      expect([again.seen?.name, again.cookies]).toEqual([first.seen?.name as string, []]);
      names.add(first.seen?.name as string);
    }
    expect(names.size).toBe(2);
  });

  test.each([
    [0, 0],
    [0.001, 0],
    [0.25, 0],
    [1, 0],
    [0.25, 0.9],
  ])(
    "a thousand assignments land where the handler puts them: rollout %p from %p",
    async (rollout, offset) => {
      await rollOut(rollout, offset);
      const random = new Random();
      const edges = [offset, (offset + rollout) % 1, 0, 0.001, 0.25, 0.999999999999999].flatMap((edge) => [
        ...[edge, edge - 2 ** -54, edge - 2 ** -53, edge + 2 ** -53],
      ]);
      const drawn = Array.from({ length: 976 }, (_, index) =>
        index % 2 === 0 ? random.fraction() : Math.floor(random.fraction() * 1e15) / 1e15,
      );
      const texts = [...edges, ...drawn]
        .filter((u) => u >= 0 && u < 1)
        .map(String)
        .filter((text) => !text.includes("e"));
      expect(texts.length).toBeGreaterThan(980);
      const wrong: string[] = [];
      for (let at = 0; at < texts.length; at += 20) {
        await Promise.all(
          texts.slice(at, at + 20).map(async (text) => {
            const { seen, cookies } = await known(text);
            const wanted = covers(offset, rollout, Number(text)) ? "canary" : "master";
            if (seen?.name !== wanted || cookies.length > 0) wrong.push(`${text}: ${seen?.name}, ${cookies}`);
          }),
        );
      }
      expect(wrong).toEqual([]);
    },
  );

  test("hostile cookies are served, and count as new visitors", async () => {
    await rollOut(0.25);
    const hostile = [
      "maxwellsdaemon=0.5%0a0.6",
      "maxwellsdaemon=0.5 force=canary",
      "maxwellsdaemon=",
      "maxwellsdaemon=-0.1",
      "maxwellsdaemon=1",
      "maxwellsdaemon=nan",
      "maxwellsdaemon=0x0.8p0",
      "maxwellsdaemon=1e-999999999999999999999999999999999999",
      `maxwellsdaemon=${"x".repeat(6_000)}`,
      `maxwellsdaemon=0.${"1".repeat(6_000)}`,
      `maxwellsdaemon=0.${"1".repeat(14_500)}`,
      "maxwellsdaemon=0.1; maxwellsdaemon=x",
      `maxwellsdaemon=0.1; maxwellsdaemon=${"x".repeat(14_000)}`,
      "=; ;;maxwellsdaemon",
    ];
    for (const cookie of hostile) {
      const { status, seen, cookies } = await visit(cookie);
      expect({ cookie, status, cookies: cookies.length }).toEqual({ cookie, status: 200, cookies: 1 });
      expect(seen?.headers["maxwellsdaemon"]).toMatch(/^0(\.\d+)?(e-\d+)?$/);
    }
  });

  test("of two cookies HAProxy takes the last one, always, and nobody gets a third", async () => {
    for (const [cookie, name] of [
      ["maxwellsdaemon=0.1; maxwellsdaemon=0.9", "master"],
      ["maxwellsdaemon=0.9; maxwellsdaemon=0.1", "canary"],
    ] as const) {
      const { seen, cookies } = await visit(cookie);
      expect({ name: seen?.name, cookies }).toEqual({ name, cookies: [] });
    }
  });

  test("what visitors say about themselves in headers is not believed", async () => {
    const forged = {
      maxwellsdaemon: "0.1",
      "maxwellsdaemon-location": "canary",
      "maxwellsdaemon-application": "other",
      "maxwellsdaemon-key": "a",
    };
    const { seen } = await visit("maxwellsdaemon=0.9", { headers: forged });
    expect(seen?.name).toBe("master");
    expect(seen?.headers).toMatchObject({ maxwellsdaemon: "0.9", "maxwellsdaemon-location": "master" });
  });

  test("forcing is off unless the operator turned it on", async () => {
    for (const headers of [
      { "maxwellsdaemon-force": "always" },
      { cookie: "maxwellsdaemon=0.9; maxwellsdaemon-force=always" },
    ]) {
      const { seen } = await visit("cookie" in headers ? undefined : "maxwellsdaemon=0.9", { headers });
      expect(seen?.name).toBe("master");
    }
  });

  test("the upstream's own cookies pass beside the visitor's", async () => {
    const { cookies } = await visit(undefined, { headers: { "x-set-cookie": "session=1" } });
    expect(cookies.map((cookie) => cookie.split("=")[0]).sort()).toEqual(["maxwellsdaemon", "session"]);
  });

  test("a version that HAProxy does not know is master", async () => {
    home.write({ canary: 0, blue: 1, maintenance: 0 });
    await becomes(0.1, "master");
    const { seen } = await known(0.1);
    expect(seen?.headers["maxwellsdaemon-location"]).toBe("master");
    await rollOut(0.25);
  });

  test("request bodies pass untouched", async () => {
    const body = Buffer.from(crypto.getRandomValues(new Uint8Array(50_000))).toString("base64");
    const { seen } = await visit("maxwellsdaemon=0.1", { method: "POST", body });
    expect([seen?.name, seen?.body === body]).toEqual(["canary", true]);
  });

  test("WebSockets pass, to the visitor's version", async () => {
    for (const [assignment, name] of [
      [0.1, "canary"],
      [0.9, "master"],
    ] as const) {
      const headers = { cookie: `maxwellsdaemon=${assignment}` };
      const socket = new WebSocket(haproxy.url.replace("http", "ws"), { headers } as unknown as string[]);
      const answer = new Promise<string>((resolve, reject) => {
        socket.onmessage = (message) => resolve(String(message.data));
        socket.onerror = () => reject(new Error("the WebSocket failed"));
      });
      socket.onopen = () => socket.send("hello");
      expect(await answer).toBe(`${name}: hello`);
      socket.close();
    }
  });

  test("maintenance mode shows the page to everyone, outlasts the daemon, and ends", async () => {
    home.write({ canary: 0.25, maintenance: 1 });
    await eventually(async () => (await known(0.1)).status === 503, "maintenance mode");
    for (const init of [{}, { method: "POST", body: "x" }]) {
      const { status, response, cookies, text } = await visit(undefined, init);
      expect([status, cookies]).toEqual([503, []]);
      expect(response.headers.get("retry-after")).toBe("120");
      expect(text).toContain("Back soon");
    }
    await daemon.end("SIGKILL");
    await Bun.sleep(100);
    expect((await known(0.1)).status).toBe(503);
    home.write({ canary: 0.25, maintenance: 0 });
    daemon = await home.start();
    await becomes(0.1, "canary");
  });

  test("law 4: a daemon that was killed costs no visitor more than its canary, and comes back by itself", async () => {
    await daemon.end("SIGKILL");
    await becomes(0.1, "master");
    for (let i = 0; i < 50; i++) {
      const old = await known(0.1);
      expect([old.status, old.seen?.name, old.cookies]).toEqual([200, "master", []]);
      const fresh = await visit();
      expect([fresh.status, fresh.seen?.name, fresh.cookies]).toEqual([200, "master", []]);
      expect(fresh.seen?.headers["maxwellsdaemon"] ?? "").toBe("");
    }
    const forged = { maxwellsdaemon: "0.1", "maxwellsdaemon-location": "canary" };
    const { seen } = await visit(undefined, { headers: forged });
    expect([seen?.headers["maxwellsdaemon"] ?? "", seen?.headers["maxwellsdaemon-location"]]).toEqual([
      "",
      "master",
    ]);
    daemon = await home.start();
    await becomes(0.1, "canary");
  });

  test("law 4: a daemon that hangs costs nobody an error, a few visitors some milliseconds, and the others nothing", async () => {
    daemon.signal("SIGSTOP");
    const tookMs: number[] = [];
    try {
      await becomes(0.1, "master");
      for (let i = 0; i < 200; i++) {
        const startedAtMs = performance.now();
        const { status, seen } = await known(0.1);
        tookMs.push(performance.now() - startedAtMs);
        expect([status, seen?.name]).toEqual([200, "master"]);
      }
    } finally {
      daemon.signal("SIGCONT");
    }
    tookMs.sort((a, b) => a - b);
    // Generous for a busy machine: the patience is 8 ms.
    expect(tookMs[100]).toBeLessThan(30);
    expect(tookMs[199]).toBeLessThan(300);
    await becomes(0.1, "canary");
  });

  test("law 4: a daemon that is killed and started again under load shows no visitor an error", async () => {
    const REQUESTS = 20_000;
    const statuses = new Map<string, number>();
    let sent = 0;
    let kills = 0;
    const visitor = async () => {
      while (sent < REQUESTS || kills < 2) {
        const assignment = (sent++ % 1000) / 1000;
        const outcome = await fetch(haproxy.url, {
          headers: { cookie: `maxwellsdaemon=${assignment}` },
        }).then(
          async (response) => {
            const { name } = (await response.json()) as Seen;
            return response.status === 200 && (name === "master" || assignment < 0.25)
              ? "good"
              : String(response.status);
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
    await Promise.all([killer(), ...Array.from({ length: 32 }, visitor)]);
    expect([...statuses.keys()]).toEqual(["good"]);
    await becomes(0.1, "canary");
  }, 60_000);

  test("forcing, where the operator turned it on: the header goes before the cookie", async () => {
    const port = await freePort();
    const allowed = join(directory, "forcing");
    await Bun.$`mkdir ${allowed}`.quiet();
    const forcingHome = new DaemonHome({ flags: [...haproxyFlags(allowed), "-allow-force"] });
    const forcingDaemon = await forcingHome.start();
    const more = (["master", "canary"] as const).map((name) =>
      startUpstream(name, upstreamPath(allowed, name)),
    );
    const usual = haproxy;
    forcing = await startHaproxy(fillHaproxy(way, { directory: allowed, port, allowForce: true }), port);
    haproxy = forcing;
    try {
      await becomes(0.1, "canary");
      const forced = async (assignment: number, cookie: string, header: string) => {
        const headers = header === "" ? {} : { "maxwellsdaemon-force": header };
        const { seen } = await visit(`maxwellsdaemon=${assignment}; ${cookie}`, { headers });
        return seen?.headers["maxwellsdaemon-location"];
      };
      expect(await forced(0.9, "", "always")).toBe("canary");
      expect(await forced(0.1, "", "never")).toBe("master");
      expect(await forced(0.9, "maxwellsdaemon-force=always", "")).toBe("canary");
      expect(await forced(0.1, "maxwellsdaemon-force=never", "")).toBe("master");
      expect(await forced(0.1, "maxwellsdaemon-force=never", "always")).toBe("canary");
      expect(await forced(0.9, "maxwellsdaemon-force=always", "never")).toBe("master");
      expect(await forced(0.1, "maxwellsdaemon-force=nobody", "")).toBe("canary");
      expect(await forced(0.9, "", "nobody")).toBe("master");
    } finally {
      haproxy = usual;
      await forcingDaemon.end();
      for (const upstream of more) upstream.stop();
      forcingHome.remove();
    }
  });
});
