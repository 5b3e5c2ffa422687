/** A release goes forward by its plan, and only by its plan. */

import { describe, expect, test } from "bun:test";
import { FREEZE, freezeFields } from "../../src/verbs/freeze.ts";
import { Fleet } from "./fleet.ts";

describe("a release", () => {
  test("goes from its first step to the last one by itself, with a line of the log for each", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    await fleet.pass(10_000);
    fleet.start("1%:10s,10%:20s,100%:1m");
    await fleet.pass(9_900);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(2_200);
    expect(fleet.short()).toBe("running 2 10%");
    await fleet.pass(22_100);
    expect(fleet.short()).toBe("promoted 3 100%");
    await daemon.stop();
    expect(daemon.log.entries.map(({ message }) => message)).toEqual([
      "release 8 of website is running, step 1/3",
      "release 8 of website is running, step 2/3",
      "release 8 of website is promoted, step 3/3",
    ]);
    expect(daemon.log.entries.at(-1)?.fields).toMatchObject({ rollout: "100%", from: "10%", by: "web-1" });
    expect(fleet.time.pending).toBe(0);
  });

  test("law 15: each step has its whole wait, with three controllers", async () => {
    const fleet = new Fleet();
    const daemons = [await fleet.daemon("a"), await fleet.daemon("b"), await fleet.daemon("c")];
    fleet.start("1%:10s,2%:10s,4%:10s,8%:10s,16%:10s,32%:10s,64%:10s,100%:1m");
    await fleet.pass(90_000);
    const { log, state } = fleet.release();
    expect(state).toBe("promoted");
    expect(log.map(([, , , step]) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const [index, [, atMs]] of log.entries()) {
      const beforeMs = log[index - 1]?.[1] ?? Number.NEGATIVE_INFINITY;
      expect(atMs - beforeMs).toBeGreaterThanOrEqual(10_000);
    }
    expect(daemons.reduce((sum, { controller }) => sum + controller.view().counts.advances, 0)).toBe(7);
    for (const daemon of daemons) await daemon.stop();
  });

  test("waits for a person, and goes on from there", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("1%:10s+approve,10%:10s,100%:1m");
    await fleet.pass(60_000);
    expect(fleet.short()).toBe("running 1 1%");
    expect(daemon.controller.view().releases[0]?.waits).toMatchObject([
      { kind: "time", state: "met" },
      { kind: "approve", state: "waiting" },
    ]);
    fleet.ask({ verb: "promote", pin: { key, step: 1 }, to: undefined, resume: false });
    await fleet.pass(12_100);
    expect(fleet.short()).toBe("promoted 3 100%");
    await daemon.stop();
  });

  test("law 12: does not go on with ok, because no judge has said it, and pauses when its bound has passed", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s+ok<40s,100%:1m");
    await fleet.pass(39_000);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(3_100);
    expect(fleet.short()).toBe("paused 1 1%");
    expect(fleet.release().reason).toBe("inconclusive");
    await daemon.stop();
  });

  test("goes forward within its windows only", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    // The test begins at 12:00 on a Sunday.
    fleet.start("1%:10s,100%:1m", { windows: ["sun 12:01-12:02 UTC"] });
    await fleet.pass(59_900);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(2_200);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("with a window or a plan that cannot be read stays, and the log says so once", async () => {
    for (const field of [{ windows: ["sun 12:01-12:02 Mars/Base"] }, { plan: "1%:10s+sunshine,100%" }]) {
      const fleet = new Fleet();
      const daemon = await fleet.daemon("web-1");
      fleet.start("1%:10s,100%:1m");
      fleet.edit((release) => ({ ...release, ...field }));
      await fleet.pass(120_000);
      expect(fleet.short()).toBe("running 1 1%");
      expect(daemon.log.at("warn").map(({ message }) => message)).toEqual([
        expect.stringContaining("does not go forward by this daemon: "),
      ]);
      expect(daemon.controller.view().releases[0]?.problem).toContain("cannot be read");
      await daemon.stop();
    }
  });

  test("has its plan changed by hand while it is led: the log says that it cannot be read", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:1h,100%:1m");
    await fleet.pass(10_000);
    expect(daemon.log.at("warn")).toEqual([]);
    fleet.edit((release) => ({ ...release, plan: "1%:1h+sunshine,100%" }));
    await fleet.pass(10_000);
    expect(daemon.log.at("warn").map(({ message }) => message)).toEqual([
      expect.stringContaining("does not go forward by this daemon: its plan cannot be read"),
    ]);
    expect(daemon.controller.view().releases[0]?.problem).toContain("cannot be read");
    fleet.edit((release) => ({ ...release, plan: "1%:10s,100%:1m" }));
    await fleet.pass(12_100);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("REL-17: holds while all releases are frozen, but can be aborted", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const freeze = (isFrozen: boolean) =>
      fleet.store.put(
        FREEZE.application,
        FREEZE.version,
        freezeFields(isFrozen, "ada", new Date(0), "night"),
      );
    freeze(true);
    const { key } = fleet.start("1%:10s,10%:1h,100%:1m");
    await fleet.pass(60_000);
    expect(fleet.short()).toBe("running 1 1%");
    expect(daemon.controller.view().freeze).toMatchObject({ isFrozen: true, why: "night" });
    freeze(false);
    await fleet.pass(17_200);
    expect(fleet.short()).toBe("running 2 10%");
    freeze(true);
    daemon.controller.verdict("website", "canary", key, "errors");
    await fleet.pass(100);
    expect(fleet.short()).toBe("aborted 2 0%");
    await daemon.stop();
  });

  test("pauses if another version has visitors", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:30s,100%:1m");
    await fleet.pass(5_000);
    fleet.store.put("website", "blue", { rollout: 0.1 });
    await fleet.pass(2_100);
    expect([fleet.short(), fleet.release().reason]).toEqual(["paused 1 1%", "other-version"]);
    await daemon.stop();
  });

  test("that fades falls in few steps, never rises, and ends at 0", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("100%:1m");
    await fleet.pass(1_000);
    const shares: number[] = [];
    fleet.store.before = (_application, _version, { rollout }) => {
      shares.push(rollout);
      return undefined;
    };
    fleet.ask({ verb: "finish", key, deployed: "v43", overMs: 60_000, reason: undefined });
    await fleet.pass(66_000);
    expect(fleet.short()).toBe("finished 1 0%");
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(shares.length).toBeWithin(15, 62);
    expect(shares.at(-1)).toBe(0);
    expect(daemon.log.at("info").map(({ message }) => message)).toEqual([
      "release 8 of website is promoted, step 1/1",
      "release 8 of website is finished and fading",
      "release 8 of website is finished",
    ]);
    await daemon.stop();
  });
});

