/**
 * The bugs that `bugs.ts` puts into the program. Each breaks one rule that the fleet must keep. `README.md`
 * has the same list in words.
 */

import { VISITED_FROM } from "./scenario.ts";

/** A bug that is put in by hand. */
export interface Bug {
  readonly name: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly text: string;
  readonly instead: string;
  /** The seed of the run that finds it, or the test that does if no run can. */
  readonly by: number | string;
}

export const BUGS: readonly Bug[] = [
  bug("the freeze is not read", "controller/attempts.ts", "return freeze.isFrozen;", "return false;", 42),
  bug(
    "advance is not pinned to seq",
    "releases/raising.ts",
    "step !== release.step || seq !== release.seq",
    "step !== release.step || seq < 0",
    "test/releases/machine.test.ts",
  ),
  bug(
    "advance waits for nothing",
    "releases/raising.ts",
    'request.waits.every(({ state }) => state === "met")',
    "request.waits.length > -1",
    42,
  ),
  bug(
    "two steps are folded into one",
    "releases/raising.ts",
    "const next = Math.min(step + 1, plan.steps.length);\n  const notice",
    "const next = Math.min(step + 2, plan.steps.length);\n  const notice",
    1,
  ),
  bug(
    "a verb that raises is aimed at a new revision",
    "verbs/carry-out.ts",
    'if (!isLowering) return { kind: "conflict", looked, current: attempt.current };',
    "",
    9,
  ),
  bug(
    "an abort gives way to another writer",
    "verbs/carry-out.ts",
    'if (!isLowering) return { kind: "conflict"',
    'if (isLowering || !isLowering) return { kind: "conflict"',
    21,
  ),
  bug(
    "a writer does not know its own tx",
    "verbs/write-release.ts",
    "found.release.tx === stamp.tx",
    'found.release.tx === ""',
    "test/verbs/carry-out.test.ts",
  ),
  bug(
    "law 17 is forgotten",
    "releases/known.ts",
    "return release.seq < highestSeq(known, release);",
    "return false;",
    133,
  ),
  bug(
    "law 17 pauses a release that was over",
    "releases/known.ts",
    "return seen !== undefined && (seen.isOver || seen.isZero);",
    "return false;",
    11,
  ),
  bug(
    "law 17 advances instead",
    "controller/attempts.ts",
    'if (isBehind(known, now)) return { verb: "restore", known };',
    "",
    11,
  ),
  bug(
    "overrides are forgotten at a restart",
    "controller/overrides.ts",
    "this.#byTarget.set(nameOf(override), override);\n        this.#saved",
    "this.#saved",
    2,
  ),
  bug(
    "an override does not reach the table",
    "feed/taken-back.ts",
    "? { ...arc, rollout: 0 } : arc;",
    "? { ...arc } : arc;",
    2,
  ),
  bug(
    "the watch goes on after a gap",
    "releases/watch.ts",
    "return { ...before, last: look, watchedMs: 0, isWhole: true };",
    "return { ...before, last: look, watchedMs: before.watchedMs + passedMs };",
    104,
  ),
  bug(
    "the watch goes on after a write",
    "releases/watch.ts",
    "if (before === undefined || !isOf(before, state)) {",
    "if (before === undefined) {",
    4,
  ),
  bug(
    "the store's clock alone ends a wait",
    "releases/watch.ts",
    "isWhole ? waitMs : Math.min(waitMs, WATCH_MS_MAX)",
    "isWhole ? waitMs : 0",
    12,
  ),
  bug(
    "a jump of the store's clock counts",
    "releases/watch.ts",
    "return !(ranMs <= AHEAD_MS_MAX);",
    "return false;",
    255,
  ),
  bug(
    "another version beside it counts for nothing",
    "releases/raising.ts",
    'if (now.otherVersion !== undefined) return paused(now, release, "other-version"',
    'if (now.otherVersion === "") return paused(now, release, "other-version"',
    182,
  ),
  bug(
    "a foreign rollout is written over",
    "releases/foreign.ts",
    'return rollout === 0 && wrote[0] !== 0 ? "zero" : "change";',
    'return "none";',
    7,
  ),
  bug(
    "a foreign 0 only pauses",
    "releases/foreign.ts",
    'return rollout === 0 && wrote[0] !== 0 ? "zero" : "change";',
    'return "change";',
    15,
  ),
  bug(
    "resume raises",
    "releases/raising.ts",
    "plan.steps.findLastIndex((step) => step.rollout <= rollout) + 1",
    "plan.steps.findLastIndex((step) => step.rollout <= rollout) + 2",
    32,
  ),
  bug(
    "a fade rises",
    "releases/lowering.ts",
    "const nowMs = fadeNowMs(fade, now.rollout, stamp.nowMs, seenMs);\n  const rollout = Math.min(now.rollout, fadedRollout(fade, nowMs));",
    "const rollout = fadedRollout(fade, stamp.nowMs + 0 * seenMs);",
    396,
  ),
  bug("seq does not grow", "releases/transition.ts", "seq: before.seq + 1,", "seq: before.seq,", 1),
  bug(
    "approval is not waited for",
    "releases/due.ts",
    '...(approve ? [condition("approve", release.approved === release.step)] : []),',
    "",
    24,
  ),
  bug(
    "a window is not waited for",
    "releases/due.ts",
    '...(release.windows === undefined ? [] : [condition("windows", facts.isOpen)]),',
    "",
    94,
  ),
  bug(
    "notices are told as sent before they are",
    "notices/sender.ts",
    "const { notices, lost } = isStep ? NOTHING :",
    "const { notices, lost } = isStep || this.#options.random() < 0.05 ? NOTHING :",
    44,
  ),
  bug(
    "each word of the judge counts as ok",
    "releases/due.ts",
    'const state = ok === "pass" ?',
    "const state = ok !== undefined ?",
    VISITED_FROM + 4,
  ),
  bug(
    "news counts as told although the store refused it",
    "exchange/exchange.ts",
    "      this.#failedAppends++;\n",
    "      this.#failedAppends++;\n      for (const { member, news } of parts) member.taken(news);\n",
    VISITED_FROM + 212,
  ),
  bug(
    "a verdict takes no visitors back",
    "controller/judging.ts",
    "this.#isTold = true;",
    "this.#isTold = true;\n      if (hasControl) return;",
    VISITED_FROM + 3,
  ),
];

function bug(name: string, file: string, text: string, instead: string, by: number | string): Bug {
  return { name, file: `src/${file}`, text, instead, by };
}
