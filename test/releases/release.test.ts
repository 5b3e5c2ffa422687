/** The release as it lies in a record: reading, writing, limits. */

import { describe, expect, test } from "bun:test";
import { readRelease } from "../../src/releases/read-release.ts";
import {
  ARCS_MAX,
  LOG_MAX,
  RELEASE_BYTES_MAX,
  type Release,
  recordMs,
  STATES,
  TEXT_LENGTH_MAX,
  type Transition,
  timeText,
} from "../../src/releases/release.ts";
import { bare, clipped, fitted, releaseField } from "../../src/releases/release-field.ts";
import { awkward, holds, type Random } from "../support/random.ts";
import { faultsInRollouts } from "../support/schema.ts";
import { BEGAN_MS, KEY, releaseOf, TX } from "./world.ts";

const found = (release: Release) => readRelease(JSON.parse(JSON.stringify(releaseField(release))));

function problemOf(value: unknown): string {
  const result = readRelease(value);
  return result.kind === "problem" ? `${result.code} ${result.field}` : result.kind;
}

const FULL: Release = releaseOf({
  ...{ windows: ["mon-thu 09:00-16:00 Europe/Berlin"], slow: ["400ms", "1s"], weights: { errors: 0.75 } },
  ...{
    failsafe: "hold",
    was: "master",
    from: "promoted",
    approved: 2,
    reason: "a 🚢",
    fade: [1, BEGAN_MS, 6e5],
  },
  cleared: [["split", "ada@web-1", "a known crawler"]],
  others: { later: { than: ["this", "program"] } },
});

