import { describe, expect, test } from "bun:test";
import { hasStart, type LoggedTransition, loggedTransitions } from "../../src/releases/logged.ts";
import type { Release, Transition } from "../../src/releases/release.ts";
import { bare, fitted } from "../../src/releases/release-field.ts";
import type { Notice } from "../../src/releases/request.ts";
import { transitionSentence } from "../../src/releases/sentence.ts";
import { Random } from "../support/random.ts";
import { World, type Write } from "./walk.ts";
import { BEGAN_MS, releaseOf } from "./world.ts";

const WALKED = 60_000;

/**
 * The name in the log: the record does not say that a release took the place of another one, or that a person
 * promoted one that was at 100 % already.
 */
function loggedName({ notice, rollout }: Write, before: number): Notice {
  if (notice === "replaced") return "started";
  return notice === "promoted" && rollout === before ? "resumed" : notice;
}

function newest(release: Release): LoggedTransition {
  return loggedTransitions(release).at(-1) as LoggedTransition;
}

const sentenceOf = (told: LoggedTransition) =>
  transitionSentence({ ...told, application: "website", version: "canary" });

/** Their sentence needs the reason, which the release has only for a while. */
const FORGETFUL: readonly Notice[] = ["inconclusive", "foreign-change", "other-version", "foreign-zero"];

test("each write of a random walk has the sentence in the log that its writer tells, and keeps it", () => {
  const random = new Random();
  const told = new Map<string, string>();
  let [compared, kept] = [0, 0];
  for (let world = new World(random), step = 1; step <= WALKED; step++) {
    if (step % 200 === 0) world = new World(random);
    world.onWrite = ({ rollout, isMalformed, found }, write) => {
      const { release, notice } = write;
      const before = found.kind === "release" ? found.release : undefined;
      // A later step of a fade has no line, nor has a sign that is cleared. The log does not know a rollout that
      // a person wrote meanwhile.
      const isUnlogged = notice === "cleared" || (notice === "fading" && before?.fade !== undefined);
      const isForeign = isMalformed || (before !== undefined && before.wrote[0] !== rollout);
      if (release === null || isUnlogged) return;
      for (const line of loggedTransitions(release)) {
        const known = told.get(`${release.tx} ${line.seq}`) ?? told.get(`${before?.tx} ${line.seq}`);
        if (known !== undefined) expect(sentenceOf(line)).toBe(known);
        kept += Number(known !== undefined);
        if (!FORGETFUL.includes(line.notice)) told.set(`${release.tx} ${line.seq}`, sentenceOf(line));
      }
      const line = newest(release);
      if (isForeign) return;
      expect<string>(line.notice).toBe(loggedName(write, rollout));
      if (line.notice !== notice) return;
      compared++;
      const byWriter = { ...line, release, notice, before: rollout, after: write.rollout };
      expect(sentenceOf(line)).toBe(sentenceOf(byWriter));
    };
    world.step();
  }
  expect(compared).toBeGreaterThan(WALKED / 100);
  expect(kept).toBeGreaterThan(WALKED / 100);
});

const RUN: readonly Transition[] = [
  [1, BEGAN_MS, "running", 1, 0.01, "ada@web-1"],
  [2, BEGAN_MS + 600_000, "running", 2, 0.05, "web-2"],
  [3, BEGAN_MS + 700_000, "paused", 2, 0.05, "ada@web-1"],
  [4, BEGAN_MS + 800_000, "running", 2, 0.05, "ada@web-1"],
  [5, BEGAN_MS + 900_000, "running", 3, 0.25, "web-1"],
  [6, BEGAN_MS + 1_000_000, "promoted", 4, 1, "ada@web-1"],
  [7, BEGAN_MS + 2_000_000, "finished", 4, 1, "ada@web-1"],
  [90, BEGAN_MS + 2_600_000, "finished", 4, 0, "web-1"],
];

/** The release after the first lines of `RUN`. */
function after(lines: number, changes: Partial<Release> = {}): Release {
  const log = RUN.slice(0, lines);
  const arcs = log
    .filter(([, , , , rollout], at) => rollout !== log[at - 1]?.[4])
    .map(([, atMs, , , rollout]) => [atMs, rollout, 0.25] as const);
  const [seq, , state, step] = log.at(-1) as Transition;
  return releaseOf({ state, step, seq, log, arcs, ...changes });
}

const ways = (release: Release) =>
  loggedTransitions(release).map(({ notice, before, after }) => `${notice} ${before} ${after}`);

