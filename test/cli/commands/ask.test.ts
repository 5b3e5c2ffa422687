/** `ask` and `status`, against real listeners. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Admin } from "../../../src/admin/admin.ts";
import type { State } from "../../../src/admin/state.ts";
import { emptyServerCounts } from "../../../src/metrics.ts";
import { REASONS } from "../../../src/placement.ts";
import { LineServer } from "../../../src/servers/line.ts";
import { durationText } from "../../../src/text/amounts.ts";
import { createCore } from "../../support/core.ts";
import { listener } from "../../support/server-identity.ts";
import { run, temporaryDirectory } from "../run.ts";

const directory = temporaryDirectory();
const socket = directory.path("md.sock");
const core = createCore({ applications: ["website", "other"] });
const server = new LineServer(core, {
  address: { kind: "unix", path: socket },
  socketMode: 0o600,
  idleTimeoutMs: 60_000,
});

const STATE: State = {
  version: "3.0.0",
  pid: 4711,
  startedAt: "2026-01-02T03:04:05.000Z",
  uptimeMs: 3_723_000,
  ready: true,
  notReady: null,
  store: "file:/etc/rollouts.json",
  config: "/etc/maxwells-daemon/maxwells-daemon.toml",
  applications: [
    {
      name: "app",
      fresh: true,
      ageMs: 350,
      leaseMs: 7_650,
      error: null,
      reads: { success: 12, failure: 1, malformed: 0 },
      records: 2,
      arcs: [{ version: "canary", rollout: 0.05, offset: 0.5, failsafe: "hold" }],
      malformed: ["blue"],
      decisions: [{ location: "canary", reason: "rollout", count: 42 }],
      reported: [{ location: "canary", kind: "decided", count: 7 }],
    },
    {
      name: "lost",
      fresh: false,
      ageMs: null,
      leaseMs: 0,
      error: "the file\u001b[2J is gone",
      reads: { success: 0, failure: 9, malformed: 0 },
      records: null,
      arcs: [],
      malformed: [],
      decisions: [],
      reported: [],
    },
  ],
  servers: [
    {
      ...emptyServerCounts(listener("line", "/tmp/x.sock")),
      ...{ success: 42, failure: 3, connections: 1, accepted: 7 },
    },
  ],
};

const admin = new Admin(core, {
  address: { host: "127.0.0.1", port: 0 },
  hosts: [],
  notReady: () => undefined,
  metrics: undefined,
  async *state() {
    yield JSON.stringify(STATE);
  },
  listeners: () => "{}",
  probes: () => "{}",
});

beforeAll(async () => {
  core.apply("website", { rollout: 0.25 });
  core.apply("other", { rollout: 1 });
  await Promise.all([server.start(), admin.start()]);
});
afterAll(async () => {
  await Promise.all([server.close(), admin.close()]);
  directory[Symbol.dispose]();
});

describe("ask", () => {
  const ask = (...argv: string[]) => run(["ask", "-socket", socket, ...argv]);

  test("prints assignment and location", async () => {
    expect(await ask("0.2")).toEqual({
      status: 0,
      stdout: "assignment  0.2\nlocation    canary\n",
      stderr: "",
    });
  });

  test("asks for the default application unless one is named", async () => {
    expect((await ask("0.9")).stdout).toContain("master");
    expect((await ask("0.9", "-application", "other", "-application", "x")).stdout).toContain("canary");
  });

  test("the same key has the same assignment", async () => {
    const first = await ask("-key", "user 1");
    expect(first.stdout).toBe((await ask("-key", "user 1")).stdout);
    expect(first.stdout).not.toBe((await ask("-key", "user 2")).stdout);
  });

  test("-v says why, in a sentence", async () => {
    const { stdout } = await ask("0.9", "-v");
    expect(stdout).toContain(`reason       outside: ${REASONS.outside}\n`);
    expect(stdout).toContain("arcs         canary=0.25@0\n");
  });

  test("-o json gives JSON, with numbers as numbers", async () => {
    const answer = JSON.parse((await ask("0.2", "-v", "-o", "json")).stdout);
    expect(answer).toEqual({
      assignment: 0.2,
      location: "canary",
      reason: "rollout",
      application: "website",
      arcs: ["canary=0.25@0"],
    });
  });

  test.each(["1", "-0.5", "abc", "0.5 force=canary", "0.5\n0.6", "NaN"])(
    "%j is not an assignment, so nothing is asked",
    async (assignment) => {
      const { status, stderr, stdout } = await ask("--", assignment);
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(stderr).toContain("write a number from 0 to less than 1");
    },
  );

  test("says that maintenance is on, with and without -v", async () => {
    expect((await ask("0.2")).stdout).not.toContain("MAINTENANCE");
    core.apply("other", { rollout: 1 }, { version: "maintenance", rollout: 1 });
    try {
      for (const flags of [[], ["-v"]]) {
        const { status, stdout } = await ask("0.2", "-application", "other", ...flags);
        expect(status).toBe(0);
        expect(stdout).toMatch(/^MAINTENANCE +IS ON/m);
      }
      const json = await ask("0.2", "-application", "other", "-o", "json");
      expect(JSON.parse(json.stdout)).toEqual({ assignment: 0.2, location: "canary", maintenance: true });
      core.apply("other", { rollout: 1 }, { version: "maintenance", rollout: 0 });
      expect((await ask("0.2", "-application", "other")).stdout).not.toContain("MAINTENANCE");
    } finally {
      core.apply("other", { rollout: 1 });
    }
  });

  test("an application that is not served ends with 1, and says what its visitors get", async () => {
    for (const flags of [[], ["-v"]]) {
      const { status, stdout, stderr } = await ask("0.1", "-application", "nope", ...flags);
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toContain("does not serve the application nope: its visitors go to master");
    }
  });

  test("-force that the daemon ignores is told", async () => {
    const { status, stdout, stderr } = await ask("0.9", "-force", "nope");
    expect(status).toBe(0);
    expect(stdout).toContain("master");
    expect(stderr).toContain("the daemon ignored -force nope, and decided by the rollouts.");
  });

  test("a daemon that cannot explain is asked without", async () => {
    const path = directory.path("old.sock");
    const old = Bun.listen({
      unix: path,
      socket: {
        data(peer, bytes) {
          peer.end(String(bytes).startsWith("?") ? "0.77\nmaster\n" : "0.2\ncanary\n");
        },
      },
    });
    try {
      expect((await run(["ask", "0.2", "-socket", path])).stdout).toBe(
        "assignment  0.2\nlocation    canary\n",
      );
      expect((await run(["ask", "0.2", "-v", "-socket", path])).status).not.toBe(0);
    } finally {
      old.stop(true);
    }
  });

  test("no daemon at the socket ends with 3 and the remedy", async () => {
    const { status, stderr } = await run(["ask", "-socket", directory.path("nobody.sock")]);
    expect(status).toBe(3);
    expect(stderr).toContain("is the daemon running?");
  });

  test("a file that is not a socket ends with 3", async () => {
    const path = directory.path("file");
    writeFileSync(path, "");
    expect((await run(["ask", "-socket", path])).status).toBe(3);
  });
});

describe("status", () => {
  const address = () => admin.url.replace("http://", "");

  test("prints arcs, age, lease, store and counts", async () => {
    const { status, stdout } = await run(["status", "-admin", address()]);
    expect(status).toBe(1);
    for (const line of [
      /^store +file:\/etc\/rollouts.json$/m,
      /^up +1h2m, since 2026-01-02/m,
      /^ {2}age +350ms$/m,
      /^ {2}lease +7\.7s$/m,
      /^ {2}canary +5% +0\.5 +hold /m,
      /^ {2}canary +rollout +42$/m,
      /^line unix:\/tmp\/x.sock +42 +3 +1 +7 +0$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  test("is loud about what is stale, ends with 1, and lets nothing drive the terminal", async () => {
    const { status, stdout, stderr } = await run(["status", "-admin", address()]);
    expect(status).toBe(1);
    expect(stderr).toContain("lost IS STALE (never read): all visitors go to master; the file");
    expect(stdout).toMatch(/^ {2}canary +5% +0\.5 +hold +failsafe hold below 100%$/m);
    expect(stdout).toContain("STALE");
    expect(stdout + stderr).not.toContain("\u001b");
    expect(stderr).not.toContain("app IS STALE");
  });

  test("-o json hands on what the daemon said", async () => {
    expect(JSON.parse((await run(["status", "-admin", address(), "-o", "json"])).stdout)).toEqual(STATE);
  });

  test("no answer ends with 3, another program with 1, none with 2", async () => {
    const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("{}") });
    // A server that was stopped no longer knows its port.
    const { port } = other;
    try {
      expect((await run(["status", "-admin", `127.0.0.1:${port}`])).status).toBe(1);
    } finally {
      await other.stop(true);
    }
    const { status, stderr } = await run(["status", "-admin", `127.0.0.1:${port}`]);
    expect(status).toBe(3);
    expect(stderr).toContain("is the daemon running?");
    expect((await run(["status", "-admin", "none"])).status).toBe(2);
  });

  test.each([
    [999, "999ms"],
    [4_240, "4.2s"],
    [190_000, "3m10s"],
    [18_120_000, "5h2m"],
    [273_600_000, "3d4h"],
  ])("%p ms are told as %s", (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});
