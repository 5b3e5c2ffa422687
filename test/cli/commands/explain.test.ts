/** `explain`: the figures of a verdict, from the evidence in the store. */

import { describe, expect, test } from "bun:test";
import { newsLine } from "../../../src/evidence/news-lines.ts";
import { ReleaseEvidence } from "../../../src/evidence/release-evidence.ts";
import { emptyOutcome } from "../../../src/intake/outcome.ts";
import { logEvidence } from "../../../src/judge/evidence.ts";
import { bare } from "../../../src/releases/release-field.ts";
import { BEGAN_MS, KEY, releaseOf } from "../../releases/world.ts";
import { World } from "../release-world.ts";

const REASON = "all 3 visitors who met errors were the canary's, 1 in 20 expected";

/** The judge took the canary back in its second step, which had begun at 12:00, at 12:20. */
const ABORTED = releaseOf({
  ...{ state: "aborted", seq: 5, wrote: [0, 0.25], since: "2026-11-29T12:20:00.000Z", reason: REASON },
  arcs: [
    [BEGAN_MS - 600_000, 0.01, 0.25],
    [BEGAN_MS, 0.05, 0.25],
    [BEGAN_MS + 1_200_000, 0, 0.25],
  ],
  log: [
    [4, BEGAN_MS, "running", 2, 0.05, "web-2"],
    [5, BEGAN_MS + 1_200_000, "aborted", 2, 0, "web-1"],
  ],
});

/** A store with the news of a daemon about visitors: their assignments, and the minutes of their errors. */
async function worldOf(visitors: readonly (readonly [assignment: number, minute: number])[]): Promise<World> {
  const world = await World.make(ABORTED);
  const evidence = new ReleaseEvidence({ release: releaseOf(), from: "web-1" });
  for (const [assignment, minute] of visitors) {
    const outcome = { ...emptyOutcome(), application: "app", assignment, status: 500, isBrought: false };
    evidence.takeDecided(outcome, BEGAN_MS + minute * 60_000);
  }
  const lines = evidence.news(BEGAN_MS + 1_100_000).map(newsLine);
  await world.store.evidence.append({ application: "app", key: KEY }, lines, AbortSignal.timeout(1_000));
  return world;
}

const VISITORS = [
  [0.26, 1],
  [0.27, 2],
  [0.28, 17],
  [0.5, 3],
] as const;

describe("explain", () => {
  test("of an abort has its sentence, and the two numbers of each metric and segment", async () => {
    using world = await worldOf(VISITORS);
    const { status, stdout, stderr } = await world.run("explain");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const logE = logEvidence([
      { rollout: 0.01, control: 0.99, canary: 0, master: 0 },
      { rollout: 0.05, control: 0.95, canary: 2, master: 1 },
      { rollout: 0.05, control: 0.95, canary: 1, master: 0 },
    ]);
    expect(stdout).toBe(`release 7 of app aborted at step 2/4: canary 5% → 0%: ${REASON}

errors: ln E ${logE.toFixed(2)} + ln weight -0.29 = ${(logE + Math.log(0.75)).toFixed(2)}
  from                  rollout  canary  master  expected
  2026-11-29T12:00:00Z  5%       2       1       1 in 20
  2026-11-29T12:15:00Z  5%       1       0       1 in 20

known-errors: ln E 0.00 + ln weight -1.39 = -1.39
  no visitor met it

ln is the natural logarithm. The judge takes the canary back from 3.00 on, if 3 of its visitors are hurt.
-output json has the visitors too, as cells, so that all of it can be computed again.
`);
  });

  test("has for a program the cells, from which the numbers and the evidence follow", async () => {
    using world = await worldOf(VISITORS);
    const { stdout } = await world.run("explain", "canary", "-o", "json");
    const { metrics, abortsAt, logTotal, why, state } = JSON.parse(stdout);
    expect({ abortsAt, why, state }).toEqual({ abortsAt: Math.log(20), why: REASON, state: "aborted" });
    const [errors] = metrics;
    expect(logTotal).toBe(errors.logWeighted);
    expect(errors.logE).toBe(logEvidence(errors.segments));
    expect(errors.segments[1]).toEqual({
      ...{ from: "2026-11-29T12:00:00Z", rollout: 0.05, control: 0.95, offset: 0.25, expectedShare: 0.05 },
      ...{ canary: 2, master: 1 },
      canaryCells: [0.26, 0.27].map((assignment) => Math.floor(assignment * 2 ** 32)),
      masterCells: [2 ** 31],
    });
  });

  test("says how a release ended of which the store has no evidence, and asks for reports of one under way", async () => {
    using world = await World.make(ABORTED);
    const { status, stdout, stderr } = await world.run("explain");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toStartWith(
      "maxwells-daemon: release 7 of app aborted at step 2/4: canary 5% → 0%; by web-1, ",
    );
    expect(stderr).toContain(`: ${REASON}. `);
    expect(stderr).toContain(" has no evidence of it: no outcome was told");
    expect(stderr).not.toContain("doctor");
    world.put(releaseOf());
    const running = await world.run("explain");
    expect(running.stderr).toContain(": release 7 of app. ");
    expect(running.stderr).toContain("see that the proxies report: maxwells-daemon doctor");
  });

  test("of an abort by a person in a record without room says that, and not that the store keeps nothing", async () => {
    using world = await World.make(bare({ ...ABORTED, reason: "INC-42" }));
    const { stderr } = await world.run("explain");
    expect(stderr).toStartWith("maxwells-daemon: release 7 of app aborted at step 2/4: canary ");
    expect(stderr).toContain(": INC-42. There are no figures of it: its record had no room ");
  });

  test("has all figures also on a machine whose clock is hours behind, if the store has no clock", async () => {
    const later = (minutes: number) => Date.now() + 5 * 3_600_000 + minutes * 60_000;
    const release = releaseOf({
      since: new Date(later(0)).toISOString(),
      arcs: [[later(0), 0.05, 0.25]],
      log: [[4, later(0), "running", 2, 0.05, "web-2"]],
    });
    using world = await World.make(release);
    const evidence = new ReleaseEvidence({ release, from: "web-1" });
    for (const assignment of [0.26, 0.5]) {
      const outcome = { ...emptyOutcome(), application: "app", assignment, status: 500, isBrought: false };
      evidence.takeDecided(outcome, later(20));
    }
    const lines = evidence.news(later(21)).map(newsLine);
    await world.store.evidence.append({ application: "app", key: KEY }, lines, AbortSignal.timeout(1_000));
    expect((await world.run("explain")).stdout).toMatch(/ 5% +1 +1 +1 in 20/);
    expect((await world.run("release")).stdout).toMatch(/errors +1 of the 2 visitors who met errors/);
  });
});
