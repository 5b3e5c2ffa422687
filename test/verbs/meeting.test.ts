/** Two releases of one application that begin at the same moment. */

import { describe, expect, test } from "bun:test";
import { readRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Carrying } from "../../src/verbs/carry-out.ts";
import { meet } from "../../src/verbs/meeting.ts";
import { BEGAN_MS, releaseOf, TX } from "../releases/world.ts";
import { MemoryStore } from "../support/memory-store.ts";

const LOW = "0".repeat(24);
const HIGH = "f".repeat(24);

class World {
  readonly store = new MemoryStore();
  #nowMs = 0;
  /** Called in each pause, with the time. */
  onPause: (nowMs: number) => Promise<void> | void = () => {};

  put(version: string, key: string, changes: Partial<Release> = {}): void {
    const release = releaseOf({ key, ...changes });
    const [rollout, offset] = release.wrote;
    this.store.put("website", version, { rollout, offset, release: releaseField(release) });
  }

  state(version: string): string {
    const found = readRelease(this.store.value("website", version)?.["release"]);
    return found.kind === "release" ? found.release.state : found.kind;
  }

  meet(version: string, key: string) {
    const carrying: Carrying = {
      ...{ store: this.store, author: "ada@web-1", why: undefined, signal: AbortSignal.timeout(5_000) },
      ...{ wallClock: () => BEGAN_MS, drawKey: () => TX, random: () => 0.5 },
      timeLimit: (ms) => AbortSignal.timeout(ms),
      pause: async (ms) => {
        this.#nowMs += ms;
        await this.onPause(this.#nowMs);
      },
    };
    return meet({ application: "website", version }, key, carrying, () => this.#nowMs);
  }
}

describe("REL-20: a release that has just begun", () => {
  test("is alone if no other version has visitors, or if another writer has ended it", async () => {
    const world = new World();
    world.put("canary", LOW);
    world.put("blue", HIGH, { state: "aborted", wrote: [0, 0] });
    expect(await world.meet("canary", LOW)).toEqual({ kind: "alone" });
    world.put("blue", HIGH);
    world.put("canary", LOW, { state: "aborted", wrote: [0, 0] });
    expect(await world.meet("canary", LOW)).toEqual({ kind: "alone" });
    world.put("canary", "5".repeat(24));
    expect(await world.meet("canary", LOW)).toEqual({ kind: "alone" });
  });

  test("aborts itself at once if its key sorts last", async () => {
    const world = new World();
    world.put("canary", HIGH);
    world.put("blue", LOW);
    world.onPause = () => {
      throw new Error("it must not wait");
    };
    expect(await world.meet("canary", HIGH)).toMatchObject({ kind: "gave-way", to: { version: "blue" } });
    expect([world.state("canary"), world.state("blue")]).toEqual(["aborted", "running"]);
    expect(world.store.value("website", "canary")).toMatchObject({
      rollout: 0,
      why: "another release began at the same time",
    });
  });

  test("stays if its key sorts first and the other one goes", async () => {
    const world = new World();
    world.put("canary", LOW);
    world.put("blue", HIGH);
    world.onPause = async () => {
      if (world.state("blue") === "running") await world.meet("blue", HIGH);
    };
    expect(await world.meet("canary", LOW)).toEqual({ kind: "alone" });
    expect([world.state("canary"), world.state("blue")]).toEqual(["running", "aborted"]);
  });

  test("aborts itself too if the other writer had looked before it, and so does not go", async () => {
    const world = new World();
    world.put("blue", HIGH);
    expect(await world.meet("blue", HIGH)).toEqual({ kind: "alone" });
    world.put("canary", LOW);
    expect(await world.meet("canary", LOW)).toMatchObject({ kind: "gave-way", to: { version: "blue" } });
    expect([world.state("canary"), world.state("blue")]).toEqual(["aborted", "running"]);
  });

  test("leaves at most one of three", async () => {
    const world = new World();
    const keys = { canary: LOW, blue: "7".repeat(24), green: HIGH };
    for (const [version, key] of Object.entries(keys)) world.put(version, key);
    await Promise.all(Object.entries(keys).map(([version, key]) => world.meet(version, key)));
    const states = Object.keys(keys).map((version) => world.state(version));
    expect(states).toEqual(["running", "aborted", "aborted"]);
  });

  test("knows a version that has visitors without a release", async () => {
    const world = new World();
    world.put("canary", LOW);
    world.store.put("website", "blue", { rollout: 0.1 });
    expect(await world.meet("canary", LOW)).toEqual({ kind: "beside", version: "blue" });
    expect(world.state("canary")).toBe("running");
  });
});
