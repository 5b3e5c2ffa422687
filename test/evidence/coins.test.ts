import { expect, test } from "bun:test";
import { CellTable } from "../../src/evidence/cell-table.ts";
import { Coins } from "../../src/evidence/coins.ts";
import { NONE } from "../../src/evidence/entry-index.ts";
import { Timeline } from "../../src/evidence/timeline.ts";
import { CELLS, mix32 } from "../../src/judge/cell.ts";
import { holds, type Random } from "../support/random.ts";
import { ZERO_MS } from "./outcomes.ts";

const at = (fraction: number) => Math.floor(fraction * CELLS);
const arc = (seconds: number, rollout: number) => [ZERO_MS + seconds * 1_000, rollout, 0.5] as const;
const TIMELINE = new Timeline([arc(0, 0.1), arc(1_000, 0.2)]);

const coinsOf = (timeline = TIMELINE) =>
  new Coins({ timeline, capacity: 1_024, seed: 9, tags: "of-earliest" });
const counts = (coins: Coins, time = 1_500_000) =>
  coins.segments(time).map(({ canary, master }) => [canary, master]);

test("a coin lies where its cell is at its time", () => {
  const coins = coinsOf();
  expect(coins.toss(at(0.55), 20_000, 0)).toBe(true);
  expect(coins.toss(at(0.65), 950_000, 0)).toBe(true);
  expect(coins.toss(at(0.651), 1_020_000, 0)).toBe(true);
  expect(coins.toss(at(0.551), 5_000, 0)).toBe(true);
  expect(counts(coins)).toEqual([
    [1, 0],
    [0, 1],
    [1, 0],
  ]);
  expect(counts(coins, 100_000)).toEqual([[1, 0]]);
  expect([coins.stepOf(at(0.55)), coins.stepOf(at(0.651)), coins.stepOf(at(0.1))]).toEqual([0, 1, -1]);
});

test("of the coins of one network only the earliest counts", () => {
  const coins = coinsOf();
  coins.toss(at(0.1), 30_000, 77);
  coins.toss(at(0.51), 40_000, 77);
  coins.toss(at(0.52), 950_000, 78);
  expect(counts(coins)).toEqual([
    [0, 1],
    [1, 0],
    [0, 0],
  ]);
  // A daemon tells later of one that was earlier.
  coins.hear(at(0.53), 20_000, 77);
  expect(counts(coins)[0]).toEqual([1, 0]);
  // That one had another network before.
  coins.hear(at(0.53), 19_000, 78);
  expect(counts(coins)).toEqual([
    [1, 1],
    [0, 0],
    [0, 0],
  ]);
  coins.uncapFrom(0);
  expect(counts(coins)).toEqual([
    [2, 1],
    [1, 0],
    [0, 0],
  ]);
});

test("counts that are kept are those of a fresh count, for any coins in any order", () => {
  holds(30, (random) => {
    const coins = coinsOf();
    for (let each = 0; each < 400; each++) {
      const [cell, time] = [at(random.whole(0, 150) / 151), random.whole(0, 1_900_000)];
      const network = random.pick([0, random.whole(1, 40)]);
      if (random.pick([true, false])) coins.toss(cell, time, network);
      else coins.hear(cell, time, network);
      if (random.whole(0, 20) === 0) counts(coins);
    }
    const kept = counts(coins, 1_900_000);
    expect(kept).toEqual(countedByHand(coins));
    const cells = coins.cells(1_900_000).map(({ canary, master }) => [canary.length, master.length]);
    expect(cells).toEqual(kept);
    coins.follow(new Timeline([arc(0, 0.1), arc(1_000, 0.2)]));
    expect(counts(coins, 1_900_000)).toEqual(kept);
  });
});