describe("law 10: a fade on a store whose clock went back", () => {
  test("goes on, and lasts as long as it should", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("100%:1m");
    await fleet.pass(1_000);
    fleet.ask({ verb: "finish", key, deployed: "v43", overMs: 60_000, reason: undefined });
    await fleet.pass(30_000);
    fleet.storeSkewMs = -3_600_000;
    const half = fleet.rollout();
    expect(half).toBeWithin(0.4, 0.6);
    await fleet.pass(15_000);
    expect(fleet.rollout()).toBeWithin(0.1, Number(half) - 0.1);
    await fleet.pass(25_000);
    expect(fleet.short()).toBe("finished 1 0%");
    await daemon.stop();
  });
});

describe("law 15: a fade on a store without a clock", () => {
  test.each([-3, 0, 3])(
    "lasts as long as it should if the daemon's clock is wrong by %d hours",
    async (hours) => {
      const fleet = new Fleet({ hasClock: false });
      const wallClock = () => fleet.nowMs + hours * 3_600_000;
      const daemon = await fleet.daemon("web-1", undefined, { wallClock });
      const { key } = fleet.start("100%:1m");
      await fleet.pass(1_000);
      fleet.ask({ verb: "finish", key, deployed: "v43", overMs: 60_000, reason: undefined });
      await fleet.pass(30_000);
      expect(fleet.store.value("website", "canary")?.["rollout"]).toBeWithin(0.4, 0.65);
      await fleet.pass(40_000);
      expect(fleet.short()).toBe("finished 1 0%");
      await daemon.stop();
    },
  );
});