describe("the transitions of a log", () => {
  test("have their names, and the rollout before them", () => {
    expect(ways(after(8))).toEqual([
      ...["started 0 0.01", "advanced 0.01 0.05", "paused 0.05 0.05", "resumed 0.05 0.05"],
      ...["advanced 0.05 0.25", "promoted 0.25 1", "fading 1 1", "fade-over 1 0"],
    ]);
  });

  test("have the rollout before them also if the lines before them gave way", () => {
    const release = after(8);
    expect(ways({ ...release, log: release.log.slice(4) })).toEqual([
      ...["advanced 0.05 0.25", "promoted 0.25 1", "fading 1 1", "fade-over 1 0"],
    ]);
    expect(hasStart(release)).toBe(true);
    expect(hasStart({ ...release, log: release.log.slice(4) })).toBe(false);
    expect(hasStart(bare(release))).toBe(false);
  });

  test("have the duration of a fade that is over", () => {
    const fading = loggedTransitions(after(8, { fadeMs: 597_000 }))[6] as LoggedTransition;
    expect(sentenceOf(fading)).toBe("release 7 of website finished: canary 100% → 0% over 9m57s");
    // The times of the log tell when the last step of the fade was written.
    const unknown = loggedTransitions(after(8))[6] as LoggedTransition;
    expect(sentenceOf(unknown)).toBe("release 7 of website finished: canary 100% → 0% slowly");
  });

  test("a fade that a person stopped stays at its rollout", () => {
    const stopped = [90, BEGAN_MS + 2_600_000, "finished", 4, 0.4, "web-1"] as const;
    const release = after(7);
    const arcs = [...release.arcs, [stopped[1], 0.4, 0.25] as const];
    expect(newest({ ...release, log: [...release.log, stopped], arcs }).notice).toBe("fade-stopped");
  });
});

describe("the reason of a release belongs to", () => {
  const whys = (release: Release) => loggedTransitions(release).map(({ why }) => why);

  test("its newest transition", () => {
    expect(whys(after(3, { reason: "lunch" }))).toEqual([undefined, undefined, "lunch"]);
  });

  test("its end, also after the fade", () => {
    expect(whys(after(8, { reason: "v42 is everywhere" })).slice(-2)).toEqual([
      "v42 is everywhere",
      undefined,
    ]);
  });

  test.each<[string, Notice, string | undefined]>([
    ["inconclusive", "inconclusive", undefined],
    ["foreign-change", "foreign-change", undefined],
    ["other-version", "other-version", undefined],
    ["store-went-back", "restored", undefined],
    ["lunch", "paused", "lunch"],
  ])("a pause: %s", (reason, notice, why) => {
    expect(newest(after(3, { reason }))).toMatchObject({ notice, why });
  });

  test.each<[string, Notice, string | undefined]>([
    ["foreign-zero", "foreign-zero", undefined],
    ["inconclusive", "aborted", "the judge was not sure in time"],
    ["store-went-back", "aborted", "the store went back to an older state"],
    ["errors: 9 of 12", "aborted", "errors: 9 of 12"],
  ])("an abort: %s", (reason, notice, why) => {
    const end = [6, BEGAN_MS + 1_000_000, "aborted", 3, 0, "web-1"] as const;
    const release = after(5, { state: "aborted", reason });
    const arcs = [...release.arcs, [end[1], 0, 0.25] as const];
    expect(newest({ ...release, log: [...release.log, end], arcs })).toMatchObject({
      ...{ notice, why, before: 0.25, after: 0 },
    });
  });
});

test("a release that had no room for its log has its present state", () => {
  const release = bare(after(8, { reason: "INC-42", state: "aborted", step: 3, wrote: [0, 0.25] }));
  expect(loggedTransitions(release)).toEqual([
    {
      ...{ seq: 90, atMs: Date.parse(release.since), by: undefined, notice: "aborted", why: "INC-42" },
      ...{ before: 0, after: 0 },
      release: { id: 7, of: "v42", plan: release.plan, state: "aborted", step: 3, fade: undefined },
    },
  ]);
});

test("a log that was cut to its limit has no start", () => {
  const log = Array.from(
    { length: 70 },
    (_, at): Transition => [at + 1, BEGAN_MS + at, "paused", 2, 0.05, "ada"],
  );
  const cut = fitted(releaseOf({ log, arcs: [[BEGAN_MS, 0.05, 0.25]] })) as Release;
  expect([cut.log.length, hasStart(cut)]).toEqual([64, false]);
});
