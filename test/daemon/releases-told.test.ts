/** A release that goes forward, in all that a daemon tells: metrics, `/state`, `status` and the log. */

import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { createDaemon, type Daemon } from "../../src/daemon/daemon.ts";
import type { ReleaseState } from "../../src/overview/release-state.ts";
import { move } from "../../src/releases/machine.ts";
import { readRelease } from "../../src/releases/read-release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Request } from "../../src/releases/request.ts";
import { nowIn } from "../../src/verbs/look.ts";
import { run, temporaryDirectory } from "../cli/run.ts";
import { planOf, START } from "../releases/world.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";
import { settingsOf } from "../support/settings.ts";
import { stateOf } from "../support/state.ts";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Told {
  readonly daemon: Daemon;
  readonly log: KeptLog;
  readonly admin: string;
  release(): Promise<ReleaseState | undefined>;
  /** The value of a series of the release of canary. */
  metric(name: string, more?: string): Promise<number | undefined>;
}

/** Daemons on one file store of the application `app`. */
function site() {
  const directory = temporaryDirectory();
  endings.push(() => directory[Symbol.dispose]());
  const path = directory.path("rollouts.json");
  writeFileSync(path, JSON.stringify({ app: { canary: 0 } }));
  let count = 0;
  const value = () => {
    const { canary } = JSON.parse(readFileSync(path, "utf8")).app;
    return typeof canary === "number" ? { rollout: canary } : canary;
  };
  return {
    /** A person's verb, written as a command writes it. */
    ask(request: Request): void {
      const now = nowIn(new Map([["canary", { value: value(), revision: "" }]]), "canary");
      const outcome = move(now, request, { nowMs: Date.now(), tx: START.key, author: "ada@web-1" });
      if (outcome.kind !== "write" || outcome.release === null) throw new Error(JSON.stringify(outcome));
      const { rollout, offset, release } = outcome;
      const record = { rollout, offset, release: releaseField(release), updatedBy: "ada@web-1" };
      writeFileSync(path, JSON.stringify({ app: { canary: record } }));
    },
    state: () => {
      const found = readRelease(value().release);
      return found.kind === "release" ? found.release.state : undefined;
    },
    async daemon(...flags: string[]): Promise<Told> {
      const log = new KeptLog();
      const daemon = await createDaemon(
        settingsOf(
          ...["-socket", directory.path(`${count}.sock`), "-state-dir", directory.path(`state${count++}`)],
          ...[
            "-admin",
            "127.0.0.1:0",
            "-statsd",
            "none",
            "-store",
            `file:${path}`,
            "-delay",
            "50ms",
            ...flags,
          ],
        ),
        log,
      );
      endings.push(() => daemon.close());
      await daemon.start();
      return {
        ...{ daemon, log, admin: (daemon.adminUrl ?? "").replace("http://", "") },
        release: async () => (await stateOf(daemon)).applications[0]?.releases?.[0],
        async metric(name, more = "") {
          const page = await (await fetch(`${daemon.adminUrl}/metrics`)).text();
          const series = `maxwells_daemon_release_${name}{application="app",version="canary"${more}} `;
          const line = page.split("\n").find((each) => each.startsWith(series));
          return line === undefined ? undefined : Number(line.slice(series.length));
        },
      };
    },
  };
}

function start(plan: string): Request {
  return {
    ...{ verb: "release", replace: false, seenKey: null, reason: undefined },
    start: { ...START, plan: planOf(plan) },
  };
}

/** The lines that say what became of a release or of a rollout. */
function transitionsOf({ log }: Told): unknown[] {
  return log
    .at("info")
    .filter(({ message }) => /^release |^rollouts changed$/.test(message))
    .map(({ message, fields }) => [message, fields["by"]]);
}

describe("while a release goes forward", () => {
  test("a daemon that leads and one that only follows tell the same of it", async () => {
    const { ask, daemon, state } = site();
    const leading = await daemon("-releases", "on", "-name", "web-1");
    const following = await daemon();
    expect(await leading.metric("phase", ',phase="running"')).toBeUndefined();
    ask(start("1%:1s,50%:1s,100%:1h"));
    for (const each of [leading, following]) {
      await eventually(async () => (await each.metric("step")) === 1, "the first step");
    }
    await eventually(async () => (await leading.release())?.lead?.waits.length === 1, "what it waits for");
    const led = await leading.release();
    expect(led).toMatchObject({ id: 8, of: "v43", state: "running", step: 1, steps: 3, rollout: 0.01 });
    expect(led?.lead).toMatchObject({ ledBy: ["web-1"], nobodyLeads: false, problem: null });
    expect(led?.lead?.waits).toMatchObject([{ kind: "time", ofMs: 1_000 }]);
    expect((await following.release())?.lead).toBeNull();
    const page = await run(["status", "-admin", leading.admin]);
    expect(page.stdout).toMatch(/release +release 8 \(v43\) running, step 1\/3; canary 1% since/);
    expect(page.stdout).toMatch(/led by +web-1$/m);
    await eventually(() => state() === "promoted", "the last step", 20_000);
    for (const each of [leading, following]) {
      await eventually(async () => (await each.metric("phase", ',phase="promoted"')) === 1, "the promotion");
      expect(await each.metric("phase", ',phase="running"')).toBe(0);
      expect(await each.metric("step")).toBe(3);
      expect(await each.metric("steps")).toBe(3);
      expect(await each.metric("advances_total")).toBe(2);
      expect(Math.abs(((await each.metric("since_seconds")) ?? 0) - Date.now() / 1_000)).toBeLessThan(30);
    }
    expect(await leading.metric("leaders")).toBe(1);
    expect(await following.metric("leaders")).toBeUndefined();
    ask({ verb: "undo", key: undefined, reason: "INC-42", overMs: 0 });
    for (const each of [leading, following]) {
      await eventually(
        async () => (await each.metric("aborts_total", ',reason="person"')) === 1,
        "the abort",
      );
      expect(await each.metric("phase", ',phase="aborted"')).toBe(1);
      expect((await each.release())?.reason).toBe("INC-42");
    }
    const fleet = await run(["status", "-admin", leading.admin, "-admin", following.admin]);
    expect(fleet.stdout).toContain("release 8 (v43) aborted at step 3/3");
  }, 40_000);

  test("a daemon that only follows has one line of the log for each transition", async () => {
    const { ask, daemon } = site();
    const following = await daemon();
    ask(start("1%:1h,100%:1h"));
    await eventually(async () => (await following.release())?.state === "running", "the start");
    ask({ verb: "pause", key: undefined, reason: "lunch" });
    await eventually(async () => (await following.release())?.state === "paused", "the pause");
    ask({ verb: "abort", key: undefined, reason: "INC-42" });
    await eventually(async () => (await following.release())?.state === "aborted", "the abort");
    expect(transitionsOf(following)).toEqual([
      ["rollouts changed", "ada@web-1"],
      ["release 8 of app is paused, step 1/2", "ada@web-1"],
      ["rollouts changed", "ada@web-1"],
    ]);
  });
});
