import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { type Arc, spell } from "../../src/circle.ts";
import { READ_TIMEOUT_MS } from "../../src/feed/bounded-read.ts";
import { Feed, type FeedOptions } from "../../src/feed/feed.ts";
import type { LastGood, Reading } from "../../src/feed/reading.ts";
import { pauseMs } from "../../src/feed/schedule.ts";
import { Metrics } from "../../src/metrics.ts";
import { VERSIONS_MAX } from "../../src/records/check.ts";
import { Rollout } from "../../src/rollout.ts";
import type { Snapshot } from "../../src/stores/store.ts";
import { KeptLog } from "../support/logged.ts";
import { Random } from "../support/random.ts";
import { ScriptedStore, snapshotOf } from "../support/scripted-store.ts";
import { advance, settle } from "../support/time.ts";

const DELAY_MS = 4_000;
const UNHEALTHY_MS = 8_000;

/** A feed with all that it needs; `random` 0 shortens no wait. */
function createFeed(options: Partial<FeedOptions> = {}, applications = ["app"]) {
  const store = new ScriptedStore();
  const rollout = new Rollout(applications, UNHEALTHY_MS);
  const metrics = new Metrics(rollout.placements);
  const log = new KeptLog();
  const readings: Reading[] = [];
  const feed = new Feed({
    store,
    rollout,
    delayMs: DELAY_MS,
    metrics,
    log,
    random: () => 0,
    followers: [(reading) => readings.push(reading)],
    ...options,
  });
  const [counts] = metrics.feeds;
  if (counts === undefined) throw new Error("the feed has no counts");
  feeds.push(feed);
  return {
    ...{ store, rollout, log, readings, feed, counts },
    where: (assignment = 0.1, application = "app") => {
      const placement = rollout.table(application)?.locate(assignment, performance.now());
      return `${placement?.location} ${placement?.reason}`;
    },
    arcs: () => spell(rollout.first.arcs),
  };
}

const feeds: Feed[] = [];

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.close()));
  jest.useRealTimers();
});

function failing(): Snapshot {
  throw new Error("no route to the store");
}

describe("a store that goes back to an older state", () => {
  const at = (rollout: number, position: number): Snapshot =>
    new Map([["canary", { value: rollout, revision: `${position}`, position }]]);

  test("does not count while the last values do, so a rollback stays rolled back", async () => {
    const { store, feed, where, log, counts } = createFeed();
    store.script = () => at(0, 7);
    feed.start();
    await settle();
    expect(where()).toBe("master outside");
    store.script = () => at(1, 6);
    await advance(DELAY_MS);
    expect(where()).toBe("master outside");
    expect(counts.failure).toBe(1);
    expect(JSON.stringify(log.entries)).toContain("canary went back from position 7 to 6");
    expect(JSON.stringify(log.entries)).toContain("outdated");
    // The replica has caught up.
    store.script = () => at(0.5, 8);
    await advance(DELAY_MS);
    expect(where()).toBe("canary rollout");
  });

  test("counts once the last values are stale, and the log says so", async () => {
    const { store, feed, where, log } = createFeed();
    store.script = () => at(0.5, 7);
    feed.start();
    await settle();
    store.script = () => at(1, 6);
    await advance(UNHEALTHY_MS - 1);
    expect(where(0.9)).toBe("master outside");
    await advance(DELAY_MS);
    expect(where(0.9)).toBe("canary rollout");
    expect(JSON.stringify(log.entries)).toContain("the store stays at an older state than before");
    store.script = () => at(0.25, 6);
    await advance(DELAY_MS);
    expect(where(0.9)).toBe("master outside");
  });

  test("counts for a record that was removed and made again", async () => {
    const { store, feed, where } = createFeed();
    store.script = () => at(0.5, 7);
    feed.start();
    await settle();
    store.script = () => new Map([["blue", { value: 0, revision: "1", position: 1 }]]);
    await advance(DELAY_MS);
    store.script = () => at(1, 1);
    await advance(DELAY_MS);
    expect(where(0.9)).toBe("canary rollout");
  });

  test("does not count after the server was empty for a while", async () => {
    const { store, feed, where } = createFeed();
    store.script = () => at(0, 7);
    feed.start();
    await settle();
    store.script = () => new Map();
    await advance(DELAY_MS);
    store.script = () => at(1, 5);
    await advance(DELAY_MS);
    expect(where()).toBe("master outside");
  });
});

