/** Why ok is not given, in words. */

import { describe, expect, test } from "bun:test";
import { type Judged, judgedOf } from "../../src/evidence/judged.ts";
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
      "no visitor seen for two minutes yet, about 4 264 visitors needed",
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
