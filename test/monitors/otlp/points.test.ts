import { describe, expect, test } from "bun:test";
import type { Arc } from "../../../src/circle.ts";
import { DELAY_BOUNDS_US } from "../../../src/metrics.ts";
import { type DeltaKinds, PointReader, type Points } from "../../../src/monitors/otlp/points.ts";
import { decide, type TestContext, testContext } from "../context.ts";

const arc = (version: string, rollout: number): Arc => ({ version, rollout, offset: 0, failsafe: "master" });

const CUMULATIVE = { counter: false, histogram: false };
const DELTA = { counter: true, histogram: true };

function readerOf(context: TestContext, deltas: DeltaKinds) {
  const clock = { nowMs: Date.parse("2026-11-30T12:00:00.250Z") };
  return { clock, reader: new PointReader(context, deltas, () => clock.nowMs) };
}

function numbersOf(all: readonly Points[], name: string) {
  const found = all.find(({ otlp }) => otlp.name === name);
  return found !== undefined && "numbers" in found ? found.numbers : [];
}

function histogramOf(all: readonly Points[]) {
  for (const found of all) if ("histogram" in found) return found.histogram[0];
  throw new Error("there is no histogram");
}

const isOfCanary = (point: { readonly attributes: object }) =>
  Object.values(point.attributes).includes("canary");

test("values are those of the daemon's counters at the moment of the reading, with all attributes", async () => {
  const context = testContext();
  const { reader } = readerOf(context, CUMULATIVE);
  context.rollout.apply("app", [arc("canary", 0.5)], 0);
  decide(context, "app", 0.2, 3);
  expect(numbersOf(await reader.read(), "maxwells_daemon.decisions").filter(isOfCanary)).toEqual([
    {
      startTime: expect.any(Array),
      endTime: [Date.parse("2026-11-30T12:00:00Z") / 1_000, 250_000_000],
      attributes: {
        "maxwells_daemon.application": "app",
        "maxwells_daemon.location": "canary",
        "maxwells_daemon.reason": "rollout",
      },
      value: 3,
    },
  ]);
  decide(context, "app", 0.2, 4);
  const [again] = numbersOf(await reader.read(), "maxwells_daemon.decisions").filter(isOfCanary);
  expect(again?.value).toBe(7);
});

test("a cumulative counter begins with the process", async () => {
  const context = testContext();
  const { reader } = readerOf(context, CUMULATIVE);
  const [seconds = 0] = numbersOf(await reader.read(), "process.cpu.time")[0]?.startTime ?? [];
  expect(seconds).toBe(Math.floor(context.processStartedAt.getTime() / 1_000));
});

test("CPU time has the modes of the conventions", async () => {
  const { reader } = readerOf(testContext(), CUMULATIVE);
  const modes = numbersOf(await reader.read(), "process.cpu.time").map(({ attributes }) => attributes);
  expect(modes).toEqual([{ "cpu.mode": "user" }, { "cpu.mode": "system" }]);
});

test("an age that is infinite is left out, because few receivers know such a number", async () => {
  const context = testContext(["app", "unread"]);
  const { reader } = readerOf(context, CUMULATIVE);
  context.rollout.apply("app", [arc("canary", 0.5)], 0);
  const ages = numbersOf(await reader.read(), "maxwells_daemon.snapshot.age");
  expect(ages.map(({ attributes }) => attributes["maxwells_daemon.application"])).toEqual(["app"]);
});

test("the histogram is in seconds, and agrees with its count and sum", async () => {
  const context = testContext();
  const { reader } = readerOf(context, CUMULATIVE);
  context.metrics.delay.observe(0.007, 20);
  context.metrics.delay.observe(2_000, 2);
  const value = histogramOf(await reader.read())?.value;
  expect(value?.buckets.boundaries).toEqual(DELAY_BOUNDS_US.map((us) => us / 1e6));
  expect(value?.buckets.counts).toHaveLength(DELAY_BOUNDS_US.length + 1);
  expect(value?.buckets.counts[3]).toBe(20);
  expect(value?.buckets.counts.at(-1)).toBe(2);
  expect(value?.count).toBe(22);
  expect(value?.sum).toBeCloseTo(4.00014, 9);
});

describe("delta: the collector wants the growth of counters", () => {
  test("growth that a collector did not take is in the next points, and no growth is sent twice", async () => {
    const context = testContext();
    const { reader, clock } = readerOf(context, DELTA);
    context.rollout.apply("app", [arc("canary", 0.5)], 0);
    const next = async () => {
      clock.nowMs += 60_000;
      const all = await reader.read();
      const [point] = numbersOf(all, "maxwells_daemon.decisions").filter(isOfCanary);
      return { point, histogram: histogramOf(all) };
    };
    decide(context, "app", 0.2, 3);
    context.metrics.delay.observe(0.007, 3);
    const first = await next();
    expect([first.point?.value, first.histogram?.value.count]).toEqual([3, 3]);
    first.point?.taken?.();
    first.histogram?.taken?.();

    decide(context, "app", 0.2, 5);
    context.metrics.delay.observe(0.007, 5);
    const lost = await next();
    expect([lost.point?.value, lost.histogram?.value.count]).toEqual([5, 5]);
    expect(lost.point?.startTime).toEqual(first.point?.endTime as [number, number]);

    decide(context, "app", 0.2, 7);
    context.metrics.delay.observe(0.007, 7);
    const third = await next();
    expect([third.point?.value, third.histogram?.value.count]).toEqual([12, 12]);
    expect(third.point?.startTime).toEqual(first.point?.endTime as [number, number]);
    expect(third.histogram?.value.sum).toBeCloseTo(0.000084, 9);
  });

  test("counts that went on while the points were under way are not lost", async () => {
    const context = testContext();
    const { reader } = readerOf(context, DELTA);
    context.rollout.apply("app", [arc("canary", 0.5)], 0);
    const read = async () =>
      numbersOf(await reader.read(), "maxwells_daemon.decisions").filter(isOfCanary)[0];
    decide(context, "app", 0.2, 3);
    const sent = await read();
    decide(context, "app", 0.2, 4);
    sent?.taken?.();
    expect((await read())?.value).toBe(4);
  });

  test("gauges, and numbers that can fall, are as they are", async () => {
    const { reader } = readerOf(testContext(), DELTA);
    for (const points of await reader.read()) {
      expect(points.isDelta).toBe(["counter", "histogram"].includes(points.otlp.kind));
    }
  });
});
