/** `status` of real daemons: one, several, and over time; and `set -wait`, which asks them the same. */

import { afterEach, describe, expect, test } from "bun:test";
import { lookup } from "node:dns/promises";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { createDaemon, type Daemon } from "../../../src/daemon/daemon.ts";
import { silentLog } from "../../../src/log/log.ts";
import { eventually } from "../../support/eventually.ts";
import { LineClient } from "../../support/line.ts";
import { settingsOf } from "../../support/settings.ts";
import { stateOf } from "../../support/state.ts";
import { run, temporaryDirectory } from "../run.ts";

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** Daemons on one file store of the application `app`. */
function site(records: unknown) {
  const directory = temporaryDirectory();
  releases.push(() => directory[Symbol.dispose]());
  const path = directory.path("rollouts.json");
  const write = (changed: unknown) => writeFileSync(path, JSON.stringify({ app: changed }));
  write(records);
  let count = 0;
  return {
    store: `file:${path}`,
    write,
    async daemon(...flags: string[]) {
      const socket = directory.path(`${count}.sock`);
      const daemon = await createDaemon(
        settingsOf(
          ...["-socket", socket, "-state-dir", directory.path(`state${count++}`), "-delay", "50ms"],
          ...["-admin", "127.0.0.1:0", "-statsd", "none", "-store", `file:${path}`, ...flags],
        ),
        silentLog,
      );
      releases.push(() => daemon.close());
      await daemon.start();
      return { daemon, admin: adminOf(daemon), socket };
    },
  };
}

function adminOf({ adminUrl }: Daemon): string {
  return (adminUrl ?? "").replace("http://", "");
}

describe("status of one daemon", () => {
  test("maintenance is on or off, and in capitals where it is on", async () => {
    const { daemon, write } = site({ canary: 0.25, maintenance: 1 });
    const { admin } = await daemon();
    const on = await run(["status", "-admin", admin]);
    expect(on.status).toBe(0);
    expect(on.stdout).toMatch(/^ {2}MAINTENANCE +IS ON/m);
    expect(on.stdout).toMatch(/^ {2}maintenance +on$/m);
    expect(on.stderr).toContain("app IS IN MAINTENANCE");
    write({ canary: 0.25, maintenance: 0 });
    await eventually(async () => {
      const { stdout, stderr } = await run(["status", "-admin", admin]);
      return /^ {2}maintenance +off$/m.test(stdout) && !stdout.includes("MAINTENANCE") && stderr === "";
    }, "maintenance is off");
  });

  test("a malformed record of maintenance does not end maintenance, and of a version counts as 0%", async () => {
    const { daemon, write } = site({ canary: 0.25, maintenance: 1 });
    const { admin } = await daemon();
    write({ canary: 7, maintenance: 7 });
    await eventually(async () => {
      const { stdout } = await run(["status", "-admin", admin]);
      return /^ {2}malformed +canary: each counts as 0%; maintenance: it stays as it was$/m.test(stdout);
    }, "both are malformed");
  });

  test("shows the share that is left to a version under another one, and the version that takes it", async () => {
    const { admin } = await site({ canary: 0.5, blue: 0.6 }).daemon();
    const { stdout } = await run(["status", "-admin", admin]);
    expect(stdout).toMatch(/^ {2}canary +50% +50%$/m);
    expect(stdout).toMatch(/^ {2}blue +60% +10% +canary takes 50% of all visitors from blue$/m);
  });

  test("an application without records is a warning", async () => {
    const { admin } = await site({}).daemon();
    const { status, stdout, stderr } = await run(["status", "-admin", admin]);
    expect(status).toBe(0);
    expect(stdout).toContain("no version: all visitors go to master");
    expect(stderr).toContain("app has no record in the store: all visitors go to master");
  });

  test.each([
    ["a list of nothing", { pid: 1, applications: [null], servers: [] }],
    ["an application without arcs", { pid: 1, applications: [{ name: "app" }], servers: [] }],
    ["a name that is not a text", { pid: 1, applications: [{ name: {} }], servers: [null] }],
    ["no object", []],
  ])("a program that answers %s is not this daemon", async (_, answer) => {
    const stranger = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(answer) });
    releases.push(() => stranger.stop(true));
    const { status, stderr } = await run(["status", "-admin", `127.0.0.1:${stranger.port}`]);
    expect([status, stderr]).toEqual([1, expect.stringContaining("is not this daemon")]);
  });

  test("stale rollouts end it with 1, and what holds is named", async () => {
    const { daemon, write, store } = site({
      canary: 0.5,
      blue: { rollout: 1, offset: 0.5, failsafe: "hold" },
    });
    const { admin } = await daemon("-unhealthy", "200ms");
    expect((await run(["status", "-admin", admin])).status).toBe(0);
    writeFileSync(store.slice("file:".length), "{");
    await eventually(async () => (await run(["status", "-admin", admin])).status === 1, "stale");
    const { stdout, stderr } = await run(["status", "-admin", admin]);
    expect(stdout).toContain("STALE: all visitors go to master, except the visitors of blue (failsafe hold)");
    expect(stdout).toMatch(/canary +0% \(was 50%\)/);
    expect(stderr).toContain("app IS STALE");
    expect(stdout + stderr).not.toContain("last values hold");
    write({});
  });
});

