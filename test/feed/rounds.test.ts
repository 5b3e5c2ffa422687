/** Many applications in one feed: common reads, common lines in the log, and no work twice. */

import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { Feed, type FeedOptions } from "../../src/feed/feed.ts";
import type { Reading } from "../../src/feed/reading.ts";
import { createLog } from "../../src/log/log.ts";
import { Metrics } from "../../src/metrics.ts";
import { Rollout } from "../../src/rollout.ts";
import type { Snapshot, Snapshots, Store } from "../../src/stores/store.ts";
import { StoreError } from "../../src/stores/store.ts";
import { KeptLog } from "../support/logged.ts";
import { ScriptedStore, snapshotOf } from "../support/scripted-store.ts";
import { advance, settle } from "../support/time.ts";

const DELAY_MS = 4_000;
const UNHEALTHY_MS = 8_000;

/** A store of many applications that records the questions it gets. */
class Together implements Store {
  readonly address = "together:";
  readonly rounds: (readonly string[])[] = [];
  readonly #changed = new Map<string, () => void>();
  answer: (application: string) => Snapshot | StoreError | undefined = () => snapshotOf({ canary: 1 });
  failure: Error | undefined;
  /** Settles a read; undefined: the read ends at once. */
  gate: Promise<void> | undefined;

  async read(): Promise<Snapshot> {
    throw new Error("the feed should use readMany");
  }

  async readMany(applications: readonly string[]): Promise<Snapshots> {
    this.rounds.push(applications);
    const { answer, failure } = this;
    await this.gate;
    if (failure !== undefined) throw failure;
    return { get: answer };
  }

  watch(application: string, changed: () => void): () => void {
    this.#changed.set(application, changed);
    return () => this.#changed.delete(application);
  }

  nudge(...applications: readonly string[]): void {
    for (const application of applications) this.#changed.get(application)?.();
  }

  async close(): Promise<void> {}
}

const feeds: Feed[] = [];

function createFeed<S extends Store>(store: S, count: number, options: Partial<FeedOptions> = {}) {
  const names = Array.from({ length: count }, (_, index) => `app-${index}`);
  const rollout = new Rollout(names, UNHEALTHY_MS);
  const metrics = new Metrics(rollout.placements);
  const log = new KeptLog();
  const readings: Reading[] = [];
  const feed = new Feed({
    ...{ store, rollout, metrics, log, delayMs: DELAY_MS, random: () => 0 },
    followers: [(reading) => readings.push(reading)],
    ...options,
  });
  feeds.push(feed);
  const where = (application: string) => {
    const placement = rollout.table(application)?.locate(0.1, performance.now());
    return `${placement?.location} ${placement?.reason}`;
  };
  return { names, store, rollout, metrics, log, readings, feed, where };
}

function createMany(count = 100, options: Partial<FeedOptions> = {}) {
  return createFeed(new Together(), count, options);
}

afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.close()));
});