describe("a fleet", () => {
  /**
   * The number of questions in each tenth of a second, if a thousand daemons ask a store that is away until
   * `backAtMs`.
   */
  function askedByTick(backAtMs: number, firstMs: (random: Random) => number): number[] {
    const random = new Random();
    const ticks: number[] = [];
    for (let daemon = 0; daemon < 1_000; daemon++) {
      let atMs = firstMs(random);
      for (let failures = 1; ; failures++) {
        const tick = Math.floor(atMs / 100);
        ticks[tick] = (ticks[tick] ?? 0) + 1;
        if (atMs >= backAtMs) break;
        atMs += pauseMs(DELAY_MS, failures, random.fraction());
      }
    }
    return ticks;
  }

  test("whose store was lost at one moment does not come back at one moment", () => {
    // The worst case: a push made all of them read at once, and that ended the store.
    const ticks = askedByTick(60_000, (random) => random.fraction() * 10);
    const back = ticks.slice(600);
    expect(back.reduce((sum, count) => sum + (count ?? 0), 0)).toBe(1_000);
    // Spread evenly over the longest wait, these would be 25 each. `map` would leave out the ticks without a
    // question.
    expect(Math.max(...Array.from(back, (count) => count ?? 0))).toBeLessThan(100);
  });

  test("asks a failing store at most twice as often as a healthy one", () => {
    const ticks = askedByTick(60_000, (random) => random.fraction() * DELAY_MS);
    const aSecond = ticks.slice(200, 600).reduce((sum, count) => sum + (count ?? 0), 0) / 40;
    expect(aSecond).toBeLessThan(2 * (1_000 / (DELAY_MS / 1_000)));
  });
});

