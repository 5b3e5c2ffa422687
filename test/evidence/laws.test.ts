/** The laws of the judge that are about lines, as properties of the evidence of one daemon. */

import { expect, test } from "bun:test";
import { EVIDENCE_BYTES_MAX } from "../../src/evidence/capacity.ts";
import { CellTable, TABLE_CELLS_MAX } from "../../src/evidence/cell-table.ts";
import { newsIn, newsLine } from "../../src/evidence/news-lines.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { weigh } from "../../src/evidence/weigh.ts";
import { holds, Random } from "../support/random.ts";
import { type DrawnLine, drawLines, outcomeOf, PLAN, releaseOf, ZERO_MS } from "./outcomes.ts";

const SLOW = { slow: ["400ms", "1s"] };
const END_MS = ZERO_MS + 4_299_000;

function evidenceOf(lines: readonly DrawnLine[], offset = 0.3, movedMs = 0): ReleaseEvidence {
  const { arcs, ...rest } = releaseOf(PLAN, offset, SLOW);
  const moved = arcs.map(([atMs, rollout, at]) => [atMs + movedMs, rollout, at] as const);
  const evidence = new ReleaseEvidence({ release: { ...rest, arcs: moved }, from: "test" });
  for (const line of lines) evidence.takeDecided(outcomeOf(line), ZERO_MS + line.t * 1_000 + movedMs);
  return evidence;
}

function figuresOf(evidence: ReleaseEvidence, movedMs = 0) {
  const figures = evidence.figures(END_MS + movedMs);
  if (figures === undefined) throw new Error("no figures within the release");
  return figures;
}

/** All counts of the judge. */
function countsOf(evidence: ReleaseEvidence, movedMs = 0) {
  const { metrics, split, back, seen } = figuresOf(evidence, movedMs);
  return structuredClone({ metrics, split, back, seen });
}

test("law 2 of the judge: within a segment, the order of lines does not matter", () => {
  holds(20, (random) => {
    const lines = drawLines(random, 1_000);
    const shuffled = lines
      .map((line) => ({ line, segment: Math.floor(line.t / 100), place: random.fraction() }))
      .sort((a, b) => a.segment - b.segment || a.place - b.place)
      .map(({ line }) => line);
    const [expected, actual] = [countsOf(evidenceOf(lines)), countsOf(evidenceOf(shuffled))];
    expect(actual.metrics).toEqual(expected.metrics);
    expect(actual.split).toEqual(expected.split);
  });
});

test("law 7 of the judge: the location changes only the sign place, and the visitors that reached the canary", () => {
  holds(10, (random) => {
    const lines = drawLines(random, 1_000);
    const moved = lines.map((line) => ({ ...line, location: random.pick(["canary", "master", "blue"]) }));
    expect(countsOf(evidenceOf(moved))).toEqual(countsOf(evidenceOf(lines)));
  });
});

test("law 8 of the judge: forced, early, late and repeated lines change no count", () => {
  holds(10, (random) => {
    const lines = drawLines(random, 1_000);
    const evidence = evidenceOf(lines);
    const expected = countsOf(evidence);
    const bad = { u: random.fraction(), location: "canary", status: 500, ms: 2_000, brought: true };
    for (const { at } of PLAN) {
      for (const t of [at, at + 5, at + 9.999]) {
        expect(evidence.takeDecided(outcomeOf({ ...bad, t }), ZERO_MS + t * 1_000)).toBe(false);
      }
    }
    for (const line of lines) {
      const atMs = ZERO_MS + line.t * 1_000;
      evidence.takeDecided(outcomeOf({ ...line, u: random.fraction(), forced: true }), atMs);
      evidence.takeDecided(outcomeOf(line), atMs);
    }
    // An answer that took longer than ten minutes was decided too long ago.
    expect(evidence.take(outcomeOf({ ...bad, t: 0, ms: 600_001 }), ZERO_MS + 700_000)).toBe(false);
    expect(evidence.take(outcomeOf({ ...bad, t: 0 }), ZERO_MS - 1)).toBe(false);
    expect(countsOf(evidence)).toEqual(expected);
    // And it would have counted otherwise.
    expect(evidence.take(outcomeOf({ ...bad, t: 0, ms: 600_000 }), ZERO_MS + 700_000)).toBe(true);
  });
});

