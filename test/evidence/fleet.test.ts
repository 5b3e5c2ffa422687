/** Law 3 of the judge: the evidence of a fleet is that of one daemon, however its news travels. */

import { describe, expect, test } from "bun:test";
import { batchesOf } from "../../src/evidence/batches.ts";
import { EVIDENCE_BYTES_MAX } from "../../src/evidence/capacity.ts";
import type { News } from "../../src/evidence/news.ts";
import { newsIn, newsLine } from "../../src/evidence/news-lines.ts";
import { packWords } from "../../src/evidence/packing.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { raisedBy } from "../../src/evidence/weigh.ts";
import { BATCH_BYTES_MAX, BATCHES_MAX } from "../../src/stores/evidence.ts";
import { holds, Random } from "../support/random.ts";
import { type DrawnLine, drawLines, outcomeOf, releaseOf, ZERO_MS } from "./outcomes.ts";

const PLAN = [
  { at: 0, rollout: 0.05 },
  { at: 1_000, rollout: 0.25 },
  { at: 3_000, rollout: 0.5 },
] as const;

const RELEASE = releaseOf(PLAN, 0.3, { slow: ["400ms", "1s"] });
const END_MS = ZERO_MS + 4_400_000;

const daemon = (from: string) => new ReleaseEvidence({ release: RELEASE, from });

function take(evidence: ReleaseEvidence, line: DrawnLine): void {
  evidence.takeDecided(outcomeOf(line), ZERO_MS + line.t * 1_000);
}

function figuresOf(evidence: ReleaseEvidence) {
  const figures = evidence.figures(END_MS, 0);
  if (figures === undefined) throw new Error("no figures within the release");
  return figures;
}

/** All that a fleet agrees upon. A visitor that comes back to another daemon may be missed. */
function agreedOf(evidence: ReleaseEvidence) {
  const { back: _, heard, ...figures } = figuresOf(evidence);
  // With few outcomes a process does not know its busiest visitors.
  const { processes, busiestCell, busiestNetwork, ...sums } = heard;
  return structuredClone({ figures, sums });
}

