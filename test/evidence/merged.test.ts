import { expect, test } from "bun:test";
import { batchesOf } from "../../src/evidence/batches.ts";
import { Merged, OVERRIDES_MAX, PRESENCES_MAX, TOLD_MAX } from "../../src/evidence/merged.ts";
import type { News } from "../../src/evidence/news.ts";
import { newsIn } from "../../src/evidence/news-lines.ts";
import { BATCH_BYTES_MAX } from "../../src/stores/evidence.ts";
import { holds, type Random } from "../support/random.ts";

function anyNews(random: Random, names: number): News {
  const name = `web-${random.whole(1, names)}`;
  return random.pick<News>([
    {
      ...{ kind: "presence", name, beat: random.whole(1, 9), atMs: random.whole(0, 3) },
      ...{ seq: random.whole(1, 3), ...random.pick([{}, { dropped: 1 }, { dropped: 2, aheadMs: -5 }]) },
    },
    {
      kind: "told",
      seq: random.whole(1, 3 * names),
      atMs: random.whole(1, 2),
      to: random.pick(["1f0c9a3e", "00000000"]),
    },
    { kind: "told", seq: random.whole(1, names), atMs: 1, to: "1f0c9a3e", extra: "bake_over" },
    { kind: "override", name, reason: random.pick(["errors", "slow", ""]) },
  ]);
}

function mergedOf(all: readonly News[]) {
  const merged = new Merged();
  for (const news of all) merged.add(news);
  const sorted = (values: Iterable<News>) => Array.from(values, (each) => JSON.stringify(each)).sort();
  return [merged.presences.values(), merged.told, merged.overrides.values()].map(sorted);
}

test.each([3, 600])("merging %p names is commutative and idempotent, also beyond the limits", (names) => {
  holds(20, (random) => {
    const all = Array.from({ length: names * 4 }, () => anyNews(random, names));
    const shuffled = [...all, ...all].sort(() => random.fraction() - 0.5);
    expect(mergedOf(shuffled)).toEqual(mergedOf(all));
    const [presences = [], told = [], overrides = []] = mergedOf(all);
    expect(presences.length).toBeLessThanOrEqual(PRESENCES_MAX);
    expect(told.length).toBeLessThanOrEqual(TOLD_MAX);
    expect(overrides.length).toBeLessThanOrEqual(OVERRIDES_MAX);
  });
});

test("add tells whether anything is new", () => {
  const merged = new Merged();
  const presence = { kind: "presence", name: "web-1", beat: 2, atMs: 0, seq: 1 } as const;
  expect(
    [presence, presence, { ...presence, beat: 1 }, { ...presence, beat: 3 }].map((news) => merged.add(news)),
  ).toEqual([true, false, false, true]);
  expect(merged.presences.get("web-1")?.beat).toBe(3);
});

test("batches have all news in their order, and none is too long", () => {
  holds(50, (random) => {
    const all = Array.from({ length: random.whole(0, 200) }, () => anyNews(random, 50));
    const batches = batchesOf(all);
    expect(newsIn(batches)).toEqual(all);
    for (const batch of batches) expect(Buffer.byteLength(batch)).toBeLessThanOrEqual(BATCH_BYTES_MAX);
  });
  expect(batchesOf([])).toEqual([]);
});
