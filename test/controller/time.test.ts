/** Law 15: no wait is shortened and no release is stuck, whatever clocks and processes do. */

import { describe, expect, test } from "bun:test";
import { StoreError } from "../../src/stores/store.ts";
import { Fleet, homeOf, UNHEALTHY_MS } from "./fleet.ts";

const MINUTE_MS = 60_000;

describe("with a store's clock", () => {
  test("a daemon that starts in the middle of a wait watches for a minute at most", async () => {
    const fleet = new Fleet();
    const first = await fleet.daemon("web-1");
    fleet.start("1%:10m,100%:1m");
    await fleet.pass(8 * MINUTE_MS);
    await first.stop();
    const second = await fleet.daemon("web-2");
    await fleet.pass(1.9 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(0.2 * MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    await second.stop();
  });

  test("a daemon that starts when the wait is over watches for a minute, because clocks may be wrong", async () => {
    const fleet = new Fleet();
    fleet.start("1%:10m,100%:1m");
    await fleet.pass(60 * MINUTE_MS);
    const daemon = await fleet.daemon("web-1");
    await fleet.pass(59_900);
    expect(fleet.short()).toBe("running 1 1%");
    // The reads of its feed, and one of the freeze.
    expect(fleet.store.calls.read).toBeLessThan(18);
    await fleet.pass(5_000);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test.each([
    ["ahead by hours", 3 * 3_600_000],
    ["back by hours", -3 * 3_600_000],
  ])("a clock that jumps %s changes no wait", async (_, jumpMs) => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10m,100%:1m");
    await fleet.pass(3 * MINUTE_MS);
    fleet.storeSkewMs = jumpMs;
    await fleet.pass(6.9 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(0.2 * MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("a clock that jumps ahead right before an advance is seen by the advance", async () => {
    const fleet = new Fleet();
    fleet.start("1%:10m,100%:1m");
    await fleet.pass(8.5 * MINUTE_MS);
    const daemon = await fleet.daemon("web-1");
    await fleet.pass(1.2 * MINUTE_MS);
    fleet.storeSkewMs = 3_600_000;
    await fleet.pass(8.7 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(0.3 * MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("the time of a new release is asked for, also if the daemon slept while the clock jumped", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("1%:10m,100%:1m");
    await fleet.pass(MINUTE_MS);
    fleet.ask({ verb: "abort", key, reason: undefined });
    await fleet.pass(MINUTE_MS);
    fleet.storeSkewMs = 3_600_000;
    fleet.start("1%:10m,100%:1m", { key: "b".repeat(24) });
    await fleet.pass(MINUTE_MS);
    expect(daemon.controller.view().releases[0]?.waits).toMatchObject([{ isWhole: false }]);
    await daemon.stop();
  });

  test("a clock that was asked ends no gap, because the record was not read", async () => {
    const fleet = new Fleet();
    const clock = fleet.store.clock;
    // The controller gives it up after two seconds.
    failing(fleet, () => new Promise(() => {}));
    fleet.start("1%:1m,100%:1m");
    const daemon = await fleet.daemon("web-1");
    fleet.isLost = true;
    await fleet.pass(UNHEALTHY_MS + 1_500);
    fleet.store.clock = clock as NonNullable<typeof clock>;
    fleet.isLost = false;
    await daemon.read();
    await fleet.pass(MINUTE_MS - 100);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(4_000);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("the store's clock is asked at most each 10 s, and before an advance", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    for (const application of ["website", "shop", "blog"]) {
      fleet.start("1%:1h,100%:1m", {}, { application, version: "canary" });
      await daemon.read(application);
    }
    await fleet.pass(10 * MINUTE_MS);
    expect(fleet.store.calls.clock).toBeWithin(59, 62);
    await daemon.stop();
  });
});

describe("without a store's clock that answers", () => {
  test.each([
    ["there is none", () => new Fleet({ hasClock: false })],
    ["it fails", () => failing(new Fleet(), () => Promise.reject(new StoreError("unavailable", "no clock")))],
    ["it hangs", () => failing(new Fleet(), () => new Promise(() => {}))],
    ["it says nonsense", () => failing(new Fleet(), () => Promise.resolve(Number.NaN))],
  ])("a daemon watches the whole wait itself if %s", async (what, make) => {
    const fleet = make();
    fleet.start("1%:10m,100%:1m");
    await fleet.pass(30 * MINUTE_MS);
    const daemon = await fleet.daemon("web-1");
    await fleet.pass(9.9 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    expect(daemon.controller.view().releases[0]?.waits).toMatchObject([{ kind: "time", isWhole: true }]);
    await fleet.pass(0.3 * MINUTE_MS);
    // A write that raises needs the time of the store if it has a clock.
    expect(fleet.short()).toBe(what === "there is none" ? "promoted 2 100%" : "running 1 1%");
    await daemon.stop();
  });

  test("a clock that answers again counts again", async () => {
    const fleet = new Fleet();
    const clock = fleet.store.clock;
    failing(fleet, () => Promise.reject(new StoreError("unavailable", "no clock")));
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:5m,2%:10m,100%:1m");
    await fleet.pass(6 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    fleet.store.clock = clock as NonNullable<typeof clock>;
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("running 2 2%");
    expect(daemon.controller.view().releases[0]?.waits).toMatchObject([{ isWhole: false }]);
    await daemon.stop();
  });
});

describe("windows", () => {
  const HOUR_MS = 60 * MINUTE_MS;
  // The tests begin at 12:00 on a Sunday.
  const windows = ["sun 12:00-13:00 UTC"];

  test("are not open by this machine's clock if the store's is too slow to be known", async () => {
    const fleet = new Fleet();
    const { clock } = fleet.store;
    const { timers } = fleet.time;
    failing(fleet, async () => {
      await new Promise<void>((resolve) => timers.set(resolve, 3_000));
      return Number(await clock?.(AbortSignal.timeout(1_000)));
    });
    fleet.start("1%:10s,100%:1m", { windows });
    fleet.storeSkewMs = 3 * HOUR_MS;
    const daemon = await fleet.daemon("web-1");
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    expect(daemon.controller.view().releases[0]?.waits).toMatchObject([
      {},
      { kind: "windows", state: "unknown" },
    ]);
    fleet.store.clock = clock as NonNullable<typeof clock>;
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    fleet.storeSkewMs = 0;
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("are by this machine's clock if the store has none, also after a writer hours ahead", async () => {
    const fleet = new Fleet({ hasClock: false });
    fleet.storeSkewMs = 3 * HOUR_MS;
    fleet.start("1%:10s,100%:1m", { windows });
    const late = await fleet.daemon("web-1", undefined, { wallClock: () => fleet.nowMs + 3 * HOUR_MS });
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    const daemon = await fleet.daemon("web-2");
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    await late.stop();
    await daemon.stop();
  });
});

describe("a controller that cannot read", () => {
  test("for longer than unhealthy counts its watch from zero, over the whole wait", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:5m,100%:1m");
    await fleet.pass(4 * MINUTE_MS);
    fleet.isLost = true;
    await fleet.pass(UNHEALTHY_MS + 5_000);
    fleet.isLost = false;
    await fleet.pass(4.9 * MINUTE_MS);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(0.5 * MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("ends no gap when its state directory has answered, because the record was not read", async () => {
    const fleet = new Fleet();
    const home = homeOf();
    home.highest.list = async () => {
      await new Promise<void>((resolve) => fleet.time.timers.set(resolve, UNHEALTHY_MS - 1_000));
      return [];
    };
    fleet.start("1%:1m,100%:1m");
    const daemon = await fleet.daemon("web-1", home);
    await fleet.pass(10);
    fleet.isLost = true;
    await fleet.pass(UNHEALTHY_MS + 1_500);
    fleet.isLost = false;
    await daemon.read();
    await fleet.pass(MINUTE_MS - 100);
    expect(fleet.short()).toBe("running 1 1%");
    await fleet.pass(4_000);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });

  test("for less than that goes on", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:5m,100%:1m");
    await fleet.pass(4 * MINUTE_MS);
    fleet.isLost = true;
    await fleet.pass(3_000);
    fleet.isLost = false;
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    await daemon.stop();
  });
});

describe("law 14: calls of the store", () => {
  test("whose answers are lost cost no step and double none", async () => {
    const fleet = new Fleet();
    const daemons = [await fleet.daemon("a"), await fleet.daemon("b")];
    fleet.start("1%:10s,2%:10s,4%:10s,8%:10s,100%:1m");
    fleet.store.before = () => (fleet.random.fraction() < 0.5 ? "lose" : undefined);
    await fleet.pass(4 * MINUTE_MS);
    expect(fleet.release().log.map(([, , , step]) => step)).toEqual([1, 2, 3, 4, 5]);
    for (const daemon of daemons) await daemon.stop();
  });

  test("that were asked before a write of this daemon, and answer after it, change nothing", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s,5%:1h,100%:1m");
    await fleet.pass(9_000);
    const slow = fleet.slowReading();
    await fleet.pass(5_000);
    expect(fleet.short()).toBe("running 2 5%");
    const { read } = fleet.store.calls;
    slow(daemon);
    await fleet.pass(3_000);
    expect(fleet.store.calls.read - read).toBeLessThan(2);
    await daemon.stop();
  });

  test("that fail are tried again with longer and longer waits, and the log says so", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s,100%:1m");
    fleet.store.before = () => {
      throw new StoreError("unavailable", "the disk is full");
    };
    await fleet.pass(10 * MINUTE_MS);
    expect(fleet.store.calls.write).toBeWithin(20, 60);
    expect(daemon.controller.view().releases[0]?.problem).toContain("the disk is full");
    expect(daemon.log.at("warn")[0]?.message).toContain("could not be written; it is tried again");
    fleet.store.before = undefined;
    await fleet.pass(MINUTE_MS);
    expect(fleet.short()).toBe("promoted 2 100%");
    expect(daemon.controller.view().releases[0]?.problem).toBeUndefined();
    await daemon.stop();
  });

  test("that hang hold up neither other releases nor the end", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("1%:10s,100%:1m", {}, { application: "shop", version: "canary" });
    fleet.start("1%:10s,100%:1m");
    await daemon.read("shop");
    await fleet.pass(5_000);
    const read = fleet.store.read.bind(fleet.store);
    fleet.store.read = (application, signal) =>
      application === "shop" ? new Promise(() => {}) : read(application, signal);
    await fleet.pass(2 * MINUTE_MS);
    expect([fleet.short(), fleet.short("shop")]).toEqual(["promoted 2 100%", "running 1 1%"]);
    await daemon.stop();
    expect(fleet.time.pending).toBe(0);
  });
});

function failing(fleet: Fleet, clock: () => Promise<number>): Fleet {
  fleet.store.clock = clock;
  return fleet;
}

describe("without a store's clock", () => {
  test("a controller whose clock is hours behind makes steps that the judge can tell apart", async () => {
    const fleet = new Fleet({ hasClock: false });
    const daemon = await fleet.daemon("web-1", undefined, { wallClock: () => fleet.nowMs - 3 * 3_600_000 });
    fleet.start("1%:10m,5%:10m,25%:10m,100%:1m");
    await fleet.pass(21 * MINUTE_MS);
    expect(fleet.short()).toBe("running 3 25%");
    const { arcs } = fleet.release();
    const lengths = arcs.slice(1).map(([atMs], place) => atMs - (arcs[place]?.[0] ?? 0));
    for (const ms of lengths) expect(ms).toBeWithin(9.9 * MINUTE_MS, 10.2 * MINUTE_MS);
    await daemon.stop();
  });
});
