/** The evidence that a daemon heard outlasts its end, a wrong clock, and a store that refuses news. */

import { describe, expect, test } from "bun:test";
import { emptyOutcome, type Outcome } from "../../src/intake/outcome.ts";
import { toldEvidence } from "../../src/verbs/told-evidence.ts";
import { Fleet, homeOf, KEY } from "../controller/fleet.ts";
import { OFFSET_ZERO } from "./outcomes.ts";

const HOUR_MS = 3_600_000;
/** Longer than the first seconds of a step, which do not count, and than the first news of a controller. */
const GRACE_MS = 16_000;
const PLAN = "5%:1h,100%:1m";
const AT = { application: "website", version: "canary" } as const;

const failed = (assignment: number): Outcome => ({
  ...emptyOutcome(),
  ...{ application: "website", location: "canary", assignment },
  ...{ kind: "answered", status: 500, durationMs: 20, isBrought: true },
});

test("the coins of an abort are all in the store, so that a person can compute it again", async () => {
  const fleet = new Fleet();
  const daemon = await fleet.daemon("web-1");
  const { key } = fleet.start(PLAN, OFFSET_ZERO);
  await fleet.pass(GRACE_MS);
  for (const assignment of [0.01, 0.5, 0.02, 0.03]) {
    daemon.hearings.take(failed(assignment));
    await fleet.pass(300);
  }
  await fleet.pass(5_000);
  expect(fleet.short()).toBe("aborted 1 0%");
  const release = fleet.release();
  const of = { version: "canary", release };
  const told = await toldEvidence(fleet.store, "website", of, AbortSignal.timeout(1_000));
  const errors = told?.evidence.account(fleet.nowMs).find(({ name }) => name === "errors");
  expect(release.key).toBe(key);
  expect(errors?.segments).toMatchObject([{ canary: 3, master: 1 }]);
  await daemon.stop();
});

test("a step is not old by a clock that is hours ahead, if the store has none", async () => {
  const fleet = new Fleet();
  Reflect.set(fleet.store, "clock", undefined);
  const daemon = await fleet.daemon("web-1", undefined, { wallClock: () => fleet.nowMs + 3 * HOUR_MS });
  await fleet.pass(5_000);
  const { key } = fleet.start(PLAN, OFFSET_ZERO);
  await fleet.pass(GRACE_MS);
  const { figures } = daemon.hearings.of(AT, key)?.judge({ rolloutNext: 1, cleared: [] }) ?? {};
  expect(Math.abs((figures?.atMs ?? 0) - fleet.nowMs)).toBeLessThan(6_000);
  await daemon.stop();
});