/** By the words of the rule, and not by the code. */
function countedByHand({ table }: Coins): number[][] {
  const segments = [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  const entries = Array.from({ length: table.size }, (_, entry) => ({
    ...{ u: table.cellAt(entry) / CELLS, time: table.timeAt(entry), network: table.tagAt(entry) },
  }));
  const networks = new Set<number>();
  for (const { u, time, network } of entries.sort((a, b) => a.time - b.time || a.u - b.u)) {
    if (time < 10_000 || (time >= 1_000_000 && time < 1_010_000)) continue;
    if (network !== 0 && networks.has(network)) continue;
    networks.add(network);
    const [segment, rollout] =
      time < 900_000 ? [0, 0.1] : time < 1_000_000 ? [1, 0.1] : time < 1_900_000 ? [2, 0.2] : [3, 0.2];
    const side = u >= 0.5 && u < 0.5 + rollout ? 0 : 1;
    const counted = segments[segment] ?? [];
    counted[side] = (counted[side] ?? 0) + 1;
  }
  return segments;
}

const contents = (table: CellTable) =>
  Array.from({ length: table.size }, (_, entry) => ({
    ...{ cell: table.cellAt(entry), time: table.timeAt(entry), tag: table.tagAt(entry) },
  })).sort((a, b) => a.cell - b.cell);

test.each(["of-earliest", "or"] as const)(
  "tables that hear the same have the same, beyond their room too (%s)",
  (tags) => {
    holds(20, (random) => {
      const all = Array.from({ length: random.pick([50, 300, 3_000]) }, () => ({
        ...{ cell: random.whole(0, 2_000) * 2_000_003, time: random.whole(0, 50), tag: random.whole(0, 3) },
      }));
      const cuts = random.pick([0, 0, 2]);
      const tables = [all, shuffled(random, [...all, ...all])].map((news, order) => {
        const table = new CellTable({ capacity: 256, seed: random.bits(), tags });
        if (order === 0) table.cutTo(cuts);
        for (const { cell, time, tag } of news) table.hear(cell, time, tag);
        table.cutTo(cuts);
        return table;
      });
      const [first, second] = tables.map(contents);
      expect(second).toEqual(first);
      expect(tables[1]?.cuts).toBe(tables[0]?.cuts);
      expect(first?.length).toBeLessThanOrEqual(256);
      for (const { cell } of first ?? []) expect(tables[0]?.find(cell)).not.toBe(NONE);
      // All that the cut leaves is there.
      const limit = 2 ** (32 - (tables[0]?.cuts ?? 0));
      const left = new Set(all.map(({ cell }) => cell).filter((cell) => mix32(cell) < limit));
      expect(first?.length).toBe(left.size);
    });
  },
);

function shuffled<T>(random: Random, from: readonly T[]): T[] {
  return from
    .map((one) => ({ one, place: random.fraction() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}

test("a table remembers what the others do not know, also if it is cut", () => {
  const table = new CellTable({ capacity: 64, seed: 3, tags: "of-earliest" });
  for (let cell = 0; cell < 20; cell++) table.put(cell, 5, 0);
  for (let cell = 100; cell < 110; cell++) table.hear(cell, 5, 0);
  expect(table.unsent).toBe(20);
  table.cutTo(1);
  let unsent = 0;
  for (let entry = 0; entry < table.size; entry++) {
    expect(table.isUnsent(entry)).toBe(table.cellAt(entry) < 100);
    if (table.isUnsent(entry)) unsent++;
  }
  expect(table.unsent).toBe(unsent);
  table.hear(7, 4, 0);
  table.put(7, 3, 0);
  expect(table.isUnsent(table.find(7))).toBe(mix32(7) < 2 ** 31);
});

test("a coin of a daemon whose clock is hours ahead counts now", () => {
  const coins = coinsOf();
  coins.hear(at(0.55), 1_100_000 + 3 * 3_600_000, 0);
  expect(counts(coins, 1_100_000).at(-1)).toEqual([1, 0]);
  expect(coins.cells(1_100_000).at(-1)?.canary).toEqual([at(0.55)]);
});