/** This machine's name, if it leads to the loopback address that the daemons here listen on. */
const isNamed = await lookup(hostname()).then(
  ({ address }) => address === "127.0.0.1",
  () => false,
);

test.skipIf(!isNamed)("a daemon is found under any name that leads to it", async () => {
  const { admin } = await site({ canary: 0.25 }).daemon();
  const byName = admin.replace("127.0.0.1", hostname());
  expect((await run(["status", "-admin", byName])).status).toBe(0);
});

describe("status of several daemons", () => {
  test("agree: 0; one that does not answer, or has other rollouts: 1; none: 3", async () => {
    const one = site({ canary: 0.25 });
    const [a, b] = [await one.daemon(), await one.daemon()];
    const other = await site({ canary: { rollout: 0.3, offset: 0.5 } }).daemon();
    const agreed = await run(["status", "-admin", a.admin, "-admin", b.admin]);
    expect(agreed).toMatchObject({ status: 0, stderr: "" });
    expect(agreed.stdout).toMatch(/^app +canary 25% +all 2$/m);

    const apart = await run(["status", "-admin", a.admin, "-admin", b.admin, "-admin", other.admin]);
    expect(apart.status).toBe(1);
    expect(apart.stderr).toContain("the daemons DO NOT AGREE about app: ");
    expect(apart.stderr).toContain(`canary 30% from 0.5 at ${other.admin}`);

    const missing = await run(["status", "-admin", a.admin, "-admin", "127.0.0.1:1", "-o", "json"]);
    expect(missing.status).toBe(1);
    const { daemons, agree } = JSON.parse(missing.stdout);
    expect(agree).toBe(true);
    expect(daemons.map(({ state, error }: never) => [state !== null, error !== null])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect((await run(["status", "-admin", "127.0.0.1:1", "-admin", "127.0.0.1:2"])).status).toBe(3);
  });
});

describe("status -watch", () => {
  /** Runs it until `count` pages are printed. */
  async function watched(admins: readonly string[], count: number, isTerminal: boolean, ...flags: string[]) {
    let pages = 0;
    const flagsOf = admins.flatMap((admin) => ["-admin", admin]);
    return run(["status", "-watch", "200ms", ...flagsOf, ...flags], {}, undefined, {
      isTerminal,
      onPrint(_, interrupt) {
        if (++pages === count) interrupt();
      },
    });
  }

  test("shows the share of the last decisions beside the ordered one, and ends with 130", async () => {
    const { admin, socket } = await site({ canary: 0.25 }).daemon();
    const client = await LineClient.connect({ path: socket });
    // Long before: they belong to no reading.
    for (let visitor = 0; visitor < 50; visitor++) await client.ask("0.1");
    const ended = { is: false };
    const asking = (async () => {
      for (let visitor = 0; !ended.is; visitor++) await client.ask(visitor % 2 === 0 ? "0.1" : "0.9");
    })();
    const { status, stdout } = await watched([admin], 3, true);
    ended.is = true;
    await asking;
    client.close();
    expect(status).toBe(130);
    const pages = stdout.split("\u001b[2J\u001b[H").slice(1);
    expect(pages).toHaveLength(3);
    for (const page of pages) {
      expect(page).toMatch(/^app: read \d+ms ago, \d+ decisions$/m);
      const [, ordered, now] = /^ {2}canary +(\S+) +(\S+)% /m.exec(page) ?? [];
      expect(ordered).toBe("25%");
      expect(Math.abs(Number(now) - 50)).toBeLessThan(5);
      expect(page).toMatch(/^ {2}master +75% +\d/m);
    }
  });

  test("into a pipe goes a line for each application, and with -o json a line of JSON", async () => {
    const { admin } = await site({ canary: 0.25, maintenance: 1 }).daemon();
    const text = await watched([admin], 2, false);
    expect(text.stdout).not.toContain("\u001b");
    const [line = ""] = text.stdout.split("\n");
    expect(line).toMatch(
      /^\S+Z app MAINTENANCE 0 decisions in 0\.[2-9]s now\/ordered canary=–\/25% master=–\/75%$/,
    );
    const { stdout } = await watched([admin], 2, false, "-o", "json");
    const readings = stdout
      .trimEnd()
      .split("\n")
      .map((each) => JSON.parse(each));
    expect(readings).toHaveLength(2);
    expect(readings[0].applications[0]).toMatchObject({
      application: "app",
      maintenance: true,
      versions: [
        { version: "canary", ordered: 0.25, now: null },
        { version: "master", ordered: 0.75 },
      ],
    });
  });

  test("says that proxies which decide by themselves and report nothing are not in its figures", async () => {
    const { daemon } = site({ canary: 0.25 });
    const { admin } = await daemon("-haproxy-map", "/nowhere/haproxy.sock");
    const { stdout } = await watched([admin], 1, true);
    expect(stdout).toContain("HAProxy with a map decides by itself and reports nothing");
    const plain = await site({ canary: 0.25 }).daemon();
    expect((await watched([plain.admin], 1, true)).stdout).not.toContain("reports nothing");
  });

  test("a daemon that goes away is reported, and status goes on", async () => {
    const one = site({ canary: 0.25 });
    const [a, b] = [await one.daemon(), await one.daemon()];
    let pages = 0;
    const { status, stdout } = await run(
      ["status", "-watch", "200ms", "-admin", a.admin, "-admin", b.admin],
      {},
      undefined,
      {
        onPrint(text, interrupt) {
          if (pages++ === 0) void b.daemon.close();
          if (text.includes("NO ANSWER") || pages > 50) interrupt();
        },
      },
    );
    expect(status).toBe(130);
    expect(stdout).toContain(`NO ANSWER from ${b.admin}`);
    expect((await run(["status", "-watch", "-admin", "127.0.0.1:1"])).status).toBe(3);
  });
});

describe("set -wait", () => {
  test("ends when all daemons have the record", async () => {
    const { daemon, store } = site({ canary: 0.25 });
    const [a, b] = [await daemon(), await daemon()];
    const { status, stdout } = await run([
      ...["set", "canary", "-wait", "30%", "-offset", "0.5", "-store", store],
      ...["-admin", a.admin, "-admin", b.admin],
    ]);
    expect(status).toBe(0);
    expect(stdout).toEndWith(`${a.admin} follows\n${b.admin} follows\n`);
    for (const { daemon: each } of [a, b]) {
      expect((await stateOf(each)).applications[0]?.arcs).toMatchObject([{ rollout: 0.3, offset: 0.5 }]);
    }
  });

  test("a daemon that does not follow in time is named, with 5", async () => {
    const { daemon, store } = site({ canary: 0.25 });
    const { admin } = await daemon();
    const elsewhere = await site({ canary: 0.25 }).daemon();
    const { status, stdout, stderr } = await run([
      ...["set", "canary", "30%", "-wait", "1s", "-store", store, "-o", "json"],
      ...["-admin", admin, "-admin", elsewhere.admin, "-admin", "127.0.0.1:1"],
    ]);
    expect(status).toBe(5);
    const { written, followers } = JSON.parse(stdout);
    expect(written).toBe(true);
    expect(followers).toMatchObject([
      { follows: true, instead: "" },
      { follows: false, instead: "it has 25%, offset 0, failsafe master" },
      { follows: false, instead: expect.stringContaining("ECONNREFUSED") },
    ]);
    expect(stderr).toContain(
      "the change was written. Visitors of a machine that does not follow are where its daemon last placed them, or at master if it is gone\n",
    );
    const again = await run([
      ...["set", "canary", "30%", "-wait", "1s", "-store", store, "-admin", "127.0.0.1:1"],
    ]);
    expect(again.status).toBe(5);
    expect(again.stderr).toContain("the store had the value already. Visitors of a machine");
  });

  test("maintenance stays as it is at a daemon that is gone", async () => {
    const { store } = site({ canary: 0.25 });
    const { status, stderr } = await run([
      ...["set", "maintenance", "on", "-wait", "1s", "-store", store, "-admin", "127.0.0.1:1"],
    ]);
    expect(status).toBe(5);
    expect(stderr).toContain(
      "the change was written. At a machine that does not follow, maintenance stays as it is there, also if its daemon is gone\n",
    );
  });

  test("without an admin listener to ask it writes nothing", async () => {
    const { store } = site({ canary: 0.25 });
    const { status } = await run(["set", "canary", "30%", "-wait", "-store", store, "-admin", "none"]);
    expect(status).toBe(2);
    expect((await run(["get", "-store", store])).stdout).toContain("25%");
  });
});
