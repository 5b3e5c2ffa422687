/**
 * The shipped configuration of a Traefik that decides by itself, in a real Traefik, with a real daemon and
 * real upstreams. Above all it proves law 4: whatever happens to the daemon, visitors are at master soon, and
 * none of them sees an error.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SLICES } from "../../src/leases/traefik/slices.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import type { ProxyProcess } from "../support/proxy-process.ts";
import {
  applicationPath,
  fillTraefik,
  SLICE_COOKIE,
  startTraefik,
  type TraefikPorts,
  traefikFlags,
  traefikMissing,
  traefikPorts,
} from "../support/traefik.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const COOKIE =
  /^maxwellsdaemon-slice-website=([0-9a-f]{16}); Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/;

const cookieOf = (slice: number) => `${SLICE_COOKIE.name}=${SLICE_COOKIE.valueOf(slice)}`;

const SLICE_BY_VALUE = new Map(
  Array.from({ length: SLICES }, (_, slice) => [SLICE_COOKIE.valueOf(slice), slice]),
);

/** The ends of the arcs below, and slices between them. */
const SAMPLE = [0, 1, 49, 50, 99, 100, 101, 200, 249, 250, 300, 499, 500, 501, 600, 749, 750, 900, 998, 999];

/** A health check comes each second and waits half a second. The rest is for a busy machine. */
const GONE_MS = 10_000;

/** The bytes that Traefik reads of a document. Bytes on their way to it come on top. */
const DOCUMENT_BYTES_MAX = 10_000_000;

/** Traefik waits longer and longer before it polls a daemon again that was gone. */
const POLLED_MS = 20_000;