describe("law 3: when in doubt, master", () => {
  test("a record that is missing from a successful read is 0 at once", async () => {
    const { store, feed, where } = createFeed();
    store.script = () => snapshotOf({ canary: 1 });
    feed.start();
    await settle();
    expect(where()).toBe("canary rollout");
    store.script = () => snapshotOf({});
    await advance(DELAY_MS);
    expect(where()).toBe("master outside");
  });

  test.each([
    ...[{ rollout: 1.5 }, { rollout: "1" }, "1", null, Number.NaN, -1, { rollout: 1, offset: 1 }, {}],
  ])("a record of %p is 0 at once, is logged, and is counted as long as it stays", async (value) => {
    const { store, feed, where, log, counts, readings } = createFeed();
    store.script = () => snapshotOf({ canary: 1 });
    feed.start();
    await settle();
    store.script = () => snapshotOf({ canary: value, b: 0.5 });
    await advance(DELAY_MS);
    expect(where()).toBe("b rollout");
    expect(counts).toMatchObject({ malformed: 1, success: 2, failure: 0 });
    expect(log.at("warn")).toHaveLength(1);
    expect(log.at("warn")[0]?.fields).toMatchObject({ application: "app", version: "canary" });
    expect(readings.at(-1)?.malformed).toEqual(new Set(["canary"]));
    store.script = () => snapshotOf({ canary: 1 });
    await advance(DELAY_MS);
    expect(counts.malformed).toBe(0);
    expect(where()).toBe("canary rollout");
  });

  test("if the store fails, the last values count until they are stale; then all are 0 until a read succeeds", async () => {
    const { store, feed, where, log } = createFeed();
    store.script = () => snapshotOf({ canary: 1 });
    feed.start();
    await settle();
    store.script = failing;
    await advance(UNHEALTHY_MS - 1);
    expect(where()).toBe("canary rollout");
    await advance(1);
    expect(where()).toBe("master stale");
    expect(feed.states).toMatchObject([
      { application: "app", error: "no route to the store", records: 1, malformed: [] },
    ]);
    await advance(10 * UNHEALTHY_MS);
    expect(where()).toBe("master stale");
    store.script = () => snapshotOf({ canary: 1 });
    await advance(DELAY_MS);
    expect(where()).toBe("canary rollout");
    expect(feed.states[0]?.error).toBeUndefined();
    expect(log.at("info").map(({ message }) => message)).toContain("the store answers again");
  });

  test("before its first read, a daemon has all rollouts at 0", async () => {
    const { store, feed, where, counts } = createFeed();
    store.script = failing;
    feed.start();
    await advance(3 * UNHEALTHY_MS);
    expect(where(0)).toBe("master unread");
    expect(counts).toMatchObject({ success: 0 });
    expect(counts.failure).toBeGreaterThan(5);
  });

  test("a reading that began before the process was stopped for long does not count, and is not logged as good", async () => {
    let stoppedMs = 0;
    const { store, feed, log } = createFeed({ clock: () => performance.now() + stoppedMs });
    const said = (message: string) => JSON.stringify(log.entries).split(message).length - 1;
    store.script = () => snapshotOf({ canary: 0.25 });
    feed.start();
    await settle();
    store.script = undefined;
    await advance(DELAY_MS);
    stoppedMs = UNHEALTHY_MS + 1;
    store.latest.answer(snapshotOf({ canary: 0.25 }));
    await settle();
    await advance(UNHEALTHY_MS);
    expect([
      said("unreadable for longer than -unhealthy"),
      said("visitors are served by its rollouts"),
    ]).toEqual([1, 0]);
    store.latest.answer(snapshotOf({ canary: 0.25 }));
    await settle();
    expect([
      said("unreadable for longer than -unhealthy"),
      said("visitors are served by its rollouts"),
    ]).toEqual([1, 1]);
  });

  test("an arc with failsafe hold survives a stale snapshot, and ends with the next read of the store", async () => {
    const { store, feed, where } = createFeed();
    store.script = () => snapshotOf({ canary: { rollout: 1, failsafe: "hold" }, b: 1 });
    feed.start();
    await settle();
    store.script = failing;
    await advance(10 * UNHEALTHY_MS);
    expect(where()).toBe("canary hold");
    store.script = () => snapshotOf({ canary: { rollout: 0, failsafe: "hold" } });
    await advance(DELAY_MS);
    expect(where()).toBe("master outside");
  });

  test("an age counts from the moment of the question, not of the answer", async () => {
    const { store, feed, where } = createFeed();
    feed.start();
    await advance(READ_TIMEOUT_MS - 1_000);
    store.latest.answer(snapshotOf({ canary: 1 }));
    store.script = failing;
    await advance(UNHEALTHY_MS - READ_TIMEOUT_MS + 1_000 - 1);
    expect(where()).toBe("canary rollout");
    await advance(1);
    expect(where()).toBe("master stale");
  });
});

