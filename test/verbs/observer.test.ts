/** All that a person at a distance can know about a release: read at once, and again and again. */

import { describe, expect, test } from "bun:test";
import { newsLine } from "../../src/evidence/news-lines.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { emptyOutcome } from "../../src/intake/outcome.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { type Snapshot, StoreError } from "../../src/stores/store.ts";
import { freezeFields } from "../../src/verbs/freeze.ts";
import { Observer } from "../../src/verbs/observer.ts";
import { BEGAN_MS, KEY, OTHER_KEY, releaseOf } from "../releases/world.ts";
import { MemoryStore } from "../support/memory-store.ts";

const LOG = { application: "website", key: KEY };
const signal = AbortSignal.timeout(30_000);

function put(store: MemoryStore, version: string, release: Release): void {
  const [rollout, offset] = release.wrote;
  store.put("website", version, { rollout, offset, release: releaseField(release) });
}

const presence = (name: string, beat: number) =>
  newsLine({ kind: "presence", name, beat, atMs: BEGAN_MS, seq: 4 });

/** Clocks of this machine that are hours off. */
function world(hasClock = true) {
  let monotonicMs = 5_000;
  const store = new MemoryStore(hasClock ? () => BEGAN_MS + monotonicMs : undefined);
  const clocks = { monotonic: () => monotonicMs, wall: () => BEGAN_MS - 7_200_000 + monotonicMs };
  put(store, "canary", releaseOf());
  const observer = new Observer(store, "website", clocks);
  const pass = (ms: number) => {
    monotonicMs += ms;
  };
  return { store, observer, pass };
}

