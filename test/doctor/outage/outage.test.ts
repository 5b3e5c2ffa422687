/** The only part of doctor that breaks anything: whatever happens to doctor, the daemon comes back. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ask } from "../../../src/client/line.ts";
import { listeningFor } from "../../../src/doctor/machine/listening.ts";
import { Outage } from "../../../src/doctor/outage/outage.ts";
import { eventually } from "../../support/eventually.ts";
import { Setup } from "../setup.ts";
import { NOBODY, Stranger } from "../stranger.ts";

/** The time for a run of all checks, on a machine that runs other tests as well. */
const TIMEOUT_MS = 120_000;

/** The time of a guard that has to act. The test must stop the daemon before, on a busy machine too. */
const GUARD_MS = 2_000;

const BIN = join(import.meta.dir, "../../../src/bin.ts");

let setup: Setup;
beforeAll(async () => {
  setup = await Setup.start(["-unhealthy", "3s"]);
});
afterAll(() => setup.stop());

/** Whether a signal has stopped the daemon. */
function isStopped(): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${setup.daemon.pid}/status`, "utf8"));
}

/** Sockets that were moved aside. */
function asides(): string[] {
  return readdirSync(dirname(setup.home.socket)).filter((name) => name.endsWith(".doctor"));
}

async function isWell(): Promise<void> {
  await eventually(
    () => !isStopped() && asides().length === 0 && existsSync(setup.home.socket),
    "given back",
  );
  const address = { kind: "unix", path: setup.home.socket } as const;
  expect((await ask({ address, assignment: "0.9", timeoutMs: 5_000 })).location).toBe("master");
  expect(setup.daemon.log).not.toContain("listens there again");
}

function prepare() {
  return Outage.prepare({ pid: setup.daemon.pid, adminPort: setup.adminPort, sockets: [setup.home.socket] });
}

async function prepared(): Promise<Outage> {
  const outage = await prepare();
  if ("why" in outage) throw new Error(outage.why);
  return outage;
}

describe("an outage", () => {
  test("hangs the daemon, hides its socket, and gives both back", async () => {
    const outage = await prepared();
    expect(outage.sockets).toEqual([setup.home.socket]);
    outage.hang();
    await eventually(isStopped, "stopped");
    expect(existsSync(setup.home.socket)).toBe(true);
    expect(outage.hide()).toBeUndefined();
    expect([existsSync(setup.home.socket), asides().length]).toEqual([false, 1]);
    outage.end();
    outage.end();
    await isWell();
  });

  test("does not begin if the process cannot be shown to be the daemon", async () => {
    const target = { pid: setup.daemon.pid, adminPort: setup.adminPort, sockets: [setup.home.socket] };
    for (const wrong of [
      { pid: process.ppid },
      { pid: 1 },
      { pid: 0 },
      { pid: -1 },
      { pid: process.pid },
      { adminPort: 9 },
    ]) {
      expect(await Outage.prepare({ ...target, ...wrong })).toHaveProperty("why");
    }
    expect(isStopped()).toBe(false);
  });

  test("moves no socket at which another process listens", async () => {
    const outage = await Outage.prepare({
      pid: setup.daemon.pid,
      adminPort: setup.adminPort,
      sockets: [setup.upstream("master"), setup.home.socket],
    });
    if ("why" in outage) throw new Error(outage.why);
    expect(outage.sockets).toEqual([setup.home.socket]);
    outage.end();
  });

  test("prints the way back by hand with each path quoted for a shell", async () => {
    const directory = mkdtempSync(join(tmpdir(), "outage-"));
    const path = join(directory, "a b'; touch x");
    const stranger = await Stranger.start(path);
    try {
      const outage = await stranger.prepare();
      if ("why" in outage) throw new Error(outage.why);
      const [moved] = outage.sockets;
      outage.end();
      expect(moved).toBe(path);
      expect(outage.byHand).toContain(`'${directory}/a b'\\''; touch x'; kill -CONT`);
    } finally {
      await stranger.end();
      rmSync(directory, { recursive: true });
    }
  });

  test("leaves a newer file at the socket's path alone", async () => {
    const outage = await prepared();
    outage.hang();
    await eventually(isStopped, "stopped");
    outage.hide();
    writeFileSync(setup.home.socket, "newer");
    outage.end();
    expect([readFileSync(setup.home.socket, "utf8"), asides()]).toEqual(["newer", []]);
    rmSync(setup.home.socket);
    await eventually(() => existsSync(setup.home.socket), "the daemon's new socket");
    await setup.daemon.end("SIGKILL");
    setup.daemon = await setup.home.start();
  });

  test("ends by the guard if doctor is killed while the daemon is stopped and its socket hidden", async () => {
    const script = `
      import { readFileSync } from "node:fs";
      import { Outage } from ${JSON.stringify(join(import.meta.dir, "../../../src/doctor/outage/outage.ts"))};
      const outage = await Outage.prepare(${JSON.stringify({
        pid: setup.daemon.pid,
        adminPort: setup.adminPort,
        sockets: [setup.home.socket],
      })});
      outage.hang();
      while (!/^State:\\s+T/m.test(readFileSync("/proc/${setup.daemon.pid}/status", "utf8"))) await Bun.sleep(1);
      outage.hide();
      console.log("gone");
      setInterval(() => {}, 1_000);`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    try {
      await child.stdout.getReader().read();
      await eventually(isStopped, "stopped");
      expect(asides().length).toBe(1);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    await isWell();
  });

  test("ends by the guard after its time if doctor itself hangs", async () => {
    const outage = await Outage.prepare(
      { pid: setup.daemon.pid, adminPort: setup.adminPort, sockets: [setup.home.socket] },
      GUARD_MS,
    );
    if ("why" in outage) throw new Error(outage.why);
    outage.hang();
    await eventually(isStopped, "stopped");
    expect(outage.hide()).toBeUndefined();
    await isWell();
    outage.end();
  });
});

