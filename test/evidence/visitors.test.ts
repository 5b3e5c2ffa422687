/** Visitors for the gate: over all daemons, if only a share is reported, and if there are many. */

import { expect, test } from "bun:test";
import { decidedAtMs } from "../../src/evidence/decided-at.ts";
import { EvidenceMemory } from "../../src/evidence/memory.ts";
import { newsIn, newsLine } from "../../src/evidence/news-lines.ts";
import { packWords } from "../../src/evidence/packing.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { SKETCH_CELLS_MAX } from "../../src/evidence/step-evidence.ts";
import { Steps } from "../../src/evidence/steps.ts";
import { cellOf } from "../../src/judge/cell.ts";
import { Random } from "../support/random.ts";
import { type Draft, outcomeOf, releaseOf, ZERO_MS } from "./outcomes.ts";

const RELEASE = releaseOf([{ at: 0, rollout: 0.05 }], 0.3);
const at = (seconds: number) => ZERO_MS + seconds * 1_000;
const daemon = (from: string) => new ReleaseEvidence({ release: RELEASE, from });

function take(evidence: ReleaseEvidence, t: number, u: number, changes: Partial<Draft> = {}): void {
  const location = u >= 0.3 && u < 0.35 ? "canary" : "master";
  const line = { t, u, location, status: 200, ms: 5, brought: true };
  evidence.takeDecided({ ...outcomeOf(line), ...changes }, at(t));
}

const visitorsOf = (evidence: ReleaseEvidence, seconds = 600) =>
  evidence.figures(at(seconds), 0)?.metrics.map(({ visitors }) => visitors) ?? [];

/** All news of a daemon, heard by another one. */
function tell(from: ReleaseEvidence, to: ReleaseEvidence, seconds = 600): void {
  while (from.hasNews(at(seconds))) {
    const news = from.news(at(seconds));
    to.hear(newsIn(news.map(newsLine)));
    from.taken(news);
  }
}

test("a visitor counts two minutes after it was first seen, and only where it could meet the metric", () => {
  const evidence = daemon("a");
  take(evidence, 20, 0.1, { isBrought: false });
  take(evidence, 100, 0.2);
  take(evidence, 130, 0.1);
  expect(visitorsOf(evidence, 139)).toEqual([0, 0]);
  expect(visitorsOf(evidence, 140)).toEqual([1, 0]);
  expect(visitorsOf(evidence, 220)).toEqual([2, 1]);
  expect(visitorsOf(evidence, 250)).toEqual([2, 2]);
});

test("visitors who met the metric in an earlier step do not count", () => {
  const release = releaseOf(
    [
      { at: 0, rollout: 0.05 },
      { at: 300, rollout: 0.25 },
    ],
    0.3,
  );
  const evidence = new ReleaseEvidence({ release, from: "a" });
  take(evidence, 20, 0.1, { status: 500, isBrought: false });
  take(evidence, 20, 0.2);
  for (const u of [0.1, 0.2]) take(evidence, 320, u);
  take(evidence, 330, 0.2, { status: 500 });
  expect(visitorsOf(evidence)).toEqual([1, 2]);
});

test("more visitors than a table has are counted to a few percent, over daemons of any size", () => {
  const random = new Random();
  const [large, small, judge] = [daemon("large"), daemon("small"), daemon("judge")];
  const visitors = 3 * SKETCH_CELLS_MAX;
  for (let each = 0; each < visitors; each++) take(large, 20 + each / 400, random.fraction());
  for (let each = 0; each < 500; each++) take(small, 20, random.fraction());
  expect(Math.abs(Number(visitorsOf(large)[0]) / visitors - 1)).toBeLessThan(0.08);
  tell(small, judge);
  tell(large, judge);
  expect(Math.abs(Number(visitorsOf(judge)[0]) / (visitors + 500) - 1)).toBeLessThan(0.08);
  const { reach } = judge.figures(at(600), 0) ?? {};
  expect(reach?.seen).toBeGreaterThan(1_000);
  expect(reach?.atCanary).toBe(reach?.seen as number);
});

test("if only a share of good outcomes is reported, the visitors in it stand for all", () => {
  const random = new Random();
  const [evidence, judge] = [daemon("a"), daemon("judge")];
  for (let each = 0; each < 10_000; each++) {
    const u = random.fraction();
    const isBad = random.whole(1, 20) === 1;
    const isReported = isBad || Math.floor(u * 1e6) % 10 === 0;
    const share = 0.1;
    if (isReported) take(evidence, 20, u, { share, status: isBad ? 500 : 200 });
  }
  tell(evidence, judge);
  for (const each of [evidence, judge]) {
    const figures = each.figures(at(600), 0);
    expect(Math.abs(Number(figures?.metrics[0]?.visitors) / 10_000 - 1)).toBeLessThan(0.15);
    // The visitors outside of the share who met something bad do not make the others look few.
    expect(figures?.split[0]?.master).toBeLessThan(1_100);
    expect(figures?.metrics[0]?.segments[0]?.master).toBeGreaterThan(350);
  }
  expect(evidence.figures(at(600), 0)?.heard.decisions).toBeGreaterThan(8_500);
});

