/** A release that is followed by its key, whatever becomes of it and of the store. */

import { describe, expect, test } from "bun:test";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { StoreError } from "../../src/stores/store.ts";
import { follow, POLL_MS, PUSHED_POLL_MS, type Sight } from "../../src/verbs/follower.ts";
import { Observer } from "../../src/verbs/observer.ts";
import { BEGAN_MS, KEY, OTHER_KEY, releaseOf } from "../releases/world.ts";
import { HandTime, settle } from "../support/hand-time.ts";
import { MemoryStore } from "../support/memory-store.ts";

const AIM = { application: "website", version: "canary", key: KEY };

class World {
  readonly time = new HandTime();
  readonly store = new MemoryStore(() => BEGAN_MS + this.time.nowMs);
  readonly stop = new AbortController();
  readonly sights: Sight[] = [];
  isOver = false;
  /** The fault of each read. */
  fault: Error | undefined;

  constructor() {
    const read = this.store.read.bind(this.store);
    this.store.read = async (application, signal) => {
      if (this.fault !== undefined) throw this.fault;
      return read(application, signal);
    };
    this.put(releaseOf());
  }

  put(release: Release): void {
    const [rollout, offset] = release.wrote;
    this.store.put("website", "canary", { rollout, offset, release: releaseField(release) });
  }

  async follow(endsAt = Number.POSITIVE_INFINITY): Promise<void> {
    const { store, time } = this;
    const observer = new Observer(store, "website", { monotonic: time.clock, wall: Date.now });
    const first = await observer.look(this.stop.signal);
    const show = (sight: Sight) => this.sights.push(sight) < endsAt;
    const following = { store, observer, aim: AIM, timers: time.timers };
    void follow(following, first, show, this.stop.signal).then(() => {
      this.isOver = true;
    });
    await settle();
  }

  /** The states that were seen: `running 2`, or why there is none. */
  get seen(): string[] {
    return this.sights.map((sight) => {
      if (sight.kind === "silent") return `silent since ${sight.sinceMonotonicMs}`;
      if (sight.found === undefined) return `gone, ${sight.there.kind}`;
      return `${sight.found.release.state} ${sight.found.release.step}`;
    });
  }
}

describe("a follower", () => {
  test("sees a change at once by the store's push, and looks again from time to time", async () => {
    const world = new World();
    await world.follow();
    world.put(releaseOf({ step: 3, seq: 5 }));
    await world.time.pass(100);
    expect(world.seen).toEqual(["running 2", "running 3"]);
    await world.time.pass(PUSHED_POLL_MS - 1);
    expect(world.seen).toHaveLength(2);
    await world.time.pass(1);
    expect(world.seen).toHaveLength(3);
  });

  test("looks each second if the store cannot push", async () => {
    const world = new World();
    Object.assign(world.store, { watch: undefined });
    await world.follow();
    world.put(releaseOf({ step: 3, seq: 5 }));
    await world.time.pass(POLL_MS);
    expect(world.seen).toEqual(["running 2", "running 3"]);
  });

  test("does not look more than ten times a second, however often the store pushes", async () => {
    const world = new World();
    await world.follow();
    for (let ms = 0; ms < 1_000; ms += 10) {
      world.store.put("website", "blue", { rollout: 0 });
      await world.time.pass(10);
    }
    expect(world.seen.length).toBeGreaterThan(8);
    expect(world.seen.length).toBeLessThanOrEqual(11);
  });

  test("tells since when the store does not answer, asks each second, and goes on", async () => {
    const world = new World();
    await world.follow();
    world.fault = new StoreError("unavailable", "no answer");
    world.store.put("website", "blue", { rollout: 0 });
    await world.time.pass(2_100);
    world.fault = undefined;
    await world.time.pass(POLL_MS);
    expect(world.seen).toEqual([
      "running 2",
      ...Array.from({ length: 3 }, () => "silent since 1000"),
      "running 2",
    ]);
  });

  test.each([
    ["another release", releaseOf({ key: OTHER_KEY, id: 8 }), "gone, release"],
    ["no release", undefined, "gone, none"],
    ["a release of a newer program", { ...releaseOf(), format: 99 }, "gone, problem"],
  ])("sees that the record has %s now", async (_, release, sight) => {
    const world = new World();
    await world.follow();
    const field = release === undefined ? undefined : releaseField(release as Release);
    world.store.put("website", "canary", { rollout: 0.05, offset: 0.25, release: field });
    await world.time.pass(100);
    expect(world.seen.at(-1)).toBe(sight);
  });

  test("ends when its caller has seen enough, and leaves no timer and no watch behind", async () => {
    const world = new World();
    await world.follow(1);
    expect([world.isOver, world.time.pending]).toEqual([true, 0]);
    world.store.put("website", "canary", { rollout: 0 });
    await world.time.pass(60_000);
    expect(world.seen).toHaveLength(1);
  });

  test("ends at once when its caller stops it, also during a pause", async () => {
    const world = new World();
    await world.follow();
    world.stop.abort();
    await settle();
    expect([world.isOver, world.time.pending, world.seen.length]).toEqual([true, 0, 1]);
  });
});