describe.skipIf(process.getuid?.() !== 0)("a stranger at the admin port of a doctor that root runs", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "stranger-"));
    chmodSync(directory, 0o755);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** The effect of the outage on the stranger's socket, while it lasts. */
  async function broken(stranger: Stranger) {
    const outage = await stranger.prepare();
    if ("why" in outage) throw new Error(outage.why);
    try {
      outage.hang();
      const why = outage.hide();
      return {
        ...{ sockets: outage.sockets, refused: outage.refused.join(), why },
        names: readdirSync(directory),
      };
    } finally {
      outage.end();
    }
  }

  test("moves no file if it bound the name in a file system of its own", async () => {
    const path = join(directory, "victim.sock");
    const victim = Bun.listen({ unix: path, socket: { data() {} } });
    const stranger = await Stranger.start(path, { ownDirectory: directory });
    try {
      // In the kernel's list, the stranger listens at this same path.
      expect(listeningFor(path)).toHaveLength(2);
      expect(await broken(stranger)).toMatchObject({
        sockets: [],
        refused: `process ${stranger.pid} sees another file at ${path}`,
        names: ["victim.sock"],
      });
    } finally {
      await stranger.end();
      victim.stop();
    }
  });

  test("moves no file if it bound the name before another user did", async () => {
    chmodSync(directory, 0o777);
    const path = join(directory, "victim.sock");
    const stranger = await Stranger.start(path, { uid: NOBODY });
    rmSync(path);
    const victim = Bun.listen({ unix: path, socket: { data() {} } });
    try {
      expect(await broken(stranger)).toMatchObject({
        sockets: [],
        refused: `${path} belongs to user "root", and process ${stranger.pid} runs as user "nobody"`,
        names: ["victim.sock"],
      });
    } finally {
      await stranger.end();
      victim.stop();
    }
  });

  test("moves its own socket, and only if it could do so without root", async () => {
    chmodSync(directory, 0o777);
    const path = join(directory, "own.sock");
    const stranger = await Stranger.start(path, { uid: NOBODY });
    try {
      expect((await broken(stranger)).names).toEqual([expect.stringMatching(/^own\.sock\..*\.doctor$/)]);
      expect(readdirSync(directory)).toEqual(["own.sock"]);
      chmodSync(directory, 0o755);
      const kept = await broken(stranger);
      expect([kept.why, kept.names]).toEqual([expect.stringMatching(/^EACCES/), ["own.sock"]]);
      expect([process.geteuid?.(), process.getegid?.()]).toEqual([0, 0]);
    } finally {
      await stranger.end();
    }
  });
});

