import { describe, expect, test } from "bun:test";
import { covers } from "../../src/circle.ts";
import { gapOf, seededDraw } from "../../src/simulate/draws.ts";
import { logSite } from "../../src/simulate/log-site.ts";
import { RequestLog } from "../../src/simulate/request-log.ts";
import { steadySite } from "../../src/simulate/steady-site.ts";
import type { BadOutcome, CanaryArc, Traffic } from "../../src/simulate/traffic.ts";

const MINUTE_MS = 60_000;
const ARC: CanaryArc = { offset: 0.9, rollout: 0.25 };

function allBad(traffic: Traffic, untilMs: number, arc = ARC): BadOutcome[] {
  traffic.beginStep(0, arc);
  const bad: BadOutcome[] = [];
  for (let next = traffic.nextBad(untilMs); next !== undefined; next = traffic.nextBad(untilMs))
    bad.push(next);
  return bad;
}

function isCanary({ assignment }: BadOutcome): boolean {
  return covers(ARC.offset, ARC.rollout, assignment);
}

/** Six requests of three visitors, out of order. */
function shortLog(): RequestLog {
  const log = new RequestLog();
  for (const [atMs, visitor, status] of [
    ...([
      [1_000, "a", 200],
      [3_000, "b", 500],
      [2_000, "a", 503],
      [4_000, "a", 200],
    ] as const),
    ...([
      [5_000, "c", 0],
      [6_000, "b", 200],
    ] as const),
  ]) {
    log.add({ atMs, visitor, status });
  }
  log.sort();
  return log;
}

test("gaps between rare things have the mean that their probability says", () => {
  const draw = seededDraw(7);
  const gaps = Array.from({ length: 100_000 }, () => gapOf(0.01, draw));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1);
  expect(gaps.reduce((a, b) => a + b) / gaps.length).toBeCloseTo(100, -1);
  expect([gapOf(0, draw), gapOf(1, draw)]).toEqual([Number.POSITIVE_INFINITY, 1]);
});

describe("a steady site", () => {
  const site = steadySite({ requestsPerMinute: 10_000, errorShare: 0.01 });

  test("has the errors of its share, in order of time, on the whole circle", () => {
    const bad = allBad(site.traffic(1, 1), 100 * MINUTE_MS);
    expect(Math.abs(bad.length / 10_000 - 1)).toBeLessThan(0.05);
    expect(bad.map(({ atMs }) => atMs)).toEqual(bad.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    expect(Math.abs(bad.filter(isCanary).length / bad.length - 0.25)).toBeLessThan(0.02);
    expect(bad.some(({ isByCanary }) => isByCanary)).toBe(false);
    // Nine of ten requests of a visitor come with its assignment.
    expect(Math.abs(bad.filter(({ isBrought }) => isBrought).length / bad.length - 0.9)).toBeLessThan(0.02);
  });

  test("with a harmful canary has that many times the errors there, and no more elsewhere", () => {
    const bad = allBad(site.traffic(1, 5), 100 * MINUTE_MS);
    expect(bad.filter(({ isByCanary }) => isByCanary).every(isCanary)).toBe(true);
    expect(Math.abs(bad.filter(isCanary).length / (5 * 2_500) - 1)).toBeLessThan(0.05);
    expect(Math.abs(bad.filter((each) => !isCanary(each)).length / 7_500 - 1)).toBeLessThan(0.05);
  });

  test("counts the visitors of a step", () => {
    const traffic = site.traffic(1, 1);
    traffic.beginStep(10 * MINUTE_MS, ARC);
    expect([9, 10, 11].map((minutes) => traffic.visitorsUntil(minutes * MINUTE_MS))).toEqual([0, 0, 1_000]);
  });
});

describe("the log of a site", () => {
  test("keeps the order of time, and knows which visitors came before", () => {
    const log = shortLog();
    expect([log.size, log.visitors, log.errors, log.lengthMs]).toEqual([6, 3, 2, 5_000]);
    const requests = Array.from({ length: 6 }, (_, index) => [
      ...[log.atMs(index), log.visitor(index), log.isError(index), log.isBrought(index)],
    ]);
    expect(requests).toEqual([
      [1_000, 0, false, false],
      [2_000, 0, true, true],
      [3_000, 1, true, false],
      [4_000, 0, false, true],
      [5_000, 2, false, false],
      [6_000, 1, false, true],
    ]);
  });

  test("grows without a loss", () => {
    const log = new RequestLog();
    for (let index = 0; index < 5_000; index++)
      log.add({ atMs: index, visitor: `${index % 70}`, status: 200 });
    expect([log.size, log.visitors, log.atMs(4_999), log.visitor(4_999)]).toEqual([5_000, 70, 4_999, 29]);
  });

  test("gives a sound canary the errors of the log, again and again", () => {
    const bad = allBad(logSite(shortLog(), 0.3).traffic(1, 1), 13_000);
    expect(bad.map(({ atMs, visitor, isBrought }) => [atMs, visitor, isBrought])).toEqual([
      ...[
        [1_000, 0, true],
        [2_000, 1, false],
        [7_000, 0, true],
        [8_000, 1, false],
      ],
    ]);
    expect(bad[2]?.assignment).toBe(bad[0]?.assignment);
  });

  test("gives a canary that always fails all its visitors' requests, and nothing more to the others", () => {
    const log = shortLog();
    const bad = allBad(logSite(log, 0.5).traffic(3, 2), 6_000, { offset: 0, rollout: 1 });
    expect(bad.map(({ atMs, isByCanary }) => [atMs, isByCanary])).toEqual([
      ...[
        [0, true],
        [1_000, false],
        [2_000, false],
        [3_000, true],
        [4_000, true],
        [5_000, true],
      ],
    ]);
    const none = allBad(logSite(log, 0.5).traffic(3, 2), 6_000, { offset: 0, rollout: 0 });
    expect(none.map(({ atMs }) => atMs)).toEqual([1_000, 2_000]);
  });

  test("counts each visitor of a step once", () => {
    const traffic = logSite(shortLog(), 0.3).traffic(1, 1);
    traffic.beginStep(0, ARC);
    expect([500, 2_500, 5_500, 11_000].map((ms) => traffic.visitorsUntil(ms))).toEqual([1, 2, 3, 3]);
    traffic.beginStep(11_500, ARC);
    expect([11_500, 12_500, 15_000].map((ms) => traffic.visitorsUntil(ms))).toEqual([0, 1, 2]);
  });

  test("without errors gives a sound canary none", () => {
    const log = new RequestLog();
    for (const atMs of [0, 1, 2]) log.add({ atMs, visitor: "a", status: 200 });
    expect(allBad(logSite(log, 0.1).traffic(1, 1), 1e6)).toEqual([]);
  });
});