describe("a daemon that ends", () => {
  test("tells the others what it has heard", async () => {
    const fleet = new Fleet();
    const [first, second] = [await fleet.daemon("web-1"), await fleet.daemon("web-2")];
    fleet.start(PLAN, OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    first.hearings.take(failed(0.01));
    first.hearings.take(failed(0.02));
    await first.stop();
    second.hearings.take(failed(0.03));
    await fleet.pass(5_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    await second.stop();
  });

  test("waits no longer than a second or two for a store that hangs", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start(PLAN, OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    fleet.store.evidence.append = () => new Promise(() => {});
    daemon.hearings.take(failed(0.01));
    const beganMs = fleet.time.nowMs;
    await daemon.stop();
    expect(fleet.time.nowMs - beganMs).toBeLessThanOrEqual(2_000);
    expect(fleet.time.pending).toBe(0);
  });
});

describe("a bad canary is taken back", () => {
  test("by a daemon that heard the others before it restarted", async () => {
    const fleet = new Fleet();
    const first = await fleet.daemon("web-1");
    fleet.start(PLAN, OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    first.hearings.take(failed(0.01));
    first.hearings.take(failed(0.02));
    await fleet.pass(3_000);
    first.blind();
    const second = await fleet.daemon("web-1");
    await fleet.pass(3_000);
    second.hearings.take(failed(0.03));
    await fleet.pass(3_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    await second.stop();
    await first.stop();
  });

  for (const hours of [-3, 3]) {
    test(`although the store's clock has jumped by ${hours} hours`, async () => {
      const fleet = new Fleet();
      const daemon = await fleet.daemon("web-1");
      fleet.start(PLAN, OFFSET_ZERO);
      await fleet.pass(GRACE_MS);
      fleet.storeSkewMs = hours * HOUR_MS;
      await fleet.pass(GRACE_MS);
      for (const assignment of [0.01, 0.02, 0.03]) daemon.hearings.take(failed(assignment));
      await fleet.pass(1_000);
      expect(fleet.short()).toBe("aborted 1 0%");
      await daemon.stop();
    });
  }

  test("although the store's clock does not answer from the daemon's start on", async () => {
    const fleet = new Fleet();
    fleet.start(PLAN, OFFSET_ZERO);
    fleet.store.clock = () => Promise.reject(new Error("no clock"));
    const daemon = await fleet.daemon("web-1");
    await fleet.pass(GRACE_MS);
    for (const assignment of [0.01, 0.02, 0.03]) daemon.hearings.take(failed(assignment));
    await fleet.pass(1_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    await daemon.stop();
  });

  test("while it is paused", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start(PLAN, OFFSET_ZERO);
    fleet.ask({ verb: "pause", key, reason: undefined });
    await fleet.pass(GRACE_MS);
    expect(fleet.short()).toBe("paused 1 5%");
    for (const assignment of [0.01, 0.02, 0.03]) daemon.hearings.take(failed(assignment));
    await fleet.pass(1_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    await daemon.stop();
  });

  test("and news that the store refused is told as soon as it takes it again", async () => {
    const fleet = new Fleet();
    const [first, second] = [await fleet.daemon("web-1"), await fleet.daemon("web-2")];
    fleet.start(PLAN, OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    const { append } = fleet.store.evidence;
    fleet.store.evidence.append = () => Promise.reject(new Error("no room"));
    first.hearings.take(failed(0.01));
    first.hearings.take(failed(0.02));
    second.hearings.take(failed(0.03));
    await fleet.pass(1_000);
    fleet.store.evidence.append = append;
    await fleet.pass(7_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    await first.stop();
    await second.stop();
  });

  test("and news that the store refused is told within 4 s, and not with the next news", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start(PLAN, OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    const { append } = fleet.store.evidence;
    const triedMs: number[] = [];
    fleet.store.evidence.append = (at, batches, signal) => {
      if (batches.some((batch) => batch.includes("coins "))) triedMs.push(fleet.time.nowMs);
      return triedMs.length === 1 ? Promise.reject(new Error("no room")) : append(at, batches, signal);
    };
    daemon.hearings.take(failed(0.01));
    await fleet.pass(4_500);
    expect(triedMs).toHaveLength(2);
    await daemon.stop();
  });

  test("although the daemon has just gone a step forward, and its feed does not know that yet", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start("5%:20s,6%:1h,100%:1m", OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    for (const assignment of [0.01, 0.02]) daemon.hearings.take(failed(assignment));
    daemon.blind();
    for (let turn = 0; turn < 100 && fleet.short() === "running 1 5%"; turn++) await fleet.pass(100);
    expect(fleet.short()).toBe("running 2 6%");
    daemon.hearings.take(failed(0.03));
    await fleet.pass(1_000);
    expect(fleet.short()).toBe("aborted 2 0%");
    await daemon.stop();
  });
});

describe("no verdict comes", () => {
  test("again after a person has lifted the override of a store that is away", async () => {
    const fleet = new Fleet();
    const home = homeOf();
    const daemon = await fleet.daemon("web-1", home);
    fleet.start(PLAN, OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    fleet.store.before = () => {
      throw new Error("away");
    };
    for (const assignment of [0.01, 0.02, 0.03]) daemon.hearings.take(failed(assignment));
    await fleet.pass(1_000);
    expect(daemon.overrides.of(AT)?.key).toBe(KEY);
    home.overrides.texts.clear();
    await fleet.pass(30_000);
    expect(daemon.overrides.of(AT)).toBeUndefined();
    await daemon.stop();
  });

  test("of outcomes beside another version", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start(PLAN, OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    fleet.put({ rollout: 0.1 }, { application: "website", version: "blue" });
    await fleet.pass(GRACE_MS);
    for (const assignment of [0.01, 0.02, 0.03]) daemon.hearings.take(failed(assignment));
    await fleet.pass(GRACE_MS);
    expect(fleet.short()).toBe("paused 1 5%");
    expect(fleet.release().reason).toBe("other-version");
    await daemon.stop();
  });

  test("of outcomes between a person's own write and its place in the release's arcs", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("25%:1h,100%:1m", OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    fleet.put({ rollout: 0.02 });
    fleet.store.before = () => {
      throw new Error("away");
    };
    await fleet.pass(5_000);
    expect(fleet.short()).toBe("running 1 2%");
    for (let visitor = 0; visitor < 20; visitor++) {
      // All proxies follow the person: these visitors are master's now.
      daemon.hearings.take({ ...failed(0.03 + visitor / 100), location: "master" });
    }
    await fleet.pass(5_000);
    expect(daemon.hearings.of(AT, key)?.signs()).toEqual([]);
    expect(daemon.overrides.of(AT)).toBeUndefined();
    fleet.store.before = undefined;
    await fleet.pass(60_000);
    expect(fleet.short()).toBe("paused 1 2%");
    for (const assignment of [0.001, 0.01, 0.015]) daemon.hearings.take(failed(assignment));
    await fleet.pass(1_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    await daemon.stop();
  });

  test("of outcomes while the daemon sends all visitors to master, because the store is lost", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("25%:1h,100%:1m", OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    fleet.isServed = false;
    for (let visitor = 0; visitor < 20; visitor++) {
      daemon.hearings.take({ ...failed(visitor / 100), location: "master" });
    }
    await fleet.pass(5_000);
    expect(daemon.hearings.of(AT, key)?.signs()).toEqual([]);
    expect(fleet.short()).toBe("running 1 25%");
    fleet.isServed = true;
    for (let visitor = 0; visitor < 8; visitor++) daemon.hearings.take(failed(visitor / 100));
    await fleet.pass(1_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    await daemon.stop();
  });

  test("of outcomes after the promotion, and at its end nothing is kept", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    const { key } = fleet.start("5%:20s,100%:1m", OFFSET_ZERO);
    await fleet.pass(60_000);
    expect(fleet.short()).toBe("promoted 2 100%");
    for (const assignment of [0.01, 0.02, 0.03]) daemon.hearings.take(failed(assignment));
    await fleet.pass(5_000);
    expect(daemon.log.entries.map(({ message }) => message).join()).not.toContain("verdict");
    expect(daemon.hearings.of(AT, key)).toBeDefined();
    expect(daemon.hearings.bytes).toBeGreaterThan(0);
    fleet.ask({ verb: "finish", deployed: "v43", overMs: 0, key, reason: undefined });
    await fleet.pass(30_000);
    expect(daemon.hearings.of(AT, key)).toBeUndefined();
    expect(daemon.hearings.bytes).toBe(0);
    await daemon.stop();
  });

  test("of the evidence of a release that was replaced", async () => {
    const fleet = new Fleet();
    const daemon = await fleet.daemon("web-1");
    fleet.start(PLAN, OFFSET_ZERO);
    await fleet.pass(GRACE_MS);
    daemon.hearings.take(failed(0.01));
    daemon.hearings.take(failed(0.02));
    await fleet.pass(3_000);
    const start = fleet.startOf(PLAN, { ...OFFSET_ZERO, key: "b".repeat(24) });
    fleet.ask({ verb: "release", start, replace: true, seenKey: null, reason: undefined });
    await fleet.pass(GRACE_MS);
    daemon.hearings.take(failed(0.03));
    await fleet.pass(5_000);
    expect(fleet.short()).toBe("running 1 5%");
    daemon.hearings.take(failed(0.01));
    daemon.hearings.take(failed(0.02));
    await fleet.pass(1_000);
    expect(fleet.short()).toBe("aborted 1 0%");
    await daemon.stop();
  });
});
