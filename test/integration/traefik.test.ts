/**
 * The shipped configuration of Traefik, in a real Traefik, with a real daemon and real upstreams: what it promises, and
 * above all law 4: whatever becomes of the daemon, visitors are at master soon, and none of them sees an error.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess, eventually, type Records } from "../support/daemon-process.ts";
import {
  fillTraefik,
  startTraefik,
  type TraefikPorts,
  type TraefikProcess,
  traefikFlags,
  traefikMissing,
  traefikPorts,
} from "../support/traefik.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const COOKIE =
  /^(maxwellsdaemon-slice-website=[0-9a-f]{16}); Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/;

/** A health check comes each second and waits for half of one; the rest is for a machine that has more to do. */
const GONE_MS = 4_000;

describe.skipIf(traefikMissing() !== undefined)("Traefik", () => {
  let directory: string;
  let ports: TraefikPorts;
  let configuration: string;
  let home: DaemonHome;
  let daemon: DaemonProcess;
  let traefik: TraefikProcess;
  let upstreams: Upstream[];
  /** A cookie of each slice that was drawn, with the place of its first visit at 25 %. */
  const drawn = new Map<string, string>();

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "traefik-"));
    ports = await traefikPorts();
    configuration = fillTraefik(directory, ports);
    upstreams = (["master", "canary", "maintenance"] as const).map((name) =>
      startUpstream(name, ports[name]),
    );
    home = new DaemonHome({ flags: [...traefikFlags(ports), "-unhealthy", "1s"] });
    traefik = await startTraefik(configuration, ports.web);
  });

  afterAll(async () => {
    await traefik.stop();
    await daemon?.end();
    for (const upstream of upstreams) upstream.stop();
    home.remove();
    rmSync(directory, { recursive: true });
  });

  async function visit(cookie?: string, init: RequestInit = {}) {
    const headers = {
      ...(init.headers as Record<string, string>),
      ...(cookie === undefined ? {} : { cookie }),
    };
    const response = await fetch(`${traefik.url}/some/path`, { ...init, headers });
    const text = await response.text();
    const cookies = response.headers.getSetCookie();
    const seen = response.status === 200 ? (JSON.parse(text) as Seen) : undefined;
    return { status: response.status, cookies, seen };
  }

  const placeOf = async (cookie?: string) => {
    const { status, seen } = await visit(cookie);
    return seen?.name ?? `status ${status}`;
  };

  /** Where all of them are now. */
  async function places(cookies: readonly string[]): Promise<Set<string>> {
    return new Set(await Promise.all(cookies.map(placeOf)));
  }

  async function canaries(cookies: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const cookie of cookies) if ((await placeOf(cookie)) === "canary") found.push(cookie);
    return found;
  }

  const drawnAt = (name: string) =>
    [...drawn].filter(([, place]) => place === name).map(([cookie]) => cookie);

  /** Writes the store; resolves when Traefik has the document that follows from it. */
  async function rollOut(records: Records): Promise<void> {
    const before = (await split()).canary;
    home.write(records);
    await eventually(async () => (await split()).canary !== before, "the split changes");
  }

  /** How Traefik splits the slices that were drawn. */
  async function split(): Promise<{ canary: number; master: number }> {
    const names = await Promise.all([...drawn.keys()].map(placeOf));
    const count = (name: string) => names.filter((each) => each === name).length;
    return { canary: count("canary"), master: count("master") };
  }

  /** Visits all the time while `happen` does; returns every place that was seen, or error. */
  async function seenWhile(cookies: readonly string[], happen: () => Promise<void>): Promise<Set<string>> {
    let isOver = false;
    const seen = new Set<string>();
    const visiting = (async () => {
      while (!isOver) for (const place of await places(cookies)) seen.add(place);
    })();
    await happen();
    isOver = true;
    await visiting;
    return seen;
  }

  test("TR-10, law 4: with no daemon ever heard of, everyone is at master, without a cookie", async () => {
    const { status, seen, cookies } = await visit();
    expect({ status, name: seen?.name, cookies }).toEqual({ status: 200, name: "master", cookies: [] });
    expect(seen?.headers["maxwellsdaemon-location"]).toBe("master");
  });

  test("TR-1, TR-2, TR-3: new visitors are split as the store says, and get a cookie for a year", async () => {
    daemon = await home.start();
    await eventually(async () => (await visit()).cookies.length > 0, "Traefik has a document");
    const count = { master: 0, canary: 0 };
    for (let visitor = 0; visitor < 1_000; visitor++) {
      const { seen, cookies } = await visit();
      const [, cookie] = COOKIE.exec(cookies.join()) ?? [];
      expect(cookie).toBeDefined();
      const name = seen?.name as "master" | "canary";
      count[name]++;
      drawn.set(cookie as string, name);
    }
    // Each slice is drawn once before any is drawn again, and the visits before these drew a few.
    expect(count.canary).toBeWithin(240, 261);
    expect(count.master + count.canary).toBe(1_000);
    expect(drawn.size).toBeGreaterThan(950);
  });

  test("TR-3: a visitor stays where it is, and no cookie is written again", async () => {
    for (const [cookie, name] of drawn) {
      const { seen, cookies } = await visit(`a=b; ${cookie}; c=d`);
      expect([seen?.name, cookies]).toEqual([name, []]);
    }
  });

  test("the upstream is told where a visitor was placed, and nothing that the visitor made up", async () => {
    const forged = {
      maxwellsdaemon: "0.1",
      "maxwellsdaemon-location": "admin",
      "maxwellsdaemon-force": "always",
    };
    for (const name of ["master", "canary"]) {
      const { seen } = await visit(drawnAt(name)[0], {
        headers: { ...forged, "x-forwarded-proto": "gopher" },
      });
      expect(seen?.name).toBe(name);
      expect(seen?.headers["maxwellsdaemon-location"]).toBe(name);
      expect(seen?.headers).not.toHaveProperty("maxwellsdaemon");
      expect(seen?.headers).toMatchObject({ "x-forwarded-proto": "http", host: `127.0.0.1:${ports.web}` });
    }
  });

  test("requests with bodies and WebSockets reach the canary on their second way in", async () => {
    const [cookie = ""] = drawnAt("canary");
    const body = "x".repeat(300_000);
    const { seen } = await visit(cookie, { method: "POST", body });
    expect([seen?.name, seen?.body === body]).toEqual(["canary", true]);
    const options = { headers: { cookie } } as unknown as string[];
    const socket = new WebSocket(`${traefik.url.replace("http", "ws")}/socket`, options);
    const answer = new Promise<string>((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(String(data));
      socket.onerror = () => reject(new Error("no WebSocket"));
    });
    socket.onopen = () => socket.send("hello");
    expect(await answer).toBe("canary: hello");
    socket.close();
  });

  test("hostile cookies are served, and are new visitors", async () => {
    for (const value of [
      "",
      "x",
      "website:circle:000",
      "%00",
      '"',
      "0".repeat(5_000),
      "0.1",
      "website:canary",
    ]) {
      const { status, seen } = await visit(`maxwellsdaemon-slice-website=${value}`);
      expect([status, ["master", "canary"].includes(seen?.name ?? "")]).toEqual([200, true]);
    }
  });

  test("TR-5: a growing version takes visitors in, and whoever was there stays all the while", async () => {
    const first = drawnAt("canary").slice(0, 20);
    const seen = await seenWhile(first, () => rollOut({ canary: 0.5 }));
    expect([...seen]).toEqual(["canary"]);
    const { canary, master } = await split();
    expect(canary / (canary + master)).toBeWithin(0.47, 0.53);
    expect(await canaries(drawnAt("canary"))).toEqual(drawnAt("canary"));
  });

  test("TR-5, TR-8: a shrinking one gives back who came last, and keeps the first", async () => {
    await rollOut({ canary: 0.1 });
    // Traefik may be between the health check that failed and the next document.
    await eventually(async () => (await split()).canary > 0, "the next document is there");
    const left = await canaries([...drawn.keys()]);
    expect(left.length / drawn.size).toBeWithin(0.08, 0.12);
    expect(left.filter((cookie) => drawn.get(cookie) !== "canary")).toEqual([]);
  });

  test.each(["SIGKILL", "SIGTERM", "SIGSTOP"] as const)(
    "TR-7, law 4: after %s everyone is at master soon, sees no error, and is back when the daemon is",
    async (signal) => {
      const inside = (await canaries([...drawn.keys()])).slice(0, 10);
      expect(inside).toHaveLength(10);
      const goneAtMs = performance.now();
      const seen = await seenWhile(inside, async () => {
        if (signal === "SIGSTOP") daemon.signal(signal);
        else await daemon.end(signal);
        await eventually(async () => (await places(inside)).has("master"), "a visitor is at master");
        expect(performance.now() - goneAtMs).toBeLessThan(GONE_MS);
        if (signal === "SIGSTOP") daemon.signal("SIGCONT");
        else daemon = await home.start();
        await eventually(async () => !(await places(inside)).has("master"), "all are back");
      });
      expect([...seen].sort()).toEqual(["canary", "master"]);
    },
  );

  test("TR-8: back with less than before, it gives nobody to the canary who is not there any more", async () => {
    const inside = await canaries([...drawn.keys()]);
    await daemon.end("SIGKILL");
    await eventually(async () => (await canaries(inside)).length === 0, "all are at master");
    home.write({ canary: 0.05 });
    daemon = await home.start();
    const answeredAtMs = performance.now();
    let most = 0;
    while (performance.now() - answeredAtMs < 3_000) {
      most = Math.max(most, (await canaries(inside)).length);
    }
    expect(most).toBeLessThanOrEqual(50);
    await eventually(async () => (await canaries(inside)).length > 0, "Traefik has the new document");
  });

  test("TR-6, law 3: when the store is lost, everyone is at master, and back when it is", async () => {
    const [cookie = ""] = await canaries([...drawn.keys()]);
    writeFileSync(home.storePath, "{");
    await eventually(async () => (await placeOf(cookie)) === "master", "the store is lost");
    expect((await split()).canary).toBe(0);
    home.write({ canary: 0.05 });
    await eventually(async () => (await placeOf(cookie)) === "canary", "the store is back");
  });

  test("TR-9: in maintenance everyone gets its page, also when the daemon is gone, and returns to its place", async () => {
    const cookies = [...drawn.keys()].slice(0, 50);
    const before = await Promise.all(cookies.map(placeOf));
    home.write({ canary: 0.05, maintenance: 1 });
    await eventually(async () => (await placeOf()) === "maintenance", "maintenance begins");
    await daemon.end("SIGKILL");
    expect([...(await places(cookies))]).toEqual(["maintenance"]);
    daemon = await home.start();
    home.write({ canary: 0.05 });
    await eventually(async () => (await placeOf(cookies[0])) !== "maintenance", "maintenance ends");
    expect(await Promise.all(cookies.map(placeOf))).toEqual(before);
  });

  test("TR-10, law 4: a Traefik that starts while the daemon is gone serves master, and keeps cookies for later", async () => {
    const [cookie = ""] = await canaries([...drawn.keys()]);
    await daemon.end("SIGKILL");
    await traefik.stop();
    traefik = await startTraefik(configuration, ports.web);
    const { seen, cookies } = await visit(cookie);
    expect([seen?.name, cookies]).toEqual(["master", []]);
    daemon = await home.start();
    await eventually(async () => (await placeOf(cookie)) === "canary", "back in its place");
  });
});