describe("law 5: no store stalls the feed", () => {
  test("an answer after the time limit is dropped", async () => {
    const { store, feed, where, counts } = createFeed();
    feed.start();
    await advance(READ_TIMEOUT_MS);
    expect(store.asked).toHaveLength(1);
    expect(store.latest.signal.aborted).toBeTrue();
    expect(counts).toMatchObject({ success: 0, failure: 1 });
    store.latest.answer(snapshotOf({ canary: 1 }));
    await settle();
    expect(where()).toBe("master unread");
    expect(counts).toMatchObject({ success: 0, failure: 1 });
    expect(feed.isReady).toBeFalse();
  });

  test("the number of reads that hang is limited, and reading goes on when one of them ends", async () => {
    const { store, feed, where, counts } = createFeed();
    feed.start();
    await advance(20 * READ_TIMEOUT_MS);
    expect(store.asked).toHaveLength(3);
    expect(counts.failure).toBeGreaterThan(10);
    store.script = () => snapshotOf({ canary: 1 });
    store.asked[0]?.refuse(new Error("at last"));
    await advance(DELAY_MS);
    expect(where()).toBe("canary rollout");
  });

  test.each([
    ["undefined", undefined],
    ["a plain object", { canary: { value: 1, revision: "1" } }],
    ["a map without records", new Map([["canary", undefined]])],
    ["a number", 1],
  ])("if a store answers with %s, the read has failed, and the next one comes", async (_, answer) => {
    const { store, feed, where, counts } = createFeed();
    store.script = () => answer as unknown as Snapshot;
    feed.start();
    await advance(DELAY_MS);
    expect(where()).toBe("master unread");
    expect(counts.failure).toBeGreaterThan(1);
    store.script = () => snapshotOf({ canary: 1 });
    await advance(DELAY_MS);
    expect(where()).toBe("canary rollout");
  });

  test("if a store's read throws instead of returning a promise, the read has failed", async () => {
    const { store, feed, counts } = createFeed();
    store.read = () => {
      throw new Error("not even a promise");
    };
    feed.start();
    await advance(DELAY_MS);
    expect(feed.states[0]?.error).toBe("not even a promise");
    expect(counts.failure).toBeGreaterThan(1);
  });

  test("if there are too many versions, the same ones count in every order of records, and the others are malformed", async () => {
    const many = Array.from({ length: VERSIONS_MAX + 6 }, (_, index) => `v${String(index).padStart(2, "0")}`);
    const spelled = [];
    for (const names of [
      [...many, "canary"],
      ["canary", ...many.toReversed()],
    ]) {
      const { store, feed, arcs, readings, log } = createFeed();
      store.script = () => snapshotOf(Object.fromEntries(names.map((name) => [name, 0.01])));
      feed.start();
      await settle();
      spelled.push(arcs());
      expect(readings[0]?.arcs).toHaveLength(VERSIONS_MAX);
      expect(readings[0]?.malformed).toEqual(new Set(many.slice(VERSIONS_MAX - 1)));
      expect(log.at("warn").map(({ message }) => message)).toEqual([
        "a record cannot be used and counts as rollout 0",
        "two versions overlap: visitors in both arcs are served by the first",
      ]);
    }
    expect(spelled[0]).toBe(spelled[1] as string);
    expect(spelled[0]).toStartWith("canary=0.01@0 v00=0.01@0 ");
  });

  test("law 8: a maintenance record that cannot be used leaves maintenance as it is, and the log says so", async () => {
    const { store, feed, arcs, log } = createFeed();
    store.script = () => snapshotOf({ maintenance: 1 });
    feed.start();
    await settle();
    store.script = () => snapshotOf({ maintenance: "off" });
    await advance(DELAY_MS);
    expect(arcs()).toBe("maintenance=1@0");
    expect(feed.states[0]?.malformed).toEqual(["maintenance"]);
    expect(log.at("warn").map(({ message }) => message)).toEqual([
      "a record cannot be used and leaves maintenance as it is",
    ]);
  });

  test("arcs that overlap are logged once for each change, and the one that gets the visitors comes first", async () => {
    const { store, feed, log } = createFeed();
    store.script = () =>
      snapshotOf({ canary: 0.2, blue: { rollout: 0.1, offset: 0.15 }, green: { rollout: 0.1, offset: 0.5 } });
    feed.start();
    await settle();
    await advance(3 * DELAY_MS);
    expect(log.at("warn")).toHaveLength(1);
    expect(log.at("warn")[0]?.fields).toMatchObject({ first: "canary=0.2@0", second: "blue=0.1@0.15" });
  });

  test("an application that the store does not know is logged, because its name may be misspelt", async () => {
    const { store, feed, log } = createFeed();
    store.script = () => snapshotOf({});
    feed.start();
    await settle();
    expect(log.at("warn")[0]?.message).toContain("has no records of this application");
  });

  test("a record with an invalid name has no arc and places no visitors", async () => {
    const { store, feed, arcs, counts } = createFeed();
    store.script = () => snapshotOf({ master: 1, "?": 1, "a b": 1, canary: 0.5 });
    feed.start();
    await settle();
    expect(arcs()).toBe("canary=0.5@0");
    expect(counts.malformed).toBe(3);
  });
});

