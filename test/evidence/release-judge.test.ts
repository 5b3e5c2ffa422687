import { describe, expect, test } from "bun:test";
import { newsIn, newsLine } from "../../src/evidence/news-lines.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { ReleaseJudge } from "../../src/evidence/release-judge.ts";
import { ABORT_BAR } from "../../src/judge/abort.ts";
import { CELLS } from "../../src/judge/cell.ts";
import { logEvidence } from "../../src/judge/evidence.ts";
import { Random } from "../support/random.ts";
import { outcomeOf, releaseOf, type SavedLine, ZERO_MS } from "./outcomes.ts";

const RELEASE = releaseOf([{ at: 0, rollout: 0.5 }], 0.25);
const FRESH = { rolloutNext: 1, cleared: [], evidenceAgeMs: 2_000 };

const daemon = (from = "a") => new ReleaseEvidence({ release: RELEASE, from });
const at = (seconds: number) => ZERO_MS + seconds * 1_000;

function take(evidence: ReleaseEvidence, t: number, u: number, changes: Partial<SavedLine> = {}): boolean {
  const location = u >= 0.25 && u < 0.75 ? "canary" : "master";
  return evidence.takeDecided(
    outcomeOf({ t, u, location, status: 200, ms: 5, brought: true, ...changes }),
    at(t),
  );
}

/** Many visitors without any error, each twice. */
function soundVisitors(
  evidence: ReleaseEvidence,
  changes: (u: number) => Partial<SavedLine> = () => ({}),
): void {
  const random = new Random(3);
  for (let each = 0; each < 2_500; each++) {
    const u = random.fraction();
    take(evidence, 20, u, changes(u));
    take(evidence, 140, u, changes(u));
  }
}

function failingCanary(evidence: ReleaseEvidence, visitors: number): void {
  for (let each = 0; each < visitors; each++) take(evidence, 30 + each, 0.3 + each / 100, { status: 500 });
}

