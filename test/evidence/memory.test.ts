/** The memory of the evidence: of a release, of all releases of a daemon, and after the end of a release. */

import { describe, expect, test } from "bun:test";
import { CellTable } from "../../src/evidence/cell-table.ts";
import { Coins } from "../../src/evidence/coins.ts";
import { ALL_EVIDENCE_BYTES_MAX, EvidenceMemory, MemoryPart } from "../../src/evidence/memory.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { Timeline } from "../../src/evidence/timeline.ts";
import { Random } from "../support/random.ts";
import { outcomeOf, PLAN, releaseOf, ZERO_MS } from "./outcomes.ts";

const RELEASE = releaseOf(PLAN, 0.3, { slow: ["1ms", "2ms", "3ms"] });
const GRACE_MS = 10_000;

const evidenceIn = (memory: EvidenceMemory) => new ReleaseEvidence({ release: RELEASE, from: "a", memory });

/** Each outcome is bad for each metric, of a new visitor in a new network. */
function flood(evidence: ReleaseEvidence, random: Random, count: number): void {
  const outcome = outcomeOf({ t: 0, u: 0, location: "canary", status: 500, ms: 2_000, brought: true });
  for (let place = 0; place < count; place++) {
    outcome.assignment = random.fraction();
    outcome.source = `${random.whole(1, 223)}.${random.whole(0, 255)}.7.1`;
    evidence.takeDecided(outcome, ZERO_MS + random.whole(GRACE_MS, 4_300_000));
  }
}

const coinsOf = (evidence: ReleaseEvidence) =>
  evidence
    .account(ZERO_MS + 4_200_000)
    .flatMap(({ segments }) => segments.map(({ canary, master }) => canary + master))
    .reduce((sum, coins) => sum + coins, 0);

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe("all releases of a daemon", () => {
  test("have no more than their limit together, and one that begins late has some of it", () => {
    const random = new Random();
    const bytesMax = 2_000_000;
    const memory = new EvidenceMemory({ bytesMax, releasesMax: 20 });
    const all = Array.from({ length: 20 }, () => evidenceIn(memory));
    for (const evidence of all) {
      flood(evidence, random, 2_000);
      expect(memory.bytes).toBeLessThanOrEqual(bytesMax);
    }
    expect(sum(all.map(({ bytes }) => bytes))).toBeLessThanOrEqual(memory.bytes);
    expect(memory.bytes).toBeGreaterThan(0.9 * bytesMax);
    expect(all[0]?.isShort).toBe(false);
    expect(all.at(-1)?.isShort).toBe(true);
    const heard = { outcomes: 7, lastMs: ZERO_MS + GRACE_MS, isQuiet: false };
    for (const evidence of all) evidence.hear([{ kind: "reporter", from: "b", name: "web-2", ...heard }]);
    const shortOf = (evidence?: ReleaseEvidence) =>
      evidence?.figures(ZERO_MS + 1_000_000, 0)?.reporting.short;
    expect([shortOf(all[0]), shortOf(all.at(-1))]).toEqual([[], ["a"]]);
    for (const evidence of all) expect(coinsOf(evidence)).toBeGreaterThan(5);
  });

  test("have room for some victims each, if each of 10 000 applications has a release", () => {
    const random = new Random();
    const [releasesMax, part] = [10_000, 20];
    const memory = new EvidenceMemory({
      bytesMax: ALL_EVIDENCE_BYTES_MAX / part,
      releasesMax: releasesMax / part,
    });
    const all = Array.from({ length: releasesMax / part }, () => evidenceIn(memory));
    // The first ones take all that is not kept free for the others.
    for (const evidence of all) flood(evidence, random, 100);
    expect(memory.bytes).toBeLessThanOrEqual(ALL_EVIDENCE_BYTES_MAX / part);
    for (const evidence of all) expect(coinsOf(evidence)).toBeGreaterThan(20);
  });

  test("give their memory back at their end, and take nothing after it", () => {
    const random = new Random();
    const memory = new EvidenceMemory();
    for (let turn = 0; turn < 10; turn++) {
      const evidence = evidenceIn(memory);
      flood(evidence, random, 200);
      expect(memory.bytes).toBeGreaterThanOrEqual(evidence.bytes);
      evidence.end();
      expect(memory.bytes).toBe(0);
      flood(evidence, random, 200);
      expect(memory.bytes).toBe(0);
    }
  });

  test("give the memory of a step back when later steps have its place", () => {
    const memory = new EvidenceMemory();
    const evidence = evidenceIn(memory);
    const outcome = outcomeOf({ t: 0, u: 0, location: "master", status: 200, ms: 0, brought: true });
    const after: number[] = [];
    for (const { at } of PLAN.slice(0, 4)) {
      outcome.assignment = 0.1;
      evidence.takeDecided(outcome, ZERO_MS + at * 1_000 + GRACE_MS);
      after.push(memory.bytes);
    }
    expect(after[1]).toBeGreaterThan(after[0] ?? 0);
    expect(after[3]).toBe(after[2] ?? 0);
  });
});