function shuffled<T>(random: Random, from: readonly T[]): T[] {
  return from
    .map((one) => ({ one, place: random.fraction() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}

/** All news of a daemon in batches of text for a store. Some calls of the store fail. */
function told(evidence: ReleaseEvidence, random: Random, nowMs = END_MS): string[] {
  const log: string[] = [];
  while (evidence.hasNews(nowMs)) {
    const news = evidence.news(nowMs);
    const batches = batchesOf(news);
    expect(batches.length).toBeLessThanOrEqual(BATCHES_MAX + 1);
    for (const batch of batches) expect(Buffer.byteLength(batch)).toBeLessThanOrEqual(BATCH_BYTES_MAX);
    const fate = random.pick(["taken", "taken", "lost", "answer lost"]);
    if (fate !== "lost") log.push(...batches);
    if (fate === "taken") evidence.taken(news);
  }
  expect(evidence.news(nowMs)).toEqual([]);
  return log;
}

describe("law 3 of the judge", () => {
  test("fifty daemons with the evidence split at random have the counts of one", () => {
    holds(2, (random) => {
      const lines = drawLines(random, 3_000).filter(({ t }) => t < 4_200);
      const one = daemon("one");
      const fleet = Array.from({ length: 50 }, (_, place) => daemon(`web-${place}`));
      for (const line of lines) {
        take(one, line);
        // Two proxies may report the same outcome.
        for (let copy = random.whole(1, 2); copy > 0; copy--) take(random.pick(fleet), line);
      }
      const log = fleet.flatMap((each) => told(each, random));
      const expected = agreedOf(one);
      for (const judge of [daemon("controller"), fleet[7], fleet[23]]) {
        if (judge === undefined) continue;
        // A store gives batches in any order, and some again.
        for (const batch of shuffled(random, [...log, ...log.slice(0, 100)])) judge.hear(newsIn([batch]));
        const actual = agreedOf(judge);
        expect(actual.figures).toEqual(expected.figures);
        expect(figuresOf(judge).heard.processes).toBe(50);
      }
      expect(expected.figures.metrics[0]?.visitors).toBeGreaterThan(10);
    });
  });

  test("the sums of outcomes are those of one daemon, if each is reported once", () => {
    holds(4, (random) => {
      const one = daemon("one");
      const fleet = [daemon("a"), daemon("b"), daemon("c")];
      for (const line of drawLines(random, 500)) {
        take(one, line);
        take(random.pick(fleet), line);
      }
      const judge = daemon("controller");
      judge.hear(newsIn(fleet.flatMap((each) => told(each, random))));
      expect(agreedOf(judge)).toEqual(agreedOf(one));
    });
  });

  test("daemons that exchange in between have the counts of one, and a new process has them from the log", () => {
    holds(4, (random) => {
      const one = daemon("one");
      const fleet = Array.from({ length: 5 }, (_, place) => daemon(`web-${place}`));
      const log: string[] = [];
      for (const [place, line] of drawLines(random, 1_500).entries()) {
        take(one, line);
        take(random.pick(fleet), line);
        if (place % 100 !== 0) continue;
        const nowMs = ZERO_MS + Math.max(20, line.t) * 1_000;
        const batches = told(random.pick(fleet), random, nowMs);
        log.push(...batches);
        for (const each of fleet) if (random.whole(0, 1) === 0) each.hear(newsIn(batches));
      }
      for (const each of fleet) log.push(...told(each, random));
      const fresh = daemon("fresh");
      fresh.hear(newsIn(log));
      expect(agreedOf(fresh).figures).toEqual(agreedOf(one).figures);
      // It tells nothing that it has from the others.
      expect(fresh.news(END_MS)).toEqual([]);
    });
  });

  test("a daemon that has not read the new arcs yet loses nothing", () => {
    holds(4, (random) => {
      const one = daemon("one");
      const old = new ReleaseEvidence({
        release: { ...RELEASE, arcs: RELEASE.arcs.slice(0, 1) },
        from: "old",
      });
      for (const line of drawLines(random, 800)) {
        // The grace of the later steps is not known to it.
        if ((line.t >= 1_000 && line.t < 1_010) || (line.t >= 3_000 && line.t < 3_010)) continue;
        take(one, line);
        take(old, line);
      }
      const judge = daemon("controller");
      judge.hear(newsIn(told(old, random)));
      const { metrics, split } = figuresOf(judge);
      const expected = figuresOf(one);
      expect(metrics.map(({ segments }) => segments)).toEqual(
        expected.metrics.map(({ segments }) => segments),
      );
      expect(split).toEqual(expected.split);
      old.follow(RELEASE);
      expect(figuresOf(old).metrics.map(({ segments }) => segments)).toEqual(
        metrics.map(({ segments }) => segments),
      );
    });
  });
});

test("nothing is told at 0 % and at 100 %, and all of it later", () => {
  const random = new Random();
  const arcs = [...RELEASE.arcs, [ZERO_MS + 4_000_000, 0, 0.3], [ZERO_MS + 4_200_000, 1, 0.3]] as const;
  const evidence = new ReleaseEvidence({ release: { ...RELEASE, arcs }, from: "a" });
  for (const line of drawLines(random, 500)) take(evidence, line);
  for (const seconds of [4_000, 4_199, 4_200, 4_400]) {
    const nowMs = ZERO_MS + seconds * 1_000;
    expect([evidence.hasNews(nowMs), evidence.news(nowMs)]).toEqual([false, []]);
  }
  const again = [...arcs, [ZERO_MS + 4_500_000, 0.5, 0.3]] as const;
  evidence.follow({ ...RELEASE, arcs: again });
  const judge = new ReleaseEvidence({ release: { ...RELEASE, arcs: again }, from: "b" });
  judge.hear(newsIn(told(evidence, random, ZERO_MS + 4_700_000)));
  const at = (each: ReleaseEvidence) => structuredClone(each.figures(ZERO_MS + 4_700_000, 0)?.metrics);
  expect(at(judge)).toEqual(at(evidence));
});

test("both sides are told in one line, in the order in which they were seen", () => {
  const evidence = daemon("a");
  const bad = { location: "canary", status: 500, ms: 20 };
  for (let each = 0; each < 20; each++) take(evidence, { ...bad, t: 100 + each, u: 0.31 + (each % 2) / 2 });
  const [line, ...others] = evidence
    .news(END_MS)
    .filter((news) => news.kind === "coins" && news.of === "errors");
  expect(others).toEqual([]);
  const judge = daemon("b");
  if (line !== undefined) judge.hear([line]);
  expect(figuresOf(judge).metrics[0]?.segments[0]).toMatchObject({ canary: 1, master: 1 });
});

test("one assignment, or one network, with too many decisions is found over all daemons", () => {
  const random = new Random();
  const fleet = [daemon("a"), daemon("b"), daemon("c")];
  const good = { location: "master", status: 200, ms: 20 };
  for (let each = 0; each < 12_000; each++) {
    const t = 20 + each / 20;
    const isCrowd = each % 10 === 0;
    const u = isCrowd ? 0.123 : random.fraction();
    const source = `${each % 10 < 3 ? "198.51.100" : `10.${random.whole(0, 255)}.${random.whole(0, 255)}`}.1`;
    take(random.pick(fleet), { ...good, t, u, source });
  }
  const judge = daemon("controller");
  judge.hear(newsIn(fleet.flatMap((each) => told(each, random, ZERO_MS + 900_000))));
  judge.uncap();
  const first = judge.figures(ZERO_MS + 900_000, 0);
  expect(first?.heard).toMatchObject({ decisions: 12_000, busiestCell: 1_200, busiestNetwork: 3_600 });
  expect(first && raisedBy(first)).toContain("crowd");
  expect(first?.isUncapped).toBe(false);
  // From the next step on, all coins of a network count.
  for (let each = 0; each < 10; each++) {
    const bad = { ...good, status: 500, source: `203.0.113.${each}` };
    take(judge, { ...bad, t: 950, u: 0.9 + each / 1_000 });
    take(judge, { ...bad, t: 1_500, u: 0.8 + each / 1_000 });
  }
  const { metrics, isUncapped } = figuresOf(judge);
  expect(metrics[0]?.segments.map(({ master }) => master)).toEqual([0, 1, 10, 0, 0, 0, 0]);
  expect(isUncapped).toBe(true);
  const fresh = daemon("fresh");
  fresh.hear(newsIn(told(judge, random)));
  expect(figuresOf(fresh).metrics[0]?.segments).toEqual(metrics[0]?.segments as never);
});

describe("hostile lines", () => {
  function anyLine(random: Random): string {
    const words = (count: number) => packWords(Array.from({ length: count }, () => random.bits()));
    const number = () => random.pick([0, 1, -1, 1.5, 2 ** 32, 2 ** 53, ZERO_MS, ZERO_MS + random.bits()]);
    const cut = (text: string) => text.slice(0, random.whole(0, text.length));
    const news = random.pick<News>([
      {
        kind: "coins",
        of: random.pick(["errors", "seen", "back", "slow-1", "__proto__", ""]),
        since: random.pick([ZERO_MS, number()]),
        coins: random.pick([words(3 * random.whole(0, 230)), words(4), "!", cut(words(9))]),
      },
      {
        kind: "visitors",
        of: random.pick(["errors", "known-errors", "slow-1"]),
        step: random.pick([ZERO_MS, number()]),
        share: random.pick([1, 0.5, 0, 2, Number.NaN]),
        cuts: random.pick([0, 1, 2, 32, 33, -1]),
        cells: random.pick([words(random.whole(0, 690)), cut(words(3))]),
      },
      {
        kind: "arrivals",
        step: random.pick([ZERO_MS + 1_000_000, number()]),
        cuts: random.pick([0, 1, 40]),
        seen: words(random.whole(0, 340)),
        arrived: words(random.whole(0, 340)),
      },
      {
        kind: "heard",
        from: `${random.bits()}`,
        step: random.pick([ZERO_MS, ZERO_MS + 1_000_000, number()]),
        ...{ outcomes: random.pick([number(), random.bits()]), bad: number(), brought: 1, decisions: 7 },
        cells: random.pick([[], [[1, 2]], [[number(), number()]]]),
        networks: [],
      },
      { kind: "sign", sign: random.pick(["back", "nonsense"]), atMs: number() },
      { kind: "uncapped", step: number() },
    ]);
    return random.pick([newsLine(news), newsLine(news), cut(newsLine(news))]);
  }

  test("are merged in any order to the same, and take no more than 8 MB", () => {
    holds(2, (random) => {
      const lines = Array.from({ length: 600 }, () => anyLine(random));
      const [first, second] = [lines, shuffled(random, [...lines, ...lines])].map((all) => {
        const evidence = daemon("a");
        evidence.hear(newsIn(all));
        expect(evidence.bytes).toBeLessThan(EVIDENCE_BYTES_MAX);
        return structuredClone(figuresOf(evidence));
      });
      expect(second).toEqual(first as never);
      expect(first?.metrics[0]?.segments.length).toBeGreaterThan(0);
    });
  });
});