describe("with time under the test's control", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  test("all applications are read with one question, at the start and after each delay", async () => {
    const { store, feed, names, where } = createMany();
    feed.start();
    await settle();
    expect(store.rounds).toEqual([names]);
    expect(feed.isReady).toBeTrue();
    expect(new Set(names.map(where))).toEqual(new Set(["canary rollout"]));
    await advance(2 * DELAY_MS);
    expect(store.rounds).toEqual([names, names, names]);
  });

  test("a nudge reads the applications that were nudged, and no others", async () => {
    const { store, feed, names } = createMany();
    feed.start();
    await advance(100);
    store.nudge("app-7", "app-3", "app-7");
    await settle();
    expect(store.rounds).toEqual([names, ["app-3", "app-7"]]);
  });

  test("nudges in quick succession share one read, ten milliseconds apart", async () => {
    const { store, feed, names } = createMany();
    feed.start();
    await advance(100);
    for (const name of names) {
      store.nudge(name);
      await settle();
    }
    await advance(50);
    expect(store.rounds).toEqual([names, ["app-0"], names.slice(1)]);
  });

  test("nudged applications are soon polled with the others again", async () => {
    const { store, feed, names } = createMany();
    feed.start();
    for (const each of names.slice(0, 20)) {
      await advance(50);
      store.nudge(each);
    }
    await advance(3 * DELAY_MS);
    const before = store.rounds.length;
    await advance(4 * DELAY_MS);
    expect(store.rounds.length - before).toBeLessThanOrEqual(8);
  });

  test("a read that hangs delays no other application, and the number of rounds at a time is limited", async () => {
    const { store, feed, names } = createMany();
    feed.start();
    await advance(100);
    store.gate = new Promise(() => {});
    for (let round = 0; round < 10; round++) {
      store.nudge(names[round] ?? "");
      await advance(20);
    }
    // Three rounds that hang are the most that a store is asked for. Later ones fail without a question.
    expect(store.rounds.length).toBeLessThanOrEqual(1 + 4);
    store.gate = undefined;
    await advance(UNHEALTHY_MS);
    expect(feed.states.filter(({ error }) => error !== undefined).length).toBeGreaterThan(0);
  });

  test("an application's error concerns no other one, and its next read comes sooner", async () => {
    const { store, feed, where, log, metrics } = createMany();
    feed.start();
    await settle();
    const sound = store.answer("app-0");
    store.answer = (application) =>
      application === "app-3" ? new StoreError("malformed", "app-3 is a text") : sound;
    await advance(UNHEALTHY_MS);
    expect(where("app-3")).toBe("master stale");
    expect(where("app-4")).toBe("canary rollout");
    expect(feed.states[3]).toMatchObject({ error: "app-3 is a text" });
    expect(feed.states[4]).toMatchObject({ error: undefined });
    expect([...metrics.feeds][4]).toMatchObject({ failure: 0 });
    expect(log.at("warn")[0]?.fields).toMatchObject({ application: "app-3", code: "malformed" });
    expect(store.rounds).toContainEqual(["app-3"]);
    store.answer = () => sound;
    await advance(DELAY_MS);
    expect(where("app-3")).toBe("canary rollout");
  });

  test("if the store leaves an application out, its read has failed", async () => {
    const { store, feed, where } = createMany();
    store.answer = (application) => (application === "app-3" ? undefined : snapshotOf({ canary: 1 }));
    feed.start();
    await settle();
    expect(where("app-3")).toBe("master unread");
    expect(feed.isReady).toBeFalse();
    expect(feed.states[3]?.error).toContain("left an application out");
  });

  test.each([
    ["undefined", undefined],
    ["a plain object", {}],
    ["a number", 1],
  ])(
    "if a store answers with %s, the read has failed for all applications, and the next one comes",
    async (_, answer) => {
      const { store, feed, where } = createMany(3);
      const { readMany } = store;
      store.readMany = async () => answer as unknown as Snapshots;
      feed.start();
      await settle();
      expect(feed.states.map(({ error }) => error)).toEqual(
        Array(3).fill("readMany answered nothing to get from"),
      );
      store.readMany = readMany.bind(store);
      await advance(DELAY_MS);
      expect(where("app-2")).toBe("canary rollout");
    },
  );

  test.each([
    ["a plain object", { canary: 1 }, "not"],
    ["a number", 1, "not"],
    ["an error of another class", new Error("of its own"), "of its own"],
  ])("%s instead of one snapshot is a failure of that application", async (_, wrong, message) => {
    const { store, feed, where } = createMany(3);
    store.answer = (application) =>
      application === "app-1" ? (wrong as unknown as Snapshot) : snapshotOf({ canary: 1 });
    feed.start();
    await settle();
    expect(feed.states[1]?.error).toContain(message);
    expect(where("app-2")).toBe("canary rollout");
  });

  test("the same object as last time only renews the time: it is not checked, reported or applied again", async () => {
    const snapshot = snapshotOf({ canary: { rollout: 0.5 } });
    let looks = 0;
    const watched = new Proxy(snapshot as Map<string, unknown>, {
      get(target, name) {
        looks++;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    }) as unknown as Snapshot;
    const { store, feed, log, rollout, readings, where } = createMany(1);
    store.answer = () => watched;
    feed.start();
    await settle();
    const before = { looks, told: log.entries.length, placement: where("app-0"), arcs: rollout.first.arcs };
    await advance(20 * DELAY_MS);
    expect({ looks, told: log.entries.length, placement: where("app-0"), arcs: rollout.first.arcs }).toEqual(
      before,
    );
    expect(rollout.first.arcs).toBe(before.arcs);
    expect(readings).toHaveLength(21);
    expect(readings.slice(1).every(({ isSame }) => isSame)).toBeTrue();
    expect(rollout.first.readAtMs).toBe(performance.now());
  });

  test("another object with the same content is not a change, and complaints are not repeated", async () => {
    const { store, feed, log, rollout } = createMany(1);
    store.answer = () => snapshotOf({ canary: 2, blue: 0.5 });
    feed.start();
    await settle();
    const { arcs } = rollout.first;
    const told = log.entries.length;
    await advance(5 * DELAY_MS);
    expect(rollout.first.arcs).toBe(arcs);
    expect(log.entries).toHaveLength(told);
  });

  test("a store without readMany may return the same object each time, with changed content", async () => {
    const live = new Map([["canary", { value: 0 as unknown, revision: "1" }]]);
    const { store, feed, where } = createFeed(new ScriptedStore(), 2);
    store.script = () => live;
    feed.start();
    await settle();
    expect(where("app-1")).toBe("master outside");
    live.set("canary", { value: 1, revision: "2" });
    await advance(DELAY_MS);
    expect(where("app-1")).toBe("canary rollout");
  });

  test("a store without readMany gets 32 questions at a time, and one that hangs delays no other", async () => {
    const { store, feed, names } = createFeed(new ScriptedStore(), 100);
    feed.start();
    await settle();
    expect(store.asked).toHaveLength(32);
    for (const asked of store.asked.slice(1)) asked.answer(snapshotOf({ canary: 1 }));
    await settle();
    for (let turn = 0; turn < 10; turn++) {
      for (const asked of store.asked.slice(32)) asked.answer(snapshotOf({ canary: 1 }));
      await settle();
    }
    expect(store.asked.map(({ application }) => application)).toEqual(names);
    expect(feed.states.filter(({ records }) => records === undefined)).toHaveLength(1);
  });

  test("an outage is one line of the log for all applications, and so are its end and its consequence", async () => {
    const { store, feed, log } = createMany(500);
    feed.start();
    await settle();
    store.failure = new StoreError("unavailable", "no server answers");
    await advance(UNHEALTHY_MS + DELAY_MS);
    const failures = log.at("warn").filter(({ message }) => message === "the store could not be read");
    expect(failures[0]?.fields).toEqual({
      applications: 500,
      store: "together:",
      code: "unavailable",
      error: "no server answers",
      age: "4s",
      now: "visitors are served by the last values until those are older than 8s",
    });
    expect(failures.at(-1)?.fields).toMatchObject({ age: "11s", now: "all visitors go to master" });
    expect(log.at("error")).toEqual([
      {
        level: "error",
        message:
          "the store has been unreadable for longer than -unhealthy (8s): all visitors go to master, except those of versions with failsafe hold",
        fields: { applications: 500, store: "together:" },
      },
    ]);
    const before = log.entries.length;
    store.failure = undefined;
    await advance(DELAY_MS);
    expect(log.entries.slice(before).map(({ message, fields }) => [message, fields["applications"]])).toEqual(
      [
        ["the store answers again", 500],
        ["the store was read again: visitors are served by its rollouts", 500],
      ],
    );
  });

  test("after an outage, no late line says that visitors still go to master", async () => {
    const lines: string[] = [];
    const log = createLog({ format: "text", sinks: [{ write: (line) => void lines.push(line) }] });
    const { store, feed } = createMany(2, { log });
    const outage = async (ms: number) => {
      store.failure = new StoreError("unavailable", "no server answers");
      await advance(ms);
      store.failure = undefined;
    };
    feed.start();
    await settle();
    await outage(3 * UNHEALTHY_MS);
    await advance(DELAY_MS);
    await outage(3 * UNHEALTHY_MS);
    const before = lines.length;
    // One of two applications is read again, so the complaint about both still holds.
    store.answer = (application) =>
      application === "app-0" ? snapshotOf({ canary: 1 }) : new StoreError("unavailable", "a server is gone");
    await advance(DELAY_MS);
    expect(lines.slice(before).join("")).toContain("answers again application=app-0");
    expect(lines.slice(before).join("")).not.toContain("this is over");
    store.answer = () => snapshotOf({ canary: 1 });
    await advance(DELAY_MS);
    const ended = lines.findLastIndex((line) => line.includes("was read again"));
    const held = /could not be read|unreadable/;
    expect(lines[ended]).toContain("application=app-1");
    expect(lines.slice(before, ended).filter((line) => held.test(line))).not.toHaveLength(0);
    expect(lines.slice(before, ended).join("")).toContain('now="this is over" repeated=');
    await advance(100 * UNHEALTHY_MS);
    expect(lines.slice(ended + 1).filter((line) => held.test(line))).toEqual([]);
  });

  test("of many changes, some have a line of their own, and one line has the number of the others", async () => {
    const { feed, log } = createMany(500);
    feed.start();
    await settle();
    expect(log.entries).toHaveLength(33);
    expect(log.entries.at(-1)).toMatchObject({ message: "rollouts", fields: { moreApplications: 468 } });
  });

  test("a change is logged with its author and reason, if the records name them", async () => {
    const { store, feed, log } = createMany(1);
    const record = (rollout: number, more = {}) => ({
      ...{ rollout, updatedBy: "ada@ops", why: "INC-42\n" },
      ...more,
    });
    const tell = async (records: Readonly<Record<string, unknown>>) => {
      store.answer = () => snapshotOf(records);
      await advance(DELAY_MS);
      return log.entries.at(-1);
    };
    store.answer = () => snapshotOf({ canary: record(0) });
    feed.start();
    expect((await tell({ canary: record(0) }))?.fields["by"]).toBeUndefined();
    expect(await tell({ canary: record(0.5) })).toMatchObject({
      message: "rollouts changed",
      fields: { application: "app-0", arcs: "canary=0.5@0", by: "ada@ops", why: "INC-42\n" },
    });
    // Only changed records count, and a value that is not text is left out.
    const blue = record(0.1, { offset: 0.5, updatedBy: "eve", why: 7 });
    expect(await tell({ canary: record(0.5), blue })).toMatchObject({ fields: { by: "eve" } });
    expect(
      (await tell({ canary: record(0.4), blue: { ...blue, rollout: 0.2 } }))?.fields["by"],
    ).toBeUndefined();
    expect(
      await tell({ canary: record(0.3, { why: "x".repeat(1_000) }), blue: { ...blue, rollout: 0.2 } }),
    ).toMatchObject({
      fields: { why: `${"x".repeat(200)}…` },
    });
    const held = { canary: record(0.3, { failsafe: "hold" }) };
    expect(await tell(held)).toMatchObject({ fields: { arcs: "canary=0.3@0", hold: "canary" } });
  });

  test("the state has each application's number of records, and the log warns once if there are none", async () => {
    const { store, feed, log } = createMany(2);
    store.answer = (application) => snapshotOf(application === "app-0" ? { canary: 1, blue: 0 } : {});
    feed.start();
    expect(feed.states.map(({ records }) => records)).toEqual([undefined, undefined]);
    await advance(3 * DELAY_MS);
    expect(feed.states.map(({ records }) => records)).toEqual([2, 0]);
    expect(log.at("warn").map(({ fields }) => fields["application"])).toEqual(["app-1"]);
  });

  test("too many records for one application are an error, and the last values still count", async () => {
    const { store, feed, where } = createMany(1);
    feed.start();
    await settle();
    const many = Object.fromEntries(Array.from({ length: 513 }, (_, index) => [`v${index}`, 0]));
    store.answer = () => snapshotOf(many);
    await advance(DELAY_MS);
    expect(where("app-0")).toBe("canary rollout");
    expect(feed.states[0]?.error).toContain("more than 512 records");
  });

  test("begun() resolves when the first read of every application has succeeded or failed", async () => {
    const { store, feed } = createMany(50);
    let open: () => void = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    store.answer = (application) =>
      application === "app-7" ? new StoreError("malformed", "a text") : snapshotOf({ canary: 1 });
    feed.start();
    let hasBegun = false;
    void feed.begun().then(() => {
      hasBegun = true;
    });
    await advance(100);
    expect(hasBegun).toBeFalse();
    open();
    await advance(5);
    expect(hasBegun).toBeTrue();
  });
});