test("law 9 of the judge: moving all times, or turning the circle, changes no count", () => {
  holds(10, (random) => {
    const lines = drawLines(random, 1_000);
    const expected = countsOf(evidenceOf(lines));
    expect(countsOf(evidenceOf(lines, 0.3, 86_400_123), 86_400_123)).toEqual(expected);
    const turn = random.fraction();
    const turned = lines.map((line) => ({ ...line, u: (line.u + turn) % 1 }));
    const { metrics, split, back } = countsOf(evidenceOf(turned, (0.3 + turn) % 1));
    expect({ metrics, split, back, seen: expected.seen }).toEqual(expected);
  });
});

test("law 11 of the judge: after an abort every verdict is abort", () => {
  holds(10, (random) => {
    const figures = figuresOf(evidenceOf(drawLines(random, 300)));
    const rest = { signs: [], rolloutNext: 1 } as const;
    expect(weigh(figures, { ...rest, isAborted: true }).kind).toBe("abort");
  });
});

test("law 14 of the judge: any stream of lines leaves tables of at most their capacity", () => {
  const random = new Random();
  const table = new CellTable({ capacity: TABLE_CELLS_MAX, seed: 1, tags: "of-earliest" });
  let taken = 0;
  for (let line = 0; line < 400_000; line++) if (table.put(random.bits(), line, 0) === "new") taken++;
  expect(table.size).toBe(taken);
  expect(table.size).toBeLessThanOrEqual(TABLE_CELLS_MAX);
  expect(table.size).toBeGreaterThan(0.9 * TABLE_CELLS_MAX);
});

test("a quiet release has at most 64 KB", () => {
  expect(evidenceOf(drawLines(new Random(), 400)).bytes).toBeLessThan(64_000);
});

const EVENTS = ["e0", "e1", "e2", "e11"];
const MANY = Object.fromEntries(Array.from({ length: 12 }, (_, place) => [`event:e${place}`, 0.05]));

/** The sums of more processes than a release keeps, with long names. */
function sumsOfMany(step: number): string[] {
  const busiest = Array.from({ length: 4 }, (_, key): [number, number] => [key, 2 ** 50]);
  return Array.from({ length: 300 }, (_, place) =>
    newsLine({
      ...{ kind: "heard", from: `${place}`.padEnd(200, "x"), step, cells: busiest, networks: busiest },
      ...{ outcomes: place, bad: 1, brought: 1, decisions: 1 },
    }),
  );
}

test.each([
  SLOW,
  { slow: ["1ms", "2ms", "3ms"] },
  { ...SLOW, weights: { errors: 0.2, "known-errors": 0.1, "slow-1": 0.1, ...MANY } },
])("a full release has at most 8 MB (%j)", (changes) => {
  const random = new Random();
  const evidence = new ReleaseEvidence({ release: releaseOf(PLAN, 0.3, changes), from: "test" });
  evidence.hear(newsIn([ZERO_MS, ZERO_MS + 1_000_000].flatMap(sumsOfMany)));
  const line = { t: 0, u: 0, location: "canary", status: 500, ms: 2_000, brought: true };
  const outcome = { ...outcomeOf(line), events: EVENTS };
  for (let place = 0; place < 100_000; place++) {
    outcome.assignment = random.fraction();
    outcome.source = `${random.whole(1, 223)}.${random.whole(0, 255)}.7.1`;
    evidence.takeDecided(outcome, ZERO_MS + random.whole(0, 4_300_000));
  }
  figuresOf(evidence);
  expect(evidence.bytes).toBeLessThan(EVIDENCE_BYTES_MAX);
  expect(evidence.bytes).toBeGreaterThan(EVIDENCE_BYTES_MAX / 4);
});
