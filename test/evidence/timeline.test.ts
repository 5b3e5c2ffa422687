import { expect, test } from "bun:test";
import { Timeline } from "../../src/evidence/timeline.ts";
import { SEGMENT_MS, SEGMENTS_MAX } from "../../src/judge/segment.ts";
import { ZERO_MS } from "./outcomes.ts";

const arc = (ms: number, rollout: number) => [ZERO_MS + ms, rollout, 0.25] as const;

test("each step is cut every 15 minutes from its beginning", () => {
  const timeline = new Timeline([arc(0, 0.1), arc(1_000_000, 0.2)], ZERO_MS + 2_500_000);
  const segments = [0, 899_999, 900_000, 999_999, 1_000_000, 1_899_999, 1_900_000, 2_499_999].map((time) => {
    const step = timeline.steps[timeline.stepAt(time)];
    return step && timeline.segmentIn(step, time);
  });
  expect(segments).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  expect([0, 900_000, 1_000_000, 2_499_999, 9_000_000].map((time) => timeline.segmentsAt(time))).toEqual([
    ...[1, 2, 3, 4, 4],
  ]);
  expect([0, 1, 2, 3].map((segment) => timeline.stepOf(segment)?.rollout)).toEqual([0.1, 0.1, 0.2, 0.2]);
  expect([-1, 2_500_000].map((time) => timeline.stepAt(time))).toEqual([-1, -1]);
});

test("the first ten seconds of each step count for nothing", () => {
  const timeline = new Timeline([arc(0, 0.1), arc(1_000_000, 0.2)]);
  expect(
    [0, 9_999, 10_000, 999_999, 1_000_000, 1_009_999, 1_010_000].map((time) => timeline.countedStepAt(time)),
  ).toEqual([...[-1, -1, 0, 0, -1, -1, 1]]);
});

test("there are never more than 512 segments, and a long step leaves some for those after it", () => {
  const DAY_MS = 86_400_000;
  const timeline = new Timeline([arc(0, 0.1), arc(20 * DAY_MS, 0.2), arc(21 * DAY_MS, 0.3)]);
  const last = timeline.steps.at(-1);
  expect(timeline.segmentsAt(20 * DAY_MS - 1)).toBe(SEGMENTS_MAX - 32);
  expect(timeline.segmentsAt(20 * DAY_MS)).toBe(SEGMENTS_MAX - 31);
  expect(timeline.segmentsAt(40 * DAY_MS)).toBe(SEGMENTS_MAX - 30);
  expect(last && timeline.segmentIn(last, 40 * DAY_MS)).toBe(SEGMENTS_MAX - 31);
  const many = new Timeline(
    Array.from({ length: 900 }, (_, place) => arc(place * 20_000, 0.1 + place / 9_000)),
  );
  expect(many.segmentsAt(900 * 20_000)).toBe(SEGMENTS_MAX);
});

test("later arcs never move the segments before them", () => {
  const arcs = Array.from({ length: 40 }, (_, place) => arc(place * 7 * SEGMENT_MS, place / 40));
  const whole = new Timeline(arcs);
  for (let length = 1; length < arcs.length; length++) {
    const part = new Timeline(arcs.slice(0, length));
    for (let time = 0; time < length * 7 * SEGMENT_MS; time += SEGMENT_MS / 2) {
      const [step, other] = [part.steps[part.stepAt(time)], whole.steps[whole.stepAt(time)]];
      expect(step && part.segmentIn(step, time)).toBe(other && whole.segmentIn(other, time));
    }
  }
});

test("a clock that went back between two writers makes no step of negative length", () => {
  const timeline = new Timeline([arc(0, 0.1), arc(50_000, 0.2), arc(40_000, 0.3), arc(90_000, 0.4)]);
  expect(timeline.steps.map(({ fromMs }) => fromMs)).toEqual([0, 50_000, 50_000, 90_000]);
  expect(timeline.steps[timeline.stepAt(60_000)]?.rollout).toBe(0.3);
  expect(timeline.segmentsAt(100_000)).toBe(3);
});