describe("law 5: ten thousand applications delay no visitor", () => {
  /**
   * The most applications in one turn of the event loop; on a slow machine they take less than a quarter of a
   * millisecond.
   */
  const AT_ONCE_MAX = 2_000;

  test("on the first read, on a read without changes, and on one that changes all of them", async () => {
    const { store, feed, names, rollout } = createMany(10_000, { delayMs: 60_000 });
    let turn = 0;
    let value = 0;
    let isOver = false;
    const perTurn = new Map<number, number>();
    const snapshots = new Map<string, Snapshot>();
    const count = () => {
      turn++;
      if (!isOver) setImmediate(count);
    };
    store.answer = (application) => {
      perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
      const known = snapshots.get(application) ?? snapshotOf({ canary: value });
      snapshots.set(application, known);
      return known;
    };
    const isRead = async (times: number) => {
      while ([...perTurn.values()].reduce((sum, each) => sum + each, 0) < times * names.length) {
        await Bun.sleep(5);
      }
      await Bun.sleep(20);
    };
    count();
    feed.start();
    await isRead(1);
    store.nudge(...names);
    await isRead(2);
    value = 0.5;
    snapshots.clear();
    store.nudge(...names);
    await isRead(3);
    isOver = true;
    expect(rollout.table("app-9999")?.arcs[0]?.rollout).toBe(0.5);
    expect(Math.max(...perTurn.values())).toBeLessThan(AT_ONCE_MAX);
  }, 60_000);
});