describe("waits", () => {
  /** The times between reads, with a store that answers or fails at once. */
  async function gaps(random: number, script: () => Snapshot, forMs: number): Promise<number[]> {
    const { store, feed } = createFeed({ random: () => random });
    store.script = script;
    feed.start();
    await advance(forMs);
    const times = store.asked.map(({ atMs }) => atMs);
    return times.slice(1).map((time, index) => time - (times[index] as number));
  }

  test.each([
    [0, DELAY_MS],
    [0.5, 0.9 * DELAY_MS],
    [1 - 2 ** -53, 0.8 * DELAY_MS],
  ])(
    "between two reads are at most delay, and are shortened by a fifth at most: random %p",
    async (random, expected) => {
      const found = await gaps(random, () => snapshotOf({}), 10 * DELAY_MS);
      expect(found.length).toBeGreaterThanOrEqual(9);
      for (const gap of found) expect(Math.abs(gap - expected)).toBeLessThanOrEqual(10);
    },
  );

  test("after failures begin at a quarter of delay, double, and end at delay", async () => {
    const found = await gaps(0, failing, 6 * DELAY_MS);
    expect(found.slice(0, 5).map((gap) => Math.round((4 * gap) / DELAY_MS))).toEqual([1, 2, 4, 4, 4]);
  });

  test("after failures are shortened at random, too", async () => {
    const [first] = await gaps(1 - 2 ** -53, failing, DELAY_MS);
    expect(first).toBeCloseTo((0.25 * DELAY_MS) / 4, -1);
  });

  test("start again from the shortest after a success", async () => {
    const answers = [failing, failing, failing, () => snapshotOf({}), failing, failing];
    const found = await gaps(0, () => (answers.shift() ?? failing)(), 8 * DELAY_MS);
    expect(found.slice(0, 6).map((gap) => Math.round((4 * gap) / DELAY_MS))).toEqual([1, 2, 4, 4, 1, 2]);
  });
});

describe("nudges", () => {
  test("are followed by a read at once", async () => {
    const { store, feed, where } = createFeed();
    store.script = () => snapshotOf({ canary: 0 });
    feed.start();
    await advance(100);
    store.script = () => snapshotOf({ canary: 1 });
    store.nudge();
    await settle();
    expect(where()).toBe("canary rollout");
  });

  test("during a read are followed by one more read, because the first may have missed the change", async () => {
    const { store, feed, where } = createFeed();
    feed.start();
    await settle();
    store.nudge();
    store.latest.answer(snapshotOf({ canary: 0 }));
    await settle();
    expect(where()).toBe("master outside");
    store.script = () => snapshotOf({ canary: 1 });
    await advance(15);
    expect(where()).toBe("canary rollout");
    expect(store.asked).toHaveLength(2);
  });

  test("at one moment cost one read", async () => {
    const { store, feed } = createFeed();
    store.script = () => snapshotOf({});
    feed.start();
    await advance(100);
    for (let i = 0; i < 1_000; i++) store.nudge();
    await advance(100);
    expect(store.asked).toHaveLength(2);
  });

  test("without a pause do not make the feed read without a pause", async () => {
    const { store, feed } = createFeed();
    store.script = () => {
      queueMicrotask(() => store.nudge());
      return snapshotOf({});
    };
    feed.start();
    for (let i = 0; i < 200; i++) {
      store.nudge();
      await advance(5);
    }
    expect(store.asked.length).toBeLessThanOrEqual(101);
    expect(store.asked.length).toBeGreaterThan(50);
  });

  test("without a pause from a store that fails cost at most ten reads a second", async () => {
    const { store, feed } = createFeed();
    store.script = failing;
    feed.start();
    for (let i = 0; i < 200; i++) {
      store.nudge();
      await advance(5);
    }
    expect(store.asked.length).toBeLessThanOrEqual(11);
  });
});