describe("the judge of a release", () => {
  test("aborts for a canary that fails, and stays at it", () => {
    const evidence = daemon();
    const judge = new ReleaseJudge(evidence);
    const kinds = Array.from({ length: 14 }, (_, each) => {
      take(evidence, 30 + each, 0.3 + each / 100, { status: 500 });
      return judge.judge(at(30 + each), FRESH)?.kind;
    });
    const first = kinds.indexOf("abort");
    expect(first).toBeGreaterThan(2);
    expect(new Set(kinds.slice(first))).toEqual(new Set(["abort"]));
    for (let each = 0; each < 200; each++) take(evidence, 100, 0.76 + each / 1_000, { status: 500 });
    const after = judge.judge(at(101), FRESH);
    expect(after?.verdict.logTotal).toBeLessThan(ABORT_BAR);
    expect(after?.kind).toBe("abort");
    // A new process knows of the abort by the record, or by an override.
    expect(new ReleaseJudge(evidence).judge(at(101), FRESH)?.kind).toBe("watch");
    expect(new ReleaseJudge(evidence).judge(at(101), { ...FRESH, isAborted: true })?.kind).toBe("abort");
  });

  test("neither aborts nor passes on evidence that is older than 30 s", () => {
    const [bad, good] = [daemon(), daemon()];
    failingCanary(bad, 20);
    soundVisitors(good);
    const [badJudge, goodJudge] = [new ReleaseJudge(bad), new ReleaseJudge(good)];
    for (const evidenceAgeMs of [undefined, 30_001]) {
      for (const judge of [badJudge, goodJudge]) {
        expect(judge.judge(at(400), { ...FRESH, evidenceAgeMs })).toMatchObject({
          kind: "watch",
          isStale: true,
        });
      }
    }
    expect(badJudge.judge(at(400), { ...FRESH, evidenceAgeMs: 30_000 })?.kind).toBe("abort");
    expect(goodJudge.judge(at(400), { ...FRESH, evidenceAgeMs: 30_000 })?.kind).toBe("pass");
    expect(badJudge.judge(at(400), { ...FRESH, evidenceAgeMs: undefined })?.kind).toBe("abort");
  });

  test("law 12: silence is not health, and visitors who did not reach the canary are not either", () => {
    const silent = new ReleaseJudge(daemon());
    expect(silent.judge(at(40_000), FRESH)?.kind).toBe("watch");
    const misrouted = daemon();
    soundVisitors(misrouted, () => ({ location: "" }));
    const judgement = new ReleaseJudge(misrouted).judge(at(400), FRESH);
    expect(judgement?.kind).toBe("watch");
    expect(judgement?.signs).toEqual([]);
    expect(judgement?.verdict.blocks.map(({ kind }) => kind)).toEqual(["reach"]);
    const tenth = daemon();
    soundVisitors(tenth, (u) => (u > 0.25 && u < 0.301 ? { location: "" } : {}));
    expect(new ReleaseJudge(tenth).judge(at(400), FRESH)?.kind).toBe("watch");
    const less = daemon();
    soundVisitors(less, (u) => (u > 0.25 && u < 0.29 ? { location: "" } : {}));
    expect(new ReleaseJudge(less).judge(at(400), FRESH)?.kind).toBe("pass");
  });

  test("passes a step by the errors of all visitors if no reporter says which came back", () => {
    const untold = daemon();
    const random = new Random(3);
    for (let each = 0; each < 2_500; each++) {
      const u = random.fraction();
      const location = u >= 0.25 && u < 0.75 ? "canary" : "master";
      const outcome = outcomeOf({ t: 20, u, location, status: 200, ms: 5 });
      untold.takeDecided({ ...outcome, isBrought: undefined }, at(20));
    }
    const judgement = new ReleaseJudge(untold).judge(at(400), FRESH);
    expect(judgement?.kind).toBe("pass");
    expect(judgement?.figures.isBroughtTold).toBe(false);
    // All are new visitors: this is another thing, because a visitor that comes back may fare worse.
    const drawn = daemon();
    soundVisitors(drawn, () => ({ brought: false }));
    expect(new ReleaseJudge(drawn).judge(at(400), FRESH)).toMatchObject({
      ...{ kind: "watch", figures: { isBroughtTold: true } },
    });
  });

  test("a network counts once until the evidence of all daemons says that it has too many visitors", () => {
    const evidence = daemon();
    const random = new Random(3);
    const good = { location: "", status: 200, ms: 5, brought: true };
    for (let each = 0; each < 1_200; each++) {
      const source = `198.51.100.${each % 250}`;
      evidence.takeDecided(outcomeOf({ ...good, t: 20, u: random.fraction(), source }), at(20));
    }
    const judge = new ReleaseJudge(evidence);
    judge.judge(at(400), { ...FRESH, evidenceAgeMs: undefined });
    expect(evidence.news(at(400)).some(({ kind }) => kind === "uncapped")).toBe(false);
    judge.judge(at(402), FRESH);
    expect(evidence.news(at(402)).some(({ kind }) => kind === "uncapped")).toBe(true);
  });

  test("holds for a sign until a person clears it, also after a restart", () => {
    const evidence = daemon();
    soundVisitors(evidence, (u) => (u > 0.3 && u < 0.31 ? { location: "master" } : {}));
    const judge = new ReleaseJudge(evidence);
    expect(judge.judge(at(400), FRESH)).toMatchObject({
      kind: "watch",
      signs: [{ sign: "place", sinceMs: at(400), isCleared: false }],
    });
    const news = evidence.news(at(400));
    expect(news).toContainEqual({ kind: "sign", sign: "place", atMs: at(400) });
    const fresh = daemon("b");
    // The others of this fleet have not seen the visitors at the wrong place.
    fresh.hear(newsIn(news.filter(({ kind }) => kind === "sign").map(newsLine)));
    soundVisitors(fresh);
    const other = new ReleaseJudge(fresh);
    expect(other.judge(at(400), FRESH)?.verdict.blocks).toEqual([{ kind: "sign", sign: "place" }]);
    expect(other.judge(at(401), { ...FRESH, cleared: ["place"] })).toMatchObject({
      kind: "pass",
      signs: [{ sign: "place", isCleared: true }],
    });
  });

  test("computes nothing again if nothing is new", () => {
    const evidence = daemon();
    soundVisitors(evidence);
    const judge = new ReleaseJudge(evidence);
    const first = judge.judge(at(400), FRESH);
    expect(judge.judge(at(400.5), { ...FRESH, evidenceAgeMs: 1 })).toBe(first as never);
    take(evidence, 400, new Random(3).fraction());
    expect(judge.judge(at(400.6), FRESH)).toBe(first as never);
    take(evidence, 400, 0.33333, { status: 500 });
    expect(judge.judge(at(400.7), FRESH)).not.toBe(first as never);
  });

  test("says nothing outside the release", () => {
    const judge = new ReleaseJudge(daemon());
    expect(judge.judge(at(-1), FRESH)).toBe(undefined);
  });
});

test("the account of an abort has all coins, so that its evidence can be computed again", () => {
  const evidence = daemon();
  failingCanary(evidence, 9);
  take(evidence, 950, 0.9, { status: 500 });
  take(evidence, 951, 0.3, { status: 500 });
  const [errors, known] = evidence.account(at(1_000));
  expect([errors?.name, known?.name, errors?.weight]).toEqual(["errors", "known-errors", 0.75]);
  expect(errors?.segments.map(({ fromMs, canary, master }) => [fromMs, canary, master])).toEqual([
    [at(0), 9, 0],
    [at(900), 0, 1],
  ]);
  expect(errors?.segments[0]?.expectedShare).toBe(0.5);
  const again = errors?.segments.map(({ rollout, control, offset, canaryCells, masterCells }) => {
    for (const cell of canaryCells) expect((cell / CELLS - offset + 1) % 1).toBeLessThan(rollout);
    for (const cell of masterCells) expect((cell / CELLS - offset + 1) % 1).toBeGreaterThanOrEqual(rollout);
    return { rollout, control, canary: canaryCells.length, master: masterCells.length };
  });
  expect(logEvidence(again ?? [])).toBe(errors?.logE ?? Number.NaN);
  // It is plain data.
  expect(JSON.parse(JSON.stringify(errors))).toEqual(errors);
});
