/** Law 17: the store may go back to an older state. */

import { describe, expect, test } from "bun:test";
import { isBehind, KNOWN_MAX, knownAfter, NOTHING_KNOWN } from "../../src/releases/known.ts";
import { move } from "../../src/releases/machine.ts";
import { isUnderWay, type Release } from "../../src/releases/release.ts";
import type { Known, Now, Outcome, Request } from "../../src/releases/request.ts";
import { holds, type Random } from "../support/random.ts";
import { after, BEGAN_MS, KEY, NONE, nowOf, OTHER_KEY, REQUESTS, releaseOf, STAMP, START } from "./world.ts";

const seen = (...states: readonly Now[]): Known => states.reduce(knownAfter, NOTHING_KNOWN);
const at = (changes: Partial<Release>, record: Partial<Now> = {}): Now => nowOf(releaseOf(changes), record);

const RUNNING_3 = at({ step: 1, seq: 3, wrote: [0.01, 0.25] });
const RUNNING_4 = at({ seq: 4 });
const PAUSED_5 = at({ seq: 5, state: "paused" });
const PROMOTED_6 = at({ seq: 6, state: "promoted", step: 4, wrote: [1, 0.25] });
const ABORTED_7 = at({ seq: 7, state: "aborted", wrote: [0, 0.25] });
const FINISHED_8 = at({ seq: 8, state: "finished", step: 4, wrote: [0, 0.25] });
const ZERO_4 = at({ seq: 4 }, { rollout: 0 });
/** Another release of this version. */
const otherAt = (seq: number, changes: Partial<Release> = {}) => at({ key: OTHER_KEY, seq, ...changes });

const restore = (now: Now, known: Known): Outcome => move(now, { verb: "restore", known }, STAMP);

function short(outcome: Outcome): string {
  if (outcome.kind !== "write") return `${outcome.kind} ${outcome.code}`;
  const { release, rollout, notice } = outcome;
  return `${release?.state} ${Number((rollout * 100).toFixed(6))}% seq ${release?.seq} ${notice}`;
}

/** The states that were seen, the record that is there now, and the write. */
const CELLS: readonly [name: string, known: Known, now: Now, expected: string][] = [
  ["aborted, running again", seen(RUNNING_4, ABORTED_7), RUNNING_4, "aborted 0% seq 8 aborted"],
  ["finished, promoted again", seen(PROMOTED_6, FINISHED_8), PROMOTED_6, "aborted 0% seq 9 aborted"],
  ["at 0, running again", seen(RUNNING_4, ZERO_4), RUNNING_4, "aborted 0% seq 5 aborted"],
  ["running, an earlier step", seen(RUNNING_4), RUNNING_3, "paused 1% seq 5 restored"],
  ["paused, running again", seen(PAUSED_5), RUNNING_4, "paused 5% seq 6 restored"],
  ["promoted, running again", seen(PROMOTED_6), RUNNING_4, "paused 5% seq 7 restored"],
  ["running, paused before", seen(at({ seq: 9 })), PAUSED_5, "paused 5% seq 10 restored"],
  ["aborted, an earlier release", seen(ABORTED_7), otherAt(2), "aborted 0% seq 8 aborted"],
  ["running, an earlier release", seen(RUNNING_4), otherAt(2), "paused 5% seq 5 restored"],
  [
    "running in place of another release, that one again",
    seen(otherAt(2), RUNNING_4),
    otherAt(2),
    "aborted 0% seq 5 aborted",
  ],
  [
    "aborted, and other writers went on from the older state",
    seen(RUNNING_4, ABORTED_7),
    at({ seq: 12 }),
    "aborted 0% seq 13 aborted",
  ],
  [
    "at 0, and other writers went on from the older state",
    seen(RUNNING_4, ZERO_4),
    at({ seq: 6, step: 3, wrote: [0.25, 0.25] }),
    "aborted 0% seq 7 aborted",
  ],
  [
    "aborted, an earlier release that was over",
    seen(ABORTED_7),
    otherAt(2, { state: "finished", wrote: [0, 0] }),
    "finished 0% seq 8 restored",
  ],
  [
    "aborted, a rollout of a person from before",
    seen(ABORTED_7),
    nowOf(releaseOf({ key: OTHER_KEY, seq: 2, state: "finished", wrote: [0, 0] }), { rollout: 0.3 }),
    "finished 0% seq 8 restored",
  ],
  [
    "running, an earlier release that was over",
    seen(RUNNING_4),
    nowOf(releaseOf({ key: OTHER_KEY, seq: 2, state: "finished", wrote: [0, 0] }), { rollout: 0.3 }),
    "finished 30% seq 5 restored",
  ],
  ["aborted, fading again", seen(ABORTED_7), fading(), "aborted 0% seq 8 aborted"],
];

function fading(): Now {
  return at({ seq: 6, state: "aborted", step: 4, wrote: [1, 0.25], fade: [1, BEGAN_MS, 600_000] });
}