describe("REL-2: reading", () => {
  test("a record without a release has none", () => {
    expect(readRelease(undefined)).toEqual({ kind: "none" });
    expect(readRelease(null)).toEqual({ kind: "none" });
  });

  test("all that is written is read again, with fields that this program does not know", () => {
    expect(found(FULL)).toEqual({ kind: "release", release: FULL });
    expect(found(releaseOf())).toEqual({ kind: "release", release: releaseOf() });
  });

  test("a release that was written without log and arcs has empty ones", () => {
    const { log: _log, arcs: _arcs, ...rest } = releaseField(releaseOf());
    expect(readRelease(rest)).toEqual({ kind: "release", release: releaseOf({ log: [], arcs: [] }) });
  });

  test.each([
    ["a text", "running", "malformed release"],
    ["a list", [], "malformed release"],
    ["no fields", {}, "malformed format"],
    ["a newer format", { ...releaseField(FULL), format: 2 }, "unknown-format format"],
    [
      "a state that only a newer program knows",
      { ...releaseField(FULL), state: "resting" },
      "unknown-state state",
    ],
    ["a short key", { ...releaseField(FULL), key: "0123" }, "malformed key"],
    ["the greatest safe seq", { ...releaseField(FULL), seq: Number.MAX_SAFE_INTEGER }, "malformed seq"],
    ["the greatest safe id", { ...releaseField(FULL), id: Number.MAX_SAFE_INTEGER }, "malformed id"],
    ["no step", { ...releaseField(FULL), step: 0 }, "malformed step"],
    [
      "a day that no calendar has",
      { ...releaseField(FULL), since: "2026-13-01T00:00:00Z" },
      "malformed since",
    ],
    ["a rollout above 1", { ...releaseField(FULL), wrote: [1.1, 0] }, "malformed wrote"],
    ["an offset of 1", { ...releaseField(FULL), wrote: [0.1, 1] }, "malformed wrote"],
    ["a fade of two numbers", { ...releaseField(FULL), fade: [1, 2] }, "malformed fade"],
    ["weights in a list", { ...releaseField(FULL), weights: [1] }, "malformed weights"],
    ["too many windows", { ...releaseField(FULL), windows: Array(17).fill("a") }, "malformed windows"],
    ["too many bytes", { ...releaseField(FULL), later: "a".repeat(RELEASE_BYTES_MAX) }, "malformed release"],
  ])("%s is a problem that names its field", (_, value, problem) => {
    expect(problemOf(value)).toBe(problem);
  });

  test("a problem has the key, so that an abort finds the release", () => {
    expect(readRelease({ ...releaseField(FULL), format: 2 })).toMatchObject({ key: KEY });
    expect(readRelease({ format: 2, key: 7 })).toMatchObject({ key: undefined });
  });

  test("objects that throw, that contain themselves or that JSON cannot hold are problems", () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    for (const value of [circular, hostile, { big: 1n }, () => 1, Symbol("s"), { toJSON: () => "text" }]) {
      expect(problemOf(value)).toBe("malformed release");
    }
  });

  test("law 5: no mutation of a release makes the reader throw, and all that it reads is written again", () => {
    holds(20_000, (random) => {
      const value = mutated(random, JSON.parse(JSON.stringify(releaseField(FULL))));
      const result = readRelease(value);
      if (result.kind !== "release") return;
      expect(found(result.release)).toEqual(result);
      expect(faultsInRollouts(JSON.stringify({ app: { canary: { rollout: 0, release: value } } }))).toBe("");
    });
    // Otherwise the tests that follow in this process would meet these mutations.
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

/** Replaces, removes or adds some fields, at any depth. */
function mutated(random: Random, value: Record<string, unknown>): unknown {
  for (let changes = random.whole(1, 3); changes > 0; changes--) {
    let at: Record<string, unknown> = value;
    let name = random.pick([...Object.keys(at), "new", "__proto__", "constructor"]);
    // Not the prototype of all objects, which belongs to every other test.
    const inner = Object.hasOwn(at, name) ? at[name] : undefined;
    if (typeof inner === "object" && inner !== null && random.whole(0, 1) === 1) {
      at = inner as Record<string, unknown>;
      name = random.pick([...Object.keys(at), "0"]);
    }
    if (random.whole(0, 4) === 0) delete at[name];
    else at[name] = random.pick(GARBAGE(random));
  }
  return value;
}

const GARBAGE = (random: Random): unknown[] => [
  ...[
    null,
    true,
    "",
    "running",
    "hold",
    [],
    {},
    [[]],
    -1,
    0,
    1,
    1.5,
    1e21,
    2 ** 53,
    Number.NaN,
    random.bits(),
  ],
  ...[
    awkward(random),
    KEY,
    "a".repeat(300),
    "2026-11-29T12:00:00Z",
    [0.5, 0.5],
    [1, 1, 1],
    undefined,
    "\ud800",
  ],
];

describe("writing", () => {
  test("random releases are read as they were written", () => {
    holds(3_000, (random) => {
      const release = randomRelease(random);
      const fitting = fitted(release);
      if (fitting === undefined) return;
      expect(found(fitting)).toEqual({ kind: "release", release: fitting });
    });
  });

  test("REL-9: the log keeps the last 64 transitions", () => {
    const log = Array.from(
      { length: 70 },
      (_, at): Transition => [at + 1, BEGAN_MS, "paused", 2, 0.05, "ada"],
    );
    const fitting = fitted(releaseOf({ log }));
    expect(fitting?.log).toEqual(log.slice(-LOG_MAX));
  });

  test("if there is no room, the oldest lines of the log give way", () => {
    const by = "\u0001".repeat(TEXT_LENGTH_MAX);
    const log = Array.from({ length: 64 }, (_, at): Transition => [at + 1, BEGAN_MS, "paused", 2, 0.05, by]);
    const fitting = fitted(releaseOf({ log })) as Release;
    expect(Buffer.byteLength(JSON.stringify(releaseField(fitting)))).toBeLessThanOrEqual(RELEASE_BYTES_MAX);
    expect(fitting.log.length).toBeGreaterThan(2);
    expect(fitting.log.at(-1)).toEqual(log[63]);
  });

  test("too many arcs have no room, but the same release has room if it is bare", () => {
    const arcs = Array.from({ length: ARCS_MAX + 1 }, () => [BEGAN_MS, 0.05, 0.25] as const);
    const release = releaseOf({ ...FULL, arcs, others: { later: "a".repeat(20_000) } });
    expect(fitted(release)).toBeUndefined();
    expect(found(bare(release)).kind).toBe("release");
  });

  test("a text of a person is cut, but no character in half", () => {
    expect(clipped(`${"a".repeat(TEXT_LENGTH_MAX - 1)}🚢`)).toBe("a".repeat(TEXT_LENGTH_MAX - 1));
    expect(clipped("🚢")).toBe("🚢");
  });

  test("every clock makes a time that can be read", () => {
    for (const ms of [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300]) {
      expect(found(releaseOf({ since: timeText(ms), fade: [1, recordMs(ms), 1] })).kind).toBe("release");
    }
  });
});

function randomRelease(random: Random): Release {
  const texts = ["v42", "ü".repeat(256), '"\\\n', "a", "🚢"];
  const some = <T>(value: T) => (random.whole(0, 1) === 1 ? value : undefined);
  const rollout = awkward(random);
  return releaseOf({
    ...{ state: random.pick(STATES), step: random.whole(1, 32), seq: random.whole(1, 1e9), tx: TX },
    ...{ of: random.pick(texts), reason: some(random.pick(texts)), since: timeText(random.bits() * 1e3) },
    arcs: Array.from(
      { length: random.whole(0, 260) },
      () => [random.bits(), awkward(random), rollout] as const,
    ),
    log: Array.from(
      { length: random.whole(0, 80) },
      (_, at): Transition => [at + 1, random.bits(), random.pick(STATES), 1, rollout, random.pick(texts)],
    ),
    wrote: [rollout, awkward(random)],
    ...{
      was: some("master"),
      from: some("promoted"),
      failsafe: some("hold"),
      approved: some(random.whole(1, 9)),
    },
    ...{ fade: some([rollout, random.bits(), random.bits()]), cleared: some([[random.pick(texts), "", ""]]) },
    ...{ windows: some(texts), slow: some(["400ms"]), weights: some({ errors: rollout, __proto__x: 1 }) },
    others: random.pick([{}, { later: random.pick(texts) }]),
  });
}