test("if two proxies report different shares, the visitors are those of the smaller one", () => {
  const random = new Random();
  const [all, tenth, judge] = [daemon("all"), daemon("tenth"), daemon("judge")];
  for (let each = 0; each < 5_000; each++) {
    const u = random.fraction();
    take(all, 20, u);
    if (Math.floor(u * 1e6) % 10 === 0) take(tenth, 20, u, { share: 0.1 });
  }
  tell(all, judge);
  tell(tenth, judge);
  expect(Math.abs(Number(visitorsOf(judge)[0]) / 5_000 - 1)).toBeLessThan(0.25);
});

test("the last two steps are kept, and daemons may tell them in any order", () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [2, 0, 1],
  ]) {
    const steps = new Steps({ zeroMs: ZERO_MS, gated: ["errors"], seed: 1, memory: new EvidenceMemory() });
    for (const step of order) steps.take(step * 1_000)?.hearVisitors("errors", [step], 1, 0);
    expect(steps.kept.map(({ fromMs }) => fromMs)).toEqual([1_000, 2_000]);
    expect(steps.kept.map(({ visitors }) => visitors.get("errors")?.cellAt(0))).toEqual([1, 2]);
    expect(steps.take(0)).toBe(undefined);
  }
});

test("news of steps that the record does not have takes no place of a step of the record", () => {
  const arcs = [
    { at: 0, rollout: 0.05 },
    { at: 300, rollout: 0.25 },
  ];
  const evidence = new ReleaseEvidence({ release: releaseOf(arcs, 0.3), from: "a" });
  const news = (seconds: number, cell: number) =>
    evidence.hear([
      { kind: "visitors", of: "errors", step: at(seconds), share: 1, cuts: 0, cells: packWords([cell]) },
    ]);
  for (const seconds of [299.999, 300.001, 600, 4_000_000, 10]) news(seconds, seconds);
  take(evidence, 320, 0.1);
  news(300, 1);
  expect(visitorsOf(evidence)[0]).toBe(2);
});

test("a step that the record gets later was told before, and its evidence counts", () => {
  const evidence = daemon("a");
  const step = { kind: "visitors", of: "errors", share: 1, cuts: 0 } as const;
  evidence.hear([{ ...step, step: at(300), cells: packWords([1, 2]) }]);
  const arcs = [
    { at: 0, rollout: 0.05 },
    { at: 300, rollout: 0.25 },
  ];
  evidence.follow(releaseOf(arcs, 0.3));
  evidence.hear([{ ...step, step: at(300), cells: packWords([3]) }]);
  expect(visitorsOf(evidence)[0]).toBe(3);
});

test("times that another daemon counts from another moment are the same moments here", () => {
  const evidence = daemon("a");
  const coins = packWords([cellOf(0.31), 700_000, 0, cellOf(0.9), 0, 0]);
  evidence.hear([{ kind: "coins", of: "errors", since: ZERO_MS + 250_000, coins }]);
  evidence.hear([{ kind: "coins", of: "errors", since: ZERO_MS - 900_000, coins: packWords([5, 6, 7]) }]);
  expect(evidence.figures(at(1_000), 0)?.metrics[0]?.segments).toMatchObject([
    { canary: 0, master: 1 },
    { canary: 1, master: 0 },
  ]);
});

test("the time of a decision is that of the report only if it is near the daemon's own", () => {
  const outcome = { ...outcomeOf({ t: 0, u: 0.5, location: "", status: 200, ms: 5_000 }) };
  expect(decidedAtMs(outcome, at(100))).toBe(at(95));
  expect(decidedAtMs({ ...outcome, decidedAtMs: at(40) }, at(100))).toBe(at(40));
  expect(decidedAtMs({ ...outcome, decidedAtMs: at(34) }, at(100))).toBe(at(95));
  expect(decidedAtMs({ ...outcome, decidedAtMs: at(156) }, at(100))).toBe(at(95));
  expect(decidedAtMs({ ...outcome, durationMs: Number.NaN }, at(100))).toBe(at(100));
});

test("a forced request counts nowhere, and a location that is not told is at no wrong place", () => {
  const evidence = daemon("a");
  take(evidence, 20, 0.31, { isForced: true, location: "master", status: 500 });
  take(evidence, 20, 0.32, { location: "" });
  expect(evidence.figures(at(30), 0)).toMatchObject({
    seen: 1,
    misplaced: 0,
    reach: { seen: 1, atCanary: 0 },
    heard: { outcomes: 1 },
  });
  take(evidence, 21, 0.32, { location: "master" });
  take(evidence, 22, 0.9, { location: "canary" });
  expect(evidence.figures(at(31), 0)).toMatchObject({ seen: 2, misplaced: 2 });
});

test("another version than canary has its own arrivals", () => {
  const evidence = new ReleaseEvidence({ release: RELEASE, version: "blue", from: "a" });
  take(evidence, 20, 0.31, { location: "blue" });
  take(evidence, 20, 0.32, { location: "canary" });
  expect(evidence.figures(at(30), 0)).toMatchObject({ misplaced: 1, reach: { seen: 2, atCanary: 1 } });
});