describe("law 7: ready", () => {
  test("means that a snapshot has been applied, not that one was asked for", async () => {
    const { store, feed, where } = createFeed();
    feed.start();
    await advance(100);
    expect(store.asked).toHaveLength(1);
    expect(feed.isReady).toBeFalse();
    store.latest.answer(snapshotOf({ canary: 1 }));
    while (!feed.isReady) await Promise.resolve();
    expect(where()).toBe("canary rollout");
  });

  test("waits for every application", async () => {
    const { store, feed } = createFeed({}, ["app", "web"]);
    feed.start();
    await settle();
    store.asked[0]?.answer(snapshotOf({}));
    await settle();
    expect(feed.isReady).toBeFalse();
    store.asked[1]?.answer(snapshotOf({}));
    await settle();
    expect(feed.isReady).toBeTrue();
  });

  test("does not follow a failed read", async () => {
    const { store, feed } = createFeed();
    store.script = failing;
    feed.start();
    await advance(DELAY_MS);
    expect(feed.isReady).toBeFalse();
  });
});

describe("a saved snapshot", () => {
  const arc = (rollout: number, failsafe: Arc["failsafe"]): Arc => ({
    version: "canary",
    rollout,
    offset: 0,
    failsafe,
  });

  async function startFrom(lastGood: LastGood | undefined, script?: () => Snapshot) {
    const created = createFeed({ lastGood: async () => lastGood });
    created.store.script = script;
    created.feed.start();
    await settle();
    return created;
  }

  test("counts until it is unhealthy old", async () => {
    const { feed, where } = await startFrom({ arcs: [arc(1, "master")], ageMs: UNHEALTHY_MS - 1_000 });
    expect(where()).toBe("canary rollout");
    expect(feed.isReady).toBeTrue();
    await advance(1_000);
    expect(where()).toBe("master stale");
  });

  test.each([UNHEALTHY_MS, 1e9, Number.POSITIVE_INFINITY])(
    "if it is %p ms old, versions with failsafe hold keep their visitors, and no others do",
    async (ageMs) => {
      const held = await startFrom({ arcs: [arc(1, "hold")], ageMs });
      expect(held.where()).toBe("canary hold");
      expect(held.feed.isReady).toBeTrue();
      expect(held.rollout.first.lease(performance.now()).durationMs).toBe(UNHEALTHY_MS);
      const dropped = await startFrom({ arcs: [arc(1, "master")], ageMs });
      expect(dropped.where()).toStartWith("master ");
      expect(dropped.feed.isReady).toBeFalse();
    },
  );

  test("never replaces the result of a read", async () => {
    let load: (lastGood: LastGood) => void = () => {};
    const { store, feed, where } = createFeed({
      lastGood: () =>
        new Promise((resolve) => {
          load = resolve;
        }),
    });
    store.script = () => snapshotOf({ canary: 0 });
    feed.start();
    await settle();
    load({ arcs: [arc(1, "master")], ageMs: 0 });
    await settle();
    expect(where()).toBe("master outside");
  });

  test("gives way to the first read, even to one with an older state", async () => {
    const { where } = await startFrom({ arcs: [arc(1, "hold")], ageMs: 0 }, () => snapshotOf({}));
    expect(where()).toBe("master outside");
  });

  test("that is not loaded yet leaves open where visitors go if the first read fails", async () => {
    let load: (lastGood: LastGood) => void = () => {};
    const { store, feed, log, where } = createFeed({
      lastGood: () =>
        new Promise((resolve) => {
          load = resolve;
        }),
    });
    store.script = failing;
    feed.start();
    await settle();
    expect(log.at("warn").at(-1)?.fields).toMatchObject({
      age: "never read",
      now: "the daemon looks for a saved snapshot; without one, all visitors go to master until the store is read",
    });
    load({ arcs: [arc(1, "master")], ageMs: 0 });
    await settle();
    expect(where()).toBe("canary rollout");
    await advance(DELAY_MS);
    expect(log.at("warn").at(-1)?.fields["now"]).toBe(
      "visitors are served by the last values until those are older than 8s",
    );
  });

  test("that is not there leaves no doubt: all visitors go to master", async () => {
    const { store, feed, log } = createFeed({ lastGood: async () => undefined });
    feed.start();
    await settle();
    store.script = failing;
    store.latest.refuse(new Error("gone"));
    await settle();
    expect(log.at("warn").at(-1)?.fields["now"]).toBe("all visitors go to master");
  });

  test("may be absent, and then changes nothing", async () => {
    const { feed, where } = await startFrom(undefined);
    expect(where()).toBe("master unread");
    expect(feed.isReady).toBeFalse();
  });
});