describe("an observer", () => {
  test("reads the records, the freeze, the daemons and the time", async () => {
    const { store, observer, pass } = world();
    put(store, "blue", releaseOf({ id: 9, key: OTHER_KEY, state: "aborted", wrote: [0, 0] }));
    store.put("~releases", "freeze", freezeFields(true, "ada@web-1", new Date(BEGAN_MS), "Friday"));
    await store.evidence.append(LOG, [presence("web-1", 1)], signal);
    const seen = await observer.look(signal);
    expect(seen.releases.map(({ version, release }) => [version, release.id])).toEqual([
      ["blue", 9],
      ["canary", 7],
    ]);
    expect(seen.freeze).toMatchObject({ isFrozen: true, why: "Friday" });
    expect(seen.moment).toEqual({ monotonicMs: 5_000, nowMs: BEGAN_MS + 5_000 });
    expect(seen.crewOf(KEY)?.leaders(5_000)).toEqual(["web-1"]);
    expect(seen.crewOf(OTHER_KEY)).toBeUndefined();
    pass(1_500);
    expect(observer.now()).toEqual({ monotonicMs: 6_500, nowMs: BEGAN_MS + 6_500 });
  });

  test("hears each daemon once, and asks for the clock once a minute", async () => {
    const { store, observer, pass } = world();
    await observer.look(signal);
    await store.evidence.append(LOG, [presence("web-1", 1)], signal);
    pass(1_000);
    expect((await observer.look(signal)).crewOf(KEY)?.leaders(6_000)).toEqual(["web-1"]);
    pass(89_000);
    const seen = await observer.look(signal);
    expect(seen.crewOf(KEY)?.leaders(96_000)).toEqual(["web-1"]);
    expect(seen.crewOf(KEY)?.leaders(96_001)).toEqual([]);
    expect(store.calls.clock).toBe(2);
  });

  test("has the evidence of a release under way, once all of it is read, and never that of one that is over", async () => {
    const { store, observer, pass } = world();
    const evidence = new ReleaseEvidence({ release: releaseOf(), from: "web-1" });
    evidence.raise("back", BEGAN_MS);
    const outcome = { ...emptyOutcome(), application: "website", assignment: 0.26, status: 500 };
    evidence.take(outcome, BEGAN_MS + 20_000);
    await store.evidence.append(LOG, evidence.news(BEGAN_MS + 20_000).map(newsLine), signal);
    const { read } = store.evidence;
    store.evidence.read = () => Promise.reject(new StoreError("unavailable", "no"));
    expect((await observer.look(signal)).evidenceOf(KEY)).toBeUndefined();
    store.evidence.read = read;
    pass(20_000);
    const seen = (await observer.look(signal)).evidenceOf(KEY);
    expect([...(seen?.signs.keys() ?? [])]).toEqual(["back"]);
    expect(seen?.figures(BEGAN_MS + 25_000)?.metrics[0]?.segments.map(({ canary }) => canary)).toEqual([
      0, 1,
    ]);
    put(store, "canary", releaseOf({ state: "aborted", seq: 5, fade: [0.05, BEGAN_MS, 60_000] }));
    expect((await observer.look(signal)).evidenceOf(KEY)).toBeUndefined();
  });

  test("that keeps the last release has its evidence also after its end, whether it saw it before or not", async () => {
    const { store, pass } = world();
    const clocks = { monotonic: () => 5_000, wall: () => BEGAN_MS };
    const keeping = () => new Observer(store, "website", clocks, true);
    const evidence = new ReleaseEvidence({ release: releaseOf(), from: "web-1" });
    const outcome = { ...emptyOutcome(), application: "website", assignment: 0.26, status: 500 };
    evidence.take(outcome, BEGAN_MS + 20_000);
    await store.evidence.append(LOG, evidence.news(BEGAN_MS + 20_000).map(newsLine), signal);
    pass(30_000);
    const before = keeping();
    await before.look(signal);
    const arcs = [...releaseOf().arcs, [BEGAN_MS + 30_000, 0, 0.25] as const];
    put(store, "canary", releaseOf({ state: "aborted", seq: 5, wrote: [0, 0.25], arcs }));
    for (const observer of [before, keeping()]) {
      const seen = (await observer.look(signal)).evidenceOf(KEY);
      const [metric] = seen?.figures(BEGAN_MS + 29_999)?.metrics ?? [];
      expect(metric?.segments.reduce((sum, { canary }) => sum + canary, 0)).toBe(1);
    }
  });

  test("takes this machine's clock if the store has none, or does not tell it", async () => {
    const machine = { moment: { nowMs: BEGAN_MS - 7_195_000 }, clock: "machine" };
    expect(await world(false).observer.look(signal)).toMatchObject(machine);
    const { store, observer } = world();
    store.clock = () => Promise.reject(new StoreError("unavailable", "no"));
    expect(await observer.look(signal)).toMatchObject({ ...machine, clock: "unknown" });
  });

  test("keeps the store's clock while that does not answer", async () => {
    const { store, observer, pass } = world();
    await observer.look(signal);
    store.clock = () => Promise.reject(new StoreError("unavailable", "no"));
    pass(120_000);
    const { moment, clock } = await observer.look(signal);
    expect([moment.nowMs, clock]).toEqual([BEGAN_MS + 125_000, "store"]);
  });

  test("sees the release also if the freeze and the evidence cannot be read", async () => {
    const { store, observer } = world();
    const read = store.read.bind(store);
    store.read = (application, soon): Promise<Snapshot> =>
      application === "website" ? read(application, soon) : new Promise(() => {});
    store.evidence.read = () => new Promise(() => {});
    const seen = await observer.look(signal);
    expect(seen.releases).toHaveLength(1);
    expect([seen.freeze, seen.crewOf(KEY)]).toEqual([undefined, undefined]);
  });

  test("reads a long log in parts, and takes all that was there before as old", async () => {
    const { store, observer } = world();
    const batches = Array.from({ length: 12 }, (_, beat) => presence(`web-${beat}`, beat));
    store.evidence.read = async (_, cursor = "0") => {
      const next = Number(cursor) + 1;
      const old = presence("old", 1).replace(String(BEGAN_MS), String(BEGAN_MS - 3_600_000));
      return { batches: [batches[next] ?? old], cursor: String(next), hasMore: next < batches.length };
    };
    const part = await observer.look(signal);
    expect(part.crewOf(KEY)?.leaders(5_000)).toHaveLength(8);
    expect(part.evidenceOf(KEY)).toBeUndefined();
    const whole = await observer.look(signal);
    expect(whole.evidenceOf(KEY)).toBeDefined();
    const leaders = whole.crewOf(KEY)?.leaders(5_000);
    expect(leaders).toHaveLength(11);
    expect(leaders).not.toContain("old");
  });

  test("rejects if the records cannot be read", async () => {
    const { store, observer } = world();
    store.read = () => Promise.reject(new StoreError("unavailable", "gone"));
    expect(observer.look(signal)).rejects.toThrow("gone");
  });
});
