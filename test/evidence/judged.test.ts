/** Why ok is not given, in words; and the figures for bars and charts. */

import { describe, expect, test } from "bun:test";
import { type Judged, judgedOf } from "../../src/evidence/judged.ts";
import { harmPart, judgedRatio, leastPart, notWorsePart } from "../../src/evidence/judged-parts.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { weigh } from "../../src/evidence/weigh.ts";
import { emptyOutcome } from "../../src/intake/outcome.ts";
import { BEGAN_MS, releaseOf } from "../releases/world.ts";

const release = releaseOf();

/** Visitors at master, `visitors` in 16 s, as the judge sees them after some seconds of the step. */
function judgedAt(seconds: number, visitors: number, isInCanary: (visitor: number) => boolean): Judged {
  const evidence = new ReleaseEvidence({ release, from: "web-1" });
  for (let visitor = 0; visitor < visitors; visitor++) {
    const assignment = isInCanary(visitor)
      ? 0.25 + (visitor / visitors) * 0.05
      : 0.5 + (visitor / visitors) * 0.4;
    const outcome = {
      ...emptyOutcome(),
      application: "website",
      location: "master",
      assignment,
      status: 200,
    };
    evidence.takeDecided(outcome, BEGAN_MS + 11_000 + (visitor / visitors) * 5_000);
  }
  const figures = evidence.figures(BEGAN_MS + seconds * 1_000);
  if (figures === undefined) throw new Error("no figures");
  const verdict = weigh(figures, { signs: [], isAborted: false, rolloutNext: 0.25 });
  return judgedOf({ figures, verdict, release, rolloutNext: 0.25, raised: [] });
}

describe("the reasons why a step does not pass", () => {
  const none = () => false;

  test("have silence alone, but not in the first seconds of a step", () => {
    const early = judgedAt(20, 0, none);
    expect(early.isSilent).toBe(false);
    expect(early.blocks).toEqual([
      "a step lasts five minutes at least, about 5 minutes more",
      "no visitor seen for two minutes yet, about 4 300 visitors needed",
    ]);
    const late = judgedAt(40, 0, none);
    expect({ isSilent: late.isSilent, blocks: late.blocks }).toEqual({
      isSilent: true,
      blocks: ["no outcome is reported"],
    });
  });

  test("say nothing of proxies while few visitors were seen, because none of them may be the canary's", () => {
    expect(judgedAt(20, 40, none).blocks[0]).toStartWith("a step lasts five minutes");
    expect(judgedAt(20, 399, none).blocks[0]).toStartWith("a step lasts five minutes");
    expect(judgedAt(20, 400, none).blocks[0]).toStartWith(
      "nothing heard of the canary's visitors in this step",
    );
  });

  test("say that the canary's visitors did not reach it", () => {
    expect(judgedAt(20, 600, (visitor) => visitor % 20 === 0).blocks[0]).toBe(
      "0 of the canary's 30 visitors were reported at the canary, so ok is not given: see where the proxies send the others",
    );
  });
});

describe("the figures for bars and charts", () => {
  /** 600 visitors, one in twenty in the canary's arc. The first `bad` of these meet an error. */
  function withErrors(bad: number): Judged {
    const evidence = new ReleaseEvidence({ release, from: "web-1" });
    for (let visitor = 0; visitor < 600; visitor++) {
      const isCanary = visitor % 20 === 0;
      const outcome = {
        ...emptyOutcome(),
        application: "website",
        location: isCanary ? "canary" : "master",
        assignment: (isCanary ? 0.25 : 0.5) + (visitor / 600) * 0.05,
        status: isCanary && visitor < 20 * bad ? 500 : 200,
      };
      evidence.takeDecided(outcome, BEGAN_MS + 11_000 + visitor * 10);
    }
    const figures = evidence.figures(BEGAN_MS + 40_000);
    if (figures === undefined) throw new Error("no figures");
    const verdict = weigh(figures, { signs: [], isAborted: false, rolloutNext: 0.25 });
    return judgedOf({ figures, verdict, release, rolloutNext: 0.25, raised: [] });
  }

  test("harm reaches 1 if the judge aborts, and not before", () => {
    const kinds = [0, 1, 3, 4, 5].map((bad) => withErrors(bad));
    for (const { kind, harm } of kinds) expect((harm ?? 0) >= 1).toBe(kind === "abort");
    expect(kinds.some(({ kind }) => kind === "abort")).toBe(true);
    expect(kinds.some(({ kind }) => kind === "watch")).toBe(true);
  });

  test("a metric has its odds ratio with an interval, and the canary's visitors of the step", () => {
    const judged = withErrors(4);
    const errors = judged.metrics.find(({ name }) => name === "errors");
    expect(errors).toMatchObject({ canary: 4, master: 0, ratio: { estimate: null, high: null } });
    expect(errors?.ratio?.low).toBeGreaterThan(1);
    expect(errors?.ratio?.text).toStartWith("at least ");
    expect(judged.canaryVisitors).toBe(30);
  });

  test("JSON has no infinity, so it is null", () => {
    expect(judgedRatio({ low: 0, estimate: undefined, high: Number.POSITIVE_INFINITY })).toEqual({
      ...{ low: 0, estimate: null, high: null, text: "any number of times as likely" },
    });
    expect(harmPart(Number.NEGATIVE_INFINITY)).toBeNull();
    expect(harmPart(Math.log(20))).toBeCloseTo(1);
    expect(notWorsePart(undefined)).toBeNull();
  });

  test("all gates must open, so the last one counts", () => {
    expect(leastPart([])).toBeNull();
    expect(leastPart([Math.log(20), Math.log(20) / 2])).toBeCloseTo(0.5);
    expect(leastPart([Math.log(20), Number.NEGATIVE_INFINITY])).toBeNull();
  });
});