describe("the end", () => {
  test("during a read comes at once, and the answer changes nothing", async () => {
    const { store, feed, where, counts } = createFeed();
    feed.start();
    await advance(10);
    await feed.close();
    expect(store.latest.signal.aborted).toBeTrue();
    expect(store.watches).toBe(0);
    store.latest.answer(snapshotOf({ canary: 1 }));
    await advance(10 * DELAY_MS);
    expect(where()).toBe("master unread");
    expect(counts).toMatchObject({ success: 0, failure: 0 });
    expect(store.asked).toHaveLength(1);
  });

  test("during a wait comes at once, and for good", async () => {
    const { store, feed } = createFeed();
    store.script = () => snapshotOf({});
    feed.start();
    await advance(100);
    await feed.close();
    store.nudge();
    await advance(10 * DELAY_MS);
    expect(store.asked).toHaveLength(1);
  });

  test("may come before the start, and twice", async () => {
    const { store, feed, where } = createFeed();
    store.script = () => snapshotOf({ canary: 1 });
    await feed.close();
    await feed.close();
    await advance(10 * DELAY_MS);
    expect(store.asked).toEqual([]);
    expect(store.watches).toBe(0);
    expect(where()).toBe("master unread");
  });
});

test("each read that failed is told, and a read that succeeded is not", async () => {
  const failed: string[] = [];
  const { feed, store } = createFeed({ failed: (application) => failed.push(application) });
  feed.start();
  await advance(0);
  store.latest.answer(snapshotOf({ canary: 1 }));
  await settle();
  expect(failed).toEqual([]);
  store.script = failing;
  await advance(DELAY_MS);
  expect(failed).toEqual(["app"]);
});

test("each reading goes to its followers after its table counts", async () => {
  const seen: string[] = [];
  const created = createFeed({
    followers: [({ application, ageMs }) => seen.push(`${application} ${ageMs} ${created.where()}`)],
  });
  created.feed.start();
  await advance(50);
  created.store.latest.answer(snapshotOf({ canary: 1 }));
  await settle();
  expect(seen).toEqual(["app 50 canary rollout"]);
});

test("if a follower throws, the others still get the reading, and the read has not failed", async () => {
  const seen: string[] = [];
  const { feed, store, log, counts, where } = createFeed({
    followers: [
      () => {
        throw new Error("a bug");
      },
      ({ application }) => seen.push(application),
    ],
  });
  store.script = () => snapshotOf({ canary: 1 });
  feed.start();
  await settle();
  expect(seen).toEqual(["app"]);
  expect(where()).toBe("canary rollout");
  expect(counts).toMatchObject({ success: 1, failure: 0 });
  expect(log.at("error")).toMatchObject([{ fields: { application: "app", error: "a bug" } }]);
});

test("the log has changes only", async () => {
  const { store, feed, log } = createFeed();
  store.script = () => snapshotOf({ canary: 0.5 });
  feed.start();
  await advance(5 * DELAY_MS);
  expect(log.entries).toHaveLength(1);
  store.script = () => snapshotOf({ canary: 0.75 });
  await advance(DELAY_MS);
  expect(log.entries.map(({ fields }) => fields["arcs"])).toEqual(["canary=0.5@0", "canary=0.75@0"]);
});