describe("doctor -break, interrupted while the daemon is away", () => {
  /** A site that keeps serving its canary, so the outage lasts as long as doctor waits. */
  const site = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const [, assignment] = /maxwellsdaemon=(0[.\d]*)/.exec(request.headers.get("cookie") ?? "") ?? [];
      const location = Number(assignment ?? 1) < 0.25 ? "canary" : "master";
      return new Response("page", { headers: { "maxwellsdaemon-location": location } });
    },
  });
  afterAll(() => site.stop(true));

  async function interrupted(signal: NodeJS.Signals): Promise<number> {
    const flags = [...setup.flags, "-url", site.url.href, "-probes", "20", "-break"];
    const child = Bun.spawn([process.execPath, BIN, "doctor", ...flags], {
      stdout: "ignore",
      stderr: "inherit",
    });
    try {
      const deadlineMs = performance.now() + TIMEOUT_MS / 2;
      while (!isStopped()) {
        if (child.exitCode !== null || performance.now() > deadlineMs) {
          throw new Error("the daemon was never stopped");
        }
        await Bun.sleep(5);
      }
      child.kill(signal);
      return await child.exited;
    } finally {
      child.kill("SIGKILL");
    }
  }

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGKILL", 137],
  ] as const)(
    "by %s it ends with %d, and the daemon comes back",
    async (signal, status) => {
      expect(await interrupted(signal)).toBe(status);
      // Doctor itself gives the daemon back before it ends. If doctor is killed, the guard does it.
      if (signal !== "SIGKILL") expect([isStopped(), asides()]).toEqual([false, []]);
      await isWell();
    },
    TIMEOUT_MS,
  );

  test(
    "without an interruption doctor reports the failure, and the daemon comes back",
    async () => {
      const { status, check } = await setup.examine("-url", site.url.href, "-probes", "20", "-break");
      const { verdict, summary } = check("outage");
      expect({ status, verdict, summary }).toEqual({
        ...{ status: 1, verdict: "fail" },
        summary: expect.stringContaining("versions still had visitors"),
      });
      expect(check("outage").evidence).toMatchObject({ errors: 0, graceMs: null });
      await isWell();
    },
    TIMEOUT_MS,
  );

  test(
    "without -break the daemon is never away",
    async () => {
      // A daemon of its own, because the log of the other one has the outages of the tests before.
      const own = await Setup.start(["-unhealthy", "3s"]);
      try {
        const { check } = await own.examine("-url", site.url.href, "-probes", "20");
        expect([check("outage").verdict, check("outage").summary]).toEqual([
          "skipped",
          "the check takes the daemon away for some seconds, and -break was not given",
        ]);
        // After its end the log is whole. If doctor had taken the daemon away for its usual time, the snapshot
        // would have become too old.
        await own.daemon.end();
        expect(own.daemon.log).not.toContain("unhealthy");
      } finally {
        await own.stop();
      }
    },
    TIMEOUT_MS,
  );
});

test(
  "a run ends within a bounded time if the site hangs",
  async () => {
    const hanging = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const beganMs = performance.now();
    const { status, check } = await setup.examine("-url", `http://127.0.0.1:${hanging.port}/`);
    expect(performance.now() - beganMs).toBeLessThan(15_000);
    expect([status, check("url").summary.includes("no whole reply within 5000 ms")]).toEqual([1, true]);
    hanging.stop(true);
  },
  TIMEOUT_MS,
);