describe.skipIf(traefikMissing() !== undefined)("Traefik, by slices", () => {
  let directory: string;
  let ports: TraefikPorts;
  let configuration: string;
  let home: DaemonHome;
  let daemon: DaemonProcess;
  let traefik: ProxyProcess;
  let upstreams: Upstream[];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "traefik-"));
    ports = await traefikPorts();
    configuration = fillTraefik("slices", directory, ports);
    upstreams = (["master", "canary", "maintenance"] as const).map((name) =>
      startUpstream(name, ports[name]),
    );
    home = new DaemonHome({ flags: [...traefikFlags("slices", ports), "-unhealthy", "1s"] });
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

  /** The present location of all of them. */
  async function places(cookies: readonly string[]): Promise<Set<string>> {
    return new Set(await Promise.all(cookies.map(placeOf)));
  }

  /**
   * Resolves when each slice of a sample is at its version: exactly, except at the ends, which a poll may
   * change.
   */
  async function settles(location: (slice: number) => string): Promise<void> {
    const wrong = async () => {
      const found: number[] = [];
      for (const slice of SAMPLE) if ((await placeOf(cookieOf(slice))) !== location(slice)) found.push(slice);
      return found;
    };
    await eventually(async () => (await wrong()).length === 0, "all slices are in their places", POLLED_MS);
  }

  const below = (end: number) => (slice: number) => (slice < end ? "canary" : "master");

  /** Visits all the time while `happen` runs. Returns every location that was seen, and any error. */
  async function seenWhile(cookies: readonly string[], happen: () => Promise<void>): Promise<string[]> {
    let isOver = false;
    const seen = new Set<string>();
    const visiting = (async () => {
      while (!isOver) for (const place of await places(cookies)) seen.add(place);
    })();
    await happen();
    isOver = true;
    await visiting;
    return [...seen].sort();
  }

  test("TR-10, law 4: before Traefik has had a document, all visitors are at master, without a cookie", async () => {
    const { status, seen, cookies } = await visit();
    expect({ status, name: seen?.name, cookies }).toEqual({ status: 200, name: "master", cookies: [] });
    expect(seen?.headers["maxwellsdaemon-location"]).toBe("master");
  });

  test("TR-1, TR-2, TR-3: new visitors draw slices, each as often as any other, in a cookie for a year", async () => {
    daemon = await home.start();
    await eventually(async () => (await visit()).cookies.length > 0, "Traefik has a document", POLLED_MS);
    const drawn: number[] = [];
    for (let visitor = 0; visitor < 400; visitor++) {
      const [, value = ""] = COOKIE.exec((await visit()).cookies.join()) ?? [];
      const slice = SLICE_BY_VALUE.get(value);
      expect(slice).toBeDefined();
      drawn.push(slice as number);
    }
    expect(new Set(drawn).size).toBeGreaterThan(300);
    for (const end of [250, 500, 750]) {
      expect(drawn.filter((slice) => slice < end).length / 400).toBeWithin(
        end / 1_000 - 0.1,
        end / 1_000 + 0.1,
      );
    }
  });

  test("TR-3, TR-4: each slice is where the store says, and no cookie is written again", async () => {
    await settles(below(250));
    for (const slice of SAMPLE) expect((await visit(`a=b; ${cookieOf(slice)}; c=d`)).cookies).toEqual([]);
  });

  test("the upstream gets the visitor's location, and none of the visitor's forged headers", async () => {
    const forged = {
      maxwellsdaemon: "0.1",
      "maxwellsdaemon-location": "admin",
      maxwellsdaemon_location: "admin",
      "maxwellsdaemon-force": "always",
    };
    for (const name of ["master", "canary"]) {
      const { seen } = await visit(cookieOf(name === "canary" ? 0 : 999), {
        headers: { ...forged, "x-forwarded-proto": "gopher" },
      });
      expect(seen?.name).toBe(name);
      expect(seen?.headers["maxwellsdaemon-location"]).toBe(name);
      expect(seen?.headers).not.toHaveProperty("maxwellsdaemon");
      expect(seen?.headers).not.toHaveProperty("maxwellsdaemon_location");
      expect(seen?.headers).toMatchObject({ "x-forwarded-proto": "http", host: `127.0.0.1:${ports.web}` });
    }
  });

  test("requests with bodies and WebSockets reach the canary on their second way in", async () => {
    const cookie = cookieOf(0);
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

  test("TR-5: a growing version takes visitors in, a shrinking one loses the last ones first, without an error", async () => {
    const all = SAMPLE.map(cookieOf);
    const seen = await seenWhile(all, async () => {
      for (const rollout of [0.5, 1, 0.1, 0, 0.25]) {
        home.write({ canary: rollout });
        await settles(below(rollout * 1_000));
      }
    });
    expect(seen).toEqual(["canary", "master"]);
  }, 60_000);

  test("TR-5, TR-8: while a version shrinks, its remaining visitors stay, and the last document still counts", async () => {
    for (const rollout of [0.25, 0.6, 0.3, 0.15, 0.1, 0.05]) {
      const staying = [0, 1, 49].map(cookieOf);
      const seen = await seenWhile(staying, async () => {
        home.write({ canary: rollout });
        await settles(below(rollout * 1_000));
      });
      expect(seen).toEqual(["canary"]);
    }
    home.write({ canary: 0.25 });
  }, 60_000);

  test.each(["SIGKILL", "SIGTERM", "SIGSTOP"] as const)(
    "TR-7, law 4: after %s all visitors are at master soon, see no error, and are back with the daemon",
    async (signal) => {
      const inside = [0, 100, 249].map(cookieOf);
      await settles(below(250));
      const seen = await seenWhile(inside, async () => {
        if (signal === "SIGSTOP") daemon.signal(signal);
        else await daemon.end(signal);
        const isGone = async () => [...(await places(inside))].join() === "master";
        await eventually(isGone, "all are at master", GONE_MS);
        if (signal === "SIGSTOP") daemon.signal("SIGCONT");
        else daemon = await home.start();
        await settles(below(250));
      });
      expect(seen).toEqual(["canary", "master"]);
    },
  );

  test("TR-8: a daemon that is back with a smaller canary sends no visitor of the old arc there", async () => {
    const outside = [50, 100, 249].map(cookieOf);
    await daemon.end("SIGKILL");
    await eventually(
      async () => [...(await places(outside))].join() === "master",
      "all are at master",
      GONE_MS,
    );
    home.write({ canary: 0.05 });
    // Traefik has the old document until it polls again, and finds the daemon alive before that.
    const seen = await seenWhile(outside, async () => {
      daemon = await home.start();
      await settles(below(50));
    });
    expect(seen).toEqual(["master"]);
  });

  test("TR-6, law 3: when the store is lost, all visitors are at master, and return with the store", async () => {
    writeFileSync(home.storePath, "{");
    await settles(() => "master");
    home.write({ canary: 0.05 });
    await settles(below(50));
  });

  test("TR-9: in maintenance all visitors get the page, also when the daemon is gone, and then return", async () => {
    home.write({ canary: 0.05, maintenance: 1 });
    await settles(() => "maintenance");
    expect(await placeOf()).toBe("maintenance");
    await daemon.end("SIGKILL");
    await settles(() => "maintenance");
    home.write({ canary: 0.05 });
    daemon = await home.start();
    await settles(below(50));
  });

  test("each router for visitors has its rule marked for the operator, also the commented one", () => {
    const text = readFileSync(applicationPath(directory), "utf8");
    const routers = text.replaceAll("    # ", "    ").split(/^ {4}(?=\S+:$)/m);
    const rules = routers.filter((router) => router.includes("\n        - web\n"));
    expect(rules.length).toBe(4);
    for (const rule of rules) expect(rule).toMatch(/ rule: .* # CHANGE/);
  });

  test("testers reach the canary by a header, if the operator added the router for that", async () => {
    const always = { headers: { "maxwellsdaemon-force": "always" } };
    expect((await visit(cookieOf(999), always)).seen?.name).toBe("master");
    const path = applicationPath(directory);
    const text = readFileSync(path, "utf8");
    const [router = ""] = /^ {4}# website-always:\n(?: {4}#.*\n)+/m.exec(text) ?? [];
    expect(router).toContain("service:");
    writeFileSync(path, text.replace(router, router.replaceAll("    # ", "    ")));
    await traefik.stop();
    traefik = await startTraefik(configuration, ports.web);
    await settles(below(50));
    const { seen, cookies } = await visit(cookieOf(999), always);
    expect([seen?.name, seen?.headers["maxwellsdaemon-location"], cookies]).toEqual(["canary", "canary", []]);
    expect((await visit(undefined, always)).seen?.name).toBe("canary");
    for (const word of ["never", "nobody", ""]) {
      const headers = { "maxwellsdaemon-force": word };
      expect((await visit(cookieOf(999), { headers })).seen?.name).toBe("master");
    }
    home.write({ canary: 0.05, maintenance: 1 });
    await settles(() => "maintenance");
    expect((await visit(cookieOf(999), always)).seen?.name).toBe("canary");
    home.write({ canary: 0.05 });
    await settles(below(50));
  });

  test("TR-10, law 4: a Traefik that starts while the daemon is gone serves master, and keeps cookies for later", async () => {
    await daemon.end("SIGKILL");
    await traefik.stop();
    traefik = await startTraefik(configuration, ports.web);
    const { seen, cookies } = await visit(cookieOf(0));
    expect([seen?.name, cookies]).toEqual(["master", []]);
    daemon = await home.start();
    await settles(below(50));
  });

  test("law 4: of another program's endless document Traefik reads a little, and all visitors are at master", async () => {
    await daemon.end("SIGKILL");
    await traefik.stop();
    const sentBytes: number[] = [];
    const stranger = Bun.serve({
      hostname: "127.0.0.1",
      port: ports.daemon,
      fetch() {
        const index = sentBytes.push(0) - 1;
        const blank = new Uint8Array(65_536).fill(0x20);
        return new Response(
          new ReadableStream({
            async pull(controller) {
              controller.enqueue(blank);
              sentBytes[index] = (sentBytes[index] as number) + blank.length;
              await Bun.sleep(0);
            },
          }),
        );
      },
    });
    try {
      traefik = await startTraefik(configuration, ports.web);
      await eventually(() => sentBytes.length > 1, "the stranger is polled again", POLLED_MS);
      expect(await placeOf(cookieOf(0))).toBe("master");
      expect(sentBytes[0]).toBeWithin(DOCUMENT_BYTES_MAX / 2, 3 * DOCUMENT_BYTES_MAX);
    } finally {
      await stranger.stop(true);
    }
    home.write({ canary: 0.05 });
    daemon = await home.start();
    await settles(below(50));
  });
});