describe("a table", () => {
  test.each(["or", "of-earliest"] as const)("never has more bytes than it was granted (%s)", (tags) => {
    const random = new Random();
    const memory = new EvidenceMemory({ bytesMax: 3_000_000 });
    const timeline = new Timeline(RELEASE.arcs);
    const coins = new Coins({ timeline, capacity: 16_384, seed: 5, tags, memory });
    for (let place = 0; place < 40_000; place++) {
      const take = random.pick(["toss", "hear"] as const);
      coins[take](random.bits(), random.whole(GRACE_MS, 900_000), random.bits());
      if (place % 64 === 0) coins.segments(900_000);
      if (coins.bytes > memory.bytes) expect(coins.bytes).toBeLessThanOrEqual(memory.bytes);
    }
    expect(coins.table.size).toBeGreaterThan(4_096);
  });

  test("that is refused more is thinned as if it had this capacity, and goes on when there is room again", () => {
    const random = new Random();
    const cells = Array.from({ length: 20_000 }, () => random.bits());
    const memory = new EvidenceMemory({ bytesMax: 1_000_000 });
    const other = new MemoryPart(memory);
    const small = new CellTable({ capacity: 1_024, seed: 5, tags: "of-earliest" });
    const short = new CellTable({ capacity: 65_536, seed: 5, tags: "of-earliest", memory });
    cells.slice(0, 500).forEach((cell) => void short.put(cell, 1, 0));
    cells.slice(0, 500).forEach((cell) => void small.put(cell, 1, 0));
    while (other.take(100, false)) {}
    for (const cell of cells) {
      expect([short.put(cell, 1, 0), short.halvings]).toEqual([small.put(cell, 1, 0), small.halvings]);
    }
    expect(short.size).toBe(1_024);
    other.end();
    for (const cell of cells) short.put(cell, 1, 0);
    expect(short.size).toBeGreaterThan(2_048);
  });

  test("without any memory takes nothing, and is not cut", () => {
    const table = new CellTable({
      capacity: 1_024,
      seed: 5,
      tags: "or",
      memory: new EvidenceMemory({ bytesMax: 0 }),
    });
    expect([table.put(7, 1, 0), table.hear(8, 1, 0)]).toEqual(["none", "none"]);
    expect([table.size, table.cuts, table.bytes, table.find(7)]).toEqual([0, 0, 0, -1]);
  });
});

test("a long release without coins has one object for all segments of a step", () => {
  const timeline = new Timeline(RELEASE.arcs);
  const coins = new Coins({ timeline, capacity: 1_024, seed: 5, tags: "of-earliest" });
  coins.toss(1, GRACE_MS, 0);
  const segments = coins.segments(4_200_000);
  expect(segments.length).toBeGreaterThan(6);
  expect(new Set(segments).size).toBeLessThan(segments.length);
  coins.toss(2, 4_100_000, 0);
  expect(sum(coins.segments(4_200_000).map(({ canary, master }) => canary + master))).toBe(2);
});
