/** Notices of whole daemons, which share a real Redis and are killed. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import type { Request } from "../../src/releases/request.ts";
import { openStore } from "../../src/stores/list.ts";
import type { Store } from "../../src/stores/store.ts";
import { carryOut } from "../../src/verbs/carry-out.ts";
import { answer, hang, Receiver } from "../notices/receiver.ts";
import { SECRET } from "../notices/world.ts";
import { planOf, START } from "../releases/world.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts";

/** A part of an address that no line and no page may have. */
const HIDDEN = "hunter2";

const WITHIN_MS = 40_000;

const TARGET = { application: "website", version: "canary" };

let engine: RedisServer;
let store: Store;
const receivers: Receiver[] = [];
const homes: DaemonHome[] = [];
const daemons: DaemonProcess[] = [];

async function receiver(): Promise<Receiver> {
  const started = await new Receiver(answer(200)).start();
  receivers.push(started);
  return started;
}

/** A daemon on a machine of its own. */
async function daemonOf(name: string, addresses: readonly string[]): Promise<DaemonProcess> {
  const home = new DaemonHome({
    store: `redis://127.0.0.1:${engine.port}`,
    flags: ["-releases", "on", "-name", name],
    env: { MAXWELLS_DAEMON_NOTIFY: addresses.join(","), MAXWELLS_DAEMON_NOTIFY_SECRET: SECRET },
  });
  homes.push(home);
  const daemon = await home.start();
  daemons.push(daemon);
  return daemon;
}

/** A person's verb. */
async function carry(request: Request): Promise<void> {
  const outcome = await carryOut(TARGET, () => request, {
    ...{ store, author: "ada@web-9", why: undefined, signal: AbortSignal.timeout(10_000) },
    ...{ wallClock: Date.now, drawKey: () => randomBytes(12).toString("hex"), random: Math.random },
    ...{ pause: (ms: number) => Bun.sleep(ms), timeLimit: (ms: number) => AbortSignal.timeout(ms) },
  });
  if (outcome.kind !== "written") throw new Error(JSON.stringify(outcome));
}

/** Starts a release by this plan, and returns its key. */
async function start(plan: string): Promise<string> {
  const key = randomBytes(12).toString("hex");
  const begin = { ...START, key, plan: planOf(plan) };
  await carry({ verb: "release", start: begin, replace: false, seenKey: null, reason: undefined });
  return key;
}

/** The types of what a receiver of signed notices has, each with its seq. Throws if one is a forgery. */
function typesAt({ received }: Receiver): string[] {
  return received.map(({ body, headers }) => {
    const { type, data } = new Webhook(SECRET).verify(body, headers) as {
      type: string;
      data: { id: string };
    };
    expect(headers["webhook-id"]).toBe(data.id);
    return `${data.id.split("-").at(-2)} ${type}`;
  });
}

describe.skipIf(redisMissing("redis-server") !== undefined)("daemons with -notify", () => {
  beforeAll(async () => {
    engine = await startRedis("redis-server", ["--notify-keyspace-events", "Kh"]);
    const address = `redis://127.0.0.1:${engine.port}`;
    store = await openStore(address, { table: "", region: "", environment: {}, warn() {} });
  });

  afterAll(async () => {
    await store?.close();
    await engine?.stop();
  });

  afterEach(async () => {
    for (const daemon of daemons.splice(0)) await daemon.end("SIGKILL");
    for (const home of homes.splice(0)) home.remove();
    for (const each of receivers.splice(0)) await each.stop();
    await engine.cli("FLUSHALL");
  });

  test("tell each transition once to each address, and no log or page has a secret", async () => {
    const [own, slack] = [await receiver(), await receiver()];
    const addresses = [`${own.url}/${HIDDEN}`, `slack+${slack.url}/services/${HIDDEN}`];
    const fleet = await Promise.all(["web-1", "web-2"].map((name) => daemonOf(name, addresses)));
    await start("1%:1s,50%:2s,100%:1h");
    await eventually(
      () => own.received.length >= 3 && slack.received.length >= 3,
      "three notices",
      WITHIN_MS,
    );
    expect(typesAt(own)).toEqual(["1 release.started", "2 release.advanced", "3 release.promoted"]);
    expect(slack.received.map(({ body }) => JSON.parse(body).text)).toEqual([
      expect.stringMatching(/^🔵 release 8 of website \(v43\) started: .* \(by ada@web-9\)$/),
      expect.stringMatching(/^🔵 release 8 of website: step 2\/3, canary 1% → 50% for 2s \(by web-[12]\)$/),
      expect.stringMatching(/^🔵 release 8 of website promoted: .* \(by web-[12]\)$/),
    ]);
    const pages = await Promise.all(
      fleet.flatMap(({ adminUrl }) =>
        ["/metrics", "/state"].map(async (page) => (await fetch(`${adminUrl}${page}`)).text()),
      ),
    );
    const metric =
      /maxwells_daemon_notices_total\{to="slack 127\.0\.0\.1:\d+ [0-9a-f]{8}",result="success"\} (\d)/g;
    const counts = Array.from(pages.join("\n").matchAll(metric), ([, count]) => Number(count));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
    for (const daemon of fleet) expect(await daemon.end()).toBe(0);
    for (const text of [...pages, ...fleet.map(({ log }) => log)]) {
      expect(text).not.toContain(HIDDEN);
      expect(text).not.toContain(SECRET.slice("whsec_".length));
    }
  }, 60_000);

  test("a daemon that is killed while it tells costs no notice, and neither does a verb without any daemon", async () => {
    const own = await receiver();
    own.behaviours = [hang];
    const key = await start("50%:1h,100%:1h");
    const first = await daemonOf("web-1", [own.url]);
    await eventually(() => own.received.length === 1, "an attempt that hangs", WITHIN_MS);
    await first.end("SIGKILL");
    await carry({ verb: "abort", key, reason: "INC-42" });
    own.behaviours = [answer(200)];
    await daemonOf("web-2", [own.url]);
    await eventually(() => own.received.length === 3, "the same notice, and the abort", WITHIN_MS);
    expect(typesAt(own)).toEqual(["1 release.started", "1 release.started", "2 release.aborted"]);
    expect(JSON.parse(own.received[2]?.body ?? "").data).toMatchObject({ by: "ada@web-9", why: "INC-42" });
    // A third daemon finds in the store that both were told.
    const third = await daemonOf("web-3", [own.url]);
    await third.follows("canary", 0);
    await carry({
      ...{ verb: "release", replace: false, seenKey: key, reason: undefined },
      start: { ...START, key: randomBytes(12).toString("hex"), plan: planOf("1%:1s,100%:1h") },
    });
    await eventually(() => own.received.length >= 5, "the next release", WITHIN_MS);
    expect(typesAt(own).slice(3)).toEqual(["3 release.started", "4 release.promoted"]);
  }, 90_000);
});

test("a daemon whose secret cannot be read does not start, and says why", async () => {
  const home = new DaemonHome({
    flags: ["-releases", "on", "-notify", "https://h/x", "-notify-secret", "file:/no/such/file"],
  });
  homes.push(home);
  const child = Bun.spawn(home.command, { stdout: "ignore", stderr: "pipe" });
  expect(await child.exited).not.toBe(0);
  expect(await new Response(child.stderr).text()).toContain("let this user read /no/such/file");
});
