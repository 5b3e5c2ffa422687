/** The foreground of a fade, on a store in memory and a clock of the test. */

import { describe, expect, test } from "bun:test";
import { newsLine } from "../../src/evidence/news-lines.ts";
import { readRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { StoreError } from "../../src/stores/store.ts";
import type { Carrying } from "../../src/verbs/carry-out.ts";
import { AWAY_MS_MAX, type FadeNews, fadeOut } from "../../src/verbs/fade-out.ts";
import { BEGAN_MS, KEY, OTHER_KEY, releaseOf } from "../releases/world.ts";
import { MemoryStore } from "../support/memory-store.ts";

const TARGET = { application: "website", version: "canary" } as const;
const OVER_MS = 100_000;
const FADING = releaseOf({
  ...{ state: "finished", step: 4, wrote: [1, 0.25], seq: 9 },
  fade: [1, BEGAN_MS, OVER_MS],
});

/** A store with a release that fades from 100 %, and a fade whose time passes with each pause. */
function world(release: Release = FADING) {
  let passedMs = 0;
  const skew = { ms: 0 };
  const store = new MemoryStore(() => BEGAN_MS + passedMs + skew.ms);
  const put = (changed: Release, rollout: number = changed.wrote[0]) =>
    store.put("website", "canary", {
      ...{ rollout, offset: 0.25, why: "done", updatedBy: "ada@web-1" },
      release: releaseField(changed),
    });
  put(release);
  const told: FadeNews[] = [];
  const interrupt = new AbortController();
  const rollouts: number[] = [];
  let keys = 0;
  const carrying: Carrying = {
    ...{ store, author: "ada@web-1", why: undefined, signal: interrupt.signal },
    ...{ wallClock: () => BEGAN_MS, pause: async () => {}, random: () => 0.5 },
    drawKey: () => (++keys).toString(16).padStart(24, "0"),
    timeLimit: (ms) => AbortSignal.timeout(ms),
  };
  const hooks: { idle?: (passedMs: number) => void } = {};
  return {
    ...{ store, put, told, interrupt, rollouts, hooks, skew },
    record: () => store.value("website", "canary"),
    run: () =>
      fadeOut({
        ...{ target: TARGET, release, rollout: release.wrote[0], carrying },
        ...{ monotonic: () => passedMs, interrupt: interrupt.signal },
        idle: async (ms) => {
          passedMs += Math.max(1, ms);
          rollouts.push(store.value("website", "canary")?.["rollout"] as number);
          hooks.idle?.(passedMs);
        },
        told: (news) => void told.push(news),
      }),
    presence: (seq: number) =>
      store.evidence.append(
        { application: "website", key: KEY },
        [newsLine({ kind: "presence", name: "web-2", beat: 1, atMs: BEGAN_MS, seq })],
        interrupt.signal,
      ),
  };
}

describe("a fade in the foreground", () => {
  test("lowers step by step, never raises, and ends at 0", async () => {
    const { run, rollouts, record, store, told } = world();
    expect(await run()).toEqual({ kind: "over" });
    expect(record()?.["rollout"]).toBe(0);
    expect(rollouts).toEqual(rollouts.toSorted((a, b) => b - a));
    expect(new Set(rollouts).size).toBeGreaterThan(90);
    expect(store.calls.write).toBeLessThanOrEqual(101);
    expect(told.filter(({ kind }) => kind === "alone")).toHaveLength(1);
    expect(readRelease(record()?.["release"])).toMatchObject({ release: { state: "finished" } });
    expect(readRelease(record()?.["release"])).not.toHaveProperty("release.fade");
  });

  test("goes on if the store's clock goes back", async () => {
    const { run, hooks, skew } = world();
    let passedMs = 0;
    hooks.idle = (ms) => {
      passedMs = ms;
      if (ms >= OVER_MS / 2) skew.ms = -3_600_000;
    };
    expect(await run()).toEqual({ kind: "over" });
    expect(passedMs).toBeWithin(0.9 * OVER_MS, 1.1 * OVER_MS);
  });

  test("keeps the person's reason, and the record does not remember each step", async () => {
    const { run, record, hooks } = world();
    hooks.idle = (passedMs) => {
      if (passedMs < OVER_MS / 2) return;
      hooks.idle = () => {};
      expect(record()).toMatchObject({ why: "done" });
      expect(record()).not.toHaveProperty("history");
    };
    await run();
    expect(record()?.["history"]).toMatchObject([{ why: "done" }]);
  });

  test("is left to a daemon that has seen it, and to no other one", async () => {
    const { run, presence, told, hooks, store } = world();
    await presence(8);
    hooks.idle = (passedMs) => {
      if (passedMs > 2_000) void presence(9);
    };
    const end = await run();
    expect(end).toMatchObject({ kind: "led", by: "web-2" });
    expect(end.kind === "led" && end.rollout).toBeLessThan(1);
    expect(told.some(({ kind }) => kind === "alone")).toBe(false);
    expect(store.calls.write).toBeLessThan(6);
  });

  test("goes on without evidence that can be read", async () => {
    const { run, store } = world();
    store.evidence.read = () => Promise.reject(new StoreError("denied", "no rights"));
    expect(await run()).toEqual({ kind: "over" });
  });

  test("ends if a controller does its steps, too", async () => {
    const { run, put, hooks, store } = world();
    hooks.idle = (passedMs) => {
      if (passedMs < 50_000) return;
      const { fade: _, ...over } = FADING;
      put({ ...over, wrote: [0, 0.25], seq: 99 });
    };
    expect(await run()).toEqual({ kind: "over" });
    expect(store.value("website", "canary")?.["release"]).toMatchObject({ seq: 99 });
  });

  test.each<[string, (put: (release: Release, rollout?: number) => void) => void, number]>([
    ["a rollout by hand", (put) => put(FADING, 0.7), 0.7],
    ["another release", (put) => put({ ...FADING, key: OTHER_KEY, state: "running" }, 0.01), 0.01],
  ])("stops for %s, which stays", async (_, write, rollout) => {
    const { run, put, hooks, record } = world();
    hooks.idle = () => {
      hooks.idle = () => {};
      write(put);
    };
    expect(await run()).toEqual({ kind: "stopped", rollout });
    expect(record()).toMatchObject({ rollout });
  });

  test("is over after a 0 by hand", async () => {
    const { run, put, hooks } = world();
    hooks.idle = () => void put(FADING, 0);
    expect(await run()).toEqual({ kind: "over" });
  });

  test("stays where it is after an interrupt", async () => {
    const { run, hooks, interrupt, record } = world();
    hooks.idle = (passedMs) => {
      if (passedMs > 10_000) interrupt.abort();
    };
    const end = await run();
    expect(end).toEqual({ kind: "interrupted", rollout: record()?.["rollout"] as number });
    expect(record()?.["rollout"]).toBeGreaterThan(0.8);
  });

  test("is tried again while the store is away, and given up after a while", async () => {
    const { run, store, told } = world();
    let failures = 30;
    store.before = () => {
      if (failures-- > 0) throw new StoreError("unavailable", "away");
      return undefined;
    };
    expect(await run()).toEqual({ kind: "over" });
    expect(told.filter(({ kind }) => kind === "away")).toHaveLength(30);

    const gone = world();
    gone.store.read = () => Promise.reject(new StoreError("unavailable", "gone"));
    let lastMs = 0;
    gone.hooks.idle = (passedMs) => {
      lastMs = passedMs;
    };
    expect(await gone.run()).toMatchObject({ kind: "away", rollout: 1 });
    expect(lastMs).toBeGreaterThanOrEqual(AWAY_MS_MAX);
  });

  test("has a limit for a store that hangs", async () => {
    const { run, store, interrupt, told } = world();
    store.read = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        setTimeout(() => interrupt.abort(), 5);
      });
    expect(await run()).toMatchObject({ kind: "interrupted" });
    expect(told).toMatchObject([{ kind: "away" }]);
  });
});