describe("law 11: what a person wrote wins", () => {
  test.each([
    ["a rollout of 0 aborts", { rollout: 0 }, "aborted 1 0%", "foreign-zero"],
    ["another rollout pauses", { rollout: 0.07 }, "paused 1 7%", "foreign-change"],
    ["another offset pauses", { offset: 0.125 }, "paused 1 5%", "foreign-change"],
  ])("%s the release", async (_, fields, short, reason) => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("5%:30s,100%:1m");
    await fleet.pass(5_000);
    fleet.put(fields);
    await fleet.pass(2_100);
    expect([fleet.short(), fleet.release().reason]).toEqual([short, reason]);
    await fleet.pass(120_000);
    expect(fleet.short()).toBe(short);
    await daemon.stop();
  });

  test.each([
    ["gone", { release: undefined }],
    ["no release", { release: "none" }],
    ["of a later format", { release: { format: 2, key: "0123456789abcdef01234567" } }],
    ["in a malformed record", { rollout: "much" }],
  ])("a release that is %s is left alone, and the log says so once", async (_, fields) => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("5%:30s,100%:1m");
    await fleet.pass(5_000);
    fleet.put(fields);
    const after = fleet.store.value("website", "canary");
    await fleet.pass(120_000);
    expect(fleet.store.value("website", "canary")).toEqual(after);
    expect(daemon.log.at("warn").map(({ message }) => message)).toEqual(["a release is left alone"]);
    expect(daemon.controller.view().releases).toEqual([]);
    await daemon.stop();
  });

  test("a release that replaces another one has its own wait", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:30s,100%:1m");
    await fleet.pass(25_000);
    const request = { verb: "release", replace: true, seenKey: key, reason: undefined } as const;
    fleet.ask({ ...request, start: fleet.startOf("1%:20s,100%:1m", { key: "b".repeat(24), id: 9 }) });
    await fleet.pass(19_900);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(2_200);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });
});

describe("a controller without a release under way", () => {
  test("reads nothing, writes nothing and has no timer, before and after a release", async () => {
    const fleet = new Fleet();
    fleet.store.put("website", "canary", { rollout: 0.25 });
    const daemon = await fleet.daemon("web-1");
    const own = () => ({ ...fleet.store.calls, read: 0 });
    const nothing = { read: 0, write: 0, append: 0, readEvidence: 0, clock: 0 };
    await fleet.pass(60_000);
    expect(own()).toEqual(nothing);
    // The timer of the feed is the only one, and its reads are the only ones.
    expect(fleet.time.pending).toBe(1);
    expect(fleet.store.calls.read).toBeLessThan(17);

    fleet.store.put("website", "canary", { rollout: 0 });
    const { key } = fleet.start("5%:1h,100%:1m");
    await fleet.pass(60_000);
    expect(fleet.time.pending).toBeGreaterThan(1);
    fleet.ask({ verb: "abort", key, reason: undefined });
    await fleet.pass(5_000);
    const before = own();
    const reads = fleet.store.calls.read;
    await fleet.pass(60_000);
    expect(own()).toEqual(before);
    expect(fleet.store.calls.read - reads).toBeLessThan(17);
    expect(fleet.time.pending).toBe(1);
    await daemon.stop();
    expect(fleet.time.pending).toBe(0);
  });
});