describe("law 17: if the store goes back", () => {
  test.each(CELLS)("%s", (_, known, now, expected) => {
    expect(isBehind(known, now)).toBe(true);
    const outcome = restore(now, known);
    expect(short(outcome)).toBe(expected);
    // The record is not older any more, so there is one write, and a person can go on from there.
    expect(isBehind(known, after(now, outcome))).toBe(false);
    expect(short(restore(after(now, outcome), knownAfter(known, after(now, outcome))))).toBe(
      "no-op not-behind",
    );
  });

  test("the reason is in the record, and the release from before a promotion knows it", () => {
    const outcome = restore(PROMOTED_6, seen(at({ seq: 9, state: "promoted", step: 4, wrote: [1, 0.25] })));
    expect(outcome).toMatchObject({
      release: { state: "paused", from: "promoted", reason: "store-went-back" },
    });
  });

  test.each([
    ["the same state", seen(RUNNING_4), RUNNING_4],
    ["a later state", seen(RUNNING_4), PAUSED_5],
    ["the next release", seen(ABORTED_7), otherAt(8, { step: 1 })],
    ["a release in place of one that ran", seen(RUNNING_4), otherAt(5, { step: 1 })],
    ["a release after a record that was removed", seen(ABORTED_7, nowOf(NONE)), otherAt(1, { step: 1 })],
    [
      "a person's rollout after a rollout of 0",
      seen(ZERO_4),
      nowOf(releaseOf({ seq: 4 }), { rollout: 0.07 }),
    ],
    [
      "a pause because of such a rollout, by another controller",
      seen(ZERO_4),
      at({ seq: 5, state: "paused", reason: "foreign-change", wrote: [0.07, 0.25] }),
    ],
    ["a malformed record", seen(ABORTED_7), nowOf(releaseOf(), { isMalformed: true })],
    ["a record without a release", seen(ABORTED_7), nowOf(NONE)],
  ])("%s is no older state", (_, known, now) => {
    expect(isBehind(known, now)).toBe(false);
    expect(restore(now, known).kind).toBe("no-op");
  });

  test("a release whose record was removed, and that comes back older, does not go on", () => {
    const known = seen(RUNNING_4, nowOf(NONE));
    expect(short(restore(RUNNING_3, known))).toBe("paused 1% seq 5 restored");
    expect(isBehind(known, RUNNING_4)).toBe(false);
  });
  test("a release in place of one that could not be read is no older state, but the old one is", () => {
    const known = seen(RUNNING_4, nowOf({ kind: "problem", code: "malformed", field: "x", key: KEY }));
    expect(isBehind(known, otherAt(1))).toBe(false);
    expect(short(restore(RUNNING_3, known))).toBe("paused 1% seq 5 restored");
  });
});

describe("the knowledge", () => {
  test("is the same object if nothing is new", () => {
    const known = seen(RUNNING_3, RUNNING_4);
    for (const now of [RUNNING_4, RUNNING_3]) expect(knownAfter(known, now)).toBe(known);
    expect(knownAfter(NOTHING_KNOWN, nowOf(NONE))).toBe(NOTHING_KNOWN);
  });

  test("has the last releases only", () => {
    let known = NOTHING_KNOWN;
    for (let seq = 1; seq <= 3 * KNOWN_MAX; seq++) known = knownAfter(known, at({ key: keyOf(seq), seq }));
    expect(known.releases.map(({ seq }) => seq)).toEqual(
      Array.from({ length: KNOWN_MAX }, (_, index) => 3 * KNOWN_MAX - index),
    );
    expect(known.releases.map(({ isOver }) => isOver)).toEqual([false, ...Array(KNOWN_MAX - 1).fill(true)]);
  });
});

/** The write of a person, or of a controller that has not seen what was lost. */
function written(now: Now, random: Random, key: string): Now {
  const { found } = now;
  const release = found.kind === "release" ? found.release : undefined;
  const pin = { key: release?.key ?? KEY, step: release?.step ?? 1 };
  const request = random.pick<Request>([
    { ...REQUESTS.promote, pin },
    { ...REQUESTS.abort, key: undefined },
    { ...REQUESTS.pause, key: undefined },
    { ...REQUESTS.release, start: { ...START, key }, seenKey: release?.key ?? null },
  ]);
  return after(now, move(now, request, STAMP));
}

test("law 17: a store that forgets at random brings back no release that was over, and raises none", () => {
  holds(200, (random) => {
    const states: Now[] = [nowOf(NONE)];
    const over = new Set<string>();
    let known = NOTHING_KNOWN;
    for (let step = 1; step <= 60; step++) {
      const now = states.at(-1) as Now;
      const { found } = now;
      if (isBehind(known, now)) {
        const restored = after(now, restore(now, known));
        if (restored === now) throw new Error("an older state was left as it is");
        if (restored.rollout > now.rollout) throw new Error("a restore raised the rollout");
        states.push(restored);
        continue;
      }
      known = knownAfter(known, now);
      if (found.kind === "release") {
        if (over.has(found.release.key) && now.rollout > 0) throw new Error("a release came back");
        if (!isUnderWay(found.release)) over.add(found.release.key);
      }
      states.push(written(now, random, keyOf(step)));
      if (random.whole(0, 4) === 0 && states.length > 2) states.splice(-random.whole(1, 2));
    }
  });
});

function keyOf(number: number): string {
  return number.toString(16).padStart(24, "0");
}