test("law 9: two feeds in one process have nothing in common", async () => {
  const one = createFeed();
  const other = createFeed();
  one.store.script = () => snapshotOf({ canary: 1 });
  other.store.script = failing;
  one.feed.start();
  other.feed.start();
  await settle();
  expect([one.where(), other.where()]).toEqual(["canary rollout", "master unread"]);
  await one.feed.close();
  other.store.script = () => snapshotOf({ canary: 1 });
  await advance(DELAY_MS);
  expect(other.where()).toBe("canary rollout");
});

test("law 2: the rollout table has one writer", async () => {
  const writers = [];
  for await (const path of new Bun.Glob("src/**/*.ts").scan(".")) {
    if (/\brollout\.(apply|renew)\(/.test(await Bun.file(path).text())) writers.push(path);
  }
  expect(writers).toEqual(["src/feed/followed.ts"]);
});

describe("an override", () => {
  /** Takes back the visitors of these versions. */
  const takingBack = (taken: Set<string>) => ({
    isTakenBack: (application: string, version: string, value: unknown) =>
      taken.has(`${application} ${version} ${JSON.stringify(value) ?? "saved"}`),
  });

  test("counts at once after reapply, without a read, and ends in the same way", async () => {
    const taken = new Set<string>();
    const { store, feed, where, log, readings, rollout } = createFeed({ overrides: takingBack(taken) });
    store.script = () => snapshotOf({ canary: 1, maintenance: 0 });
    feed.start();
    await settle();
    const { readAtMs } = rollout.first;
    taken.add("app canary 1");
    expect(where()).toBe("canary rollout");
    feed.reapply("app");
    expect(where()).toBe("master outside");
    expect(rollout.first.readAtMs).toBe(readAtMs);
    expect(log.entries.at(-1)).toMatchObject({
      ...{
        message: "rollouts changed by an override",
        fields: { application: "app", arcs: "canary=0@0 maintenance=0@0" },
      },
    });
    expect(store.asked).toHaveLength(1);
    await advance(DELAY_MS);
    expect(where()).toBe("master outside");
    expect(readings.at(-1)).toMatchObject({
      isSame: true,
      arcs: [{ rollout: 0 }, { version: "maintenance" }],
    });
    taken.clear();
    feed.reapply("app");
    expect(where()).toBe("canary rollout");
    feed.reapply("another");
    expect(log.entries.filter(({ message }) => message.includes("override"))).toHaveLength(2);
  });

  test("counts for each later record of which it says so, and for no other application or version", async () => {
    const taken = new Set(["app canary 0.5"]);
    const { store, feed, where } = createFeed({ overrides: takingBack(taken) }, ["app", "shop"]);
    store.script = () => snapshotOf({ canary: 0.5, blue: { rollout: 0.5, offset: 0.5 } });
    feed.start();
    await settle();
    expect([where(0.1), where(0.6), where(0.1, "shop")]).toEqual([
      ...["master outside", "blue rollout", "canary rollout"],
    ]);
    store.script = () => snapshotOf({ canary: 0.4 });
    await advance(DELAY_MS);
    expect(where(0.1)).toBe("canary rollout");
  });

  test("counts for a saved snapshot, also if it begins or ends later", async () => {
    const taken = new Set(["app canary saved"]);
    const arcs: Arc[] = [{ version: "canary", rollout: 1, offset: 0, failsafe: "hold" }];
    const { store, feed, where } = createFeed({
      overrides: takingBack(taken),
      lastGood: async () => ({ arcs, ageMs: 0 }),
    });
    feed.start();
    await settle();
    expect(where()).toBe("master outside");
    taken.clear();
    feed.reapply("app");
    expect(where()).toBe("canary rollout");
    taken.add("app canary saved");
    feed.reapply("app");
    expect(where()).toBe("master outside");
    store.latest.answer(snapshotOf({ canary: 1 }));
    await settle();
    expect(where()).toBe("canary rollout");
  });

  test("before anything was read or saved changes nothing", () => {
    const { feed, where } = createFeed({ overrides: takingBack(new Set(["app canary saved"])) });
    feed.reapply("app");
    expect(where()).toBe("master unread");
  });
});
