/** Doctor's visitors: their outcomes are kept for doctor and out of the evidence, within limits. */

import { expect, test } from "bun:test";
import { OutcomeCounts } from "../../src/intake/counts.ts";
import { Intake } from "../../src/intake/intake.ts";
import { KEPT_MS, OUTCOMES_MAX, PROBES_MAX, Probes } from "../../src/intake/probes.ts";
import { ManualTime } from "../support/manual-time.ts";

function open() {
  const time = new ManualTime();
  const probes = new Probes(time);
  const followed: number[] = [];
  const intake = new Intake({
    ...{ applications: ["website"], counts: new OutcomeCounts(), examples: { dropped() {} }, probes },
    follower: ({ assignment }) => followed.push(assignment),
  });
  return { time, probes, intake, followed };
}

test("an announced visitor's outcome is counted and kept for doctor, and stays out of the evidence", () => {
  const { probes, intake, followed } = open();
  probes.expect([0.25]);
  expect(intake.report("website canary 0.25 503 0.027 1 source=192.0.2.7", "udp")).toBeTrue();
  expect(intake.report("website canary 0.26 503 0.027 1 source=192.0.2.7", "udp")).toBeTrue();
  expect(followed).toEqual([0.26]);
  expect(probes.of(0.26)).toEqual([]);
  expect(probes.of(0.25)).toEqual([
    {
      ...{ door: "udp", application: "website", location: "canary", kind: "answered", status: 503 },
      ...{ isBrought: true, source: "192.0.2.7", durationMs: 27 },
    },
  ]);
  const errors = [...intake.counts.allHeard()].find(({ class: kind }) => kind === "error");
  expect(errors?.count).toBe(2);
});

test("doctor sees the outcome of a foreign application, and unknown fields as null", () => {
  const { probes, intake } = open();
  probes.expect([0.25]);
  expect(intake.report("shop - 0.25 200 - -", "line")).toBeFalse();
  expect(probes.of(0.25)).toMatchObject([
    { application: "shop", location: null, isBrought: null, source: null, durationMs: null },
  ]);
});

test("doctor's visitors are forgotten after its last question, and then are visitors like others", async () => {
  const { time, probes, intake, followed } = open();
  probes.expect([0.25]);
  await time.pass(KEPT_MS - 1);
  probes.expect([0.25]);
  await time.pass(KEPT_MS - 1);
  expect(probes.isAwake).toBeTrue();
  await time.pass(1);
  expect([probes.isAwake, time.waiting]).toEqual([false, 0]);
  intake.report("website canary 0.25 200 0.027 1", "udp");
  expect(followed).toEqual([0.25]);
});

test("it wakes the doors for the first visitors only, and a question without visitors wakes none", () => {
  const { probes } = open();
  let woken = 0;
  probes.onWake(() => woken++);
  probes.expect([]);
  expect([woken, probes.isAwake]).toEqual([0, false]);
  probes.expect([0.25]);
  probes.expect([0.25, 0.26]);
  expect(woken).toBe(1);
});

test("its memory is bounded: the oldest visitors are forgotten, and a visitor has a few outcomes", () => {
  const { probes, intake } = open();
  const assignments = Array.from({ length: PROBES_MAX + 10 }, (_, index) => index / (2 * PROBES_MAX));
  probes.expect(assignments);
  for (let count = 0; count < OUTCOMES_MAX + 3; count++) {
    for (const assignment of [assignments[9], assignments[10]])
      intake.report(`website master ${assignment} 200 0.027 1`, "udp");
  }
  expect(probes.of(assignments[9] ?? 0)).toHaveLength(0);
  expect(probes.of(assignments[10] ?? 0)).toHaveLength(OUTCOMES_MAX);
});
