import { describe, expect, test } from "bun:test";
import type { Condition } from "../../src/releases/due.ts";
import type { Notice } from "../../src/releases/request.ts";
import { skippedText, type ToldTransition, transitionSentence } from "../../src/releases/sentence.ts";
import { releaseOf } from "./world.ts";

function told(notice: Notice, changes: Partial<ToldTransition> = {}): string {
  return transitionSentence({
    ...{ application: "website", version: "canary", notice, release: releaseOf() },
    ...{ before: 0.05, after: 0.05 },
    ...changes,
  });
}

const AT_3 = releaseOf({ step: 3 });
const OVER = releaseOf({ step: 4, state: "finished", fade: [1, 0, 600_000] });

describe("the sentence of a transition", () => {
  test.each<[Notice, Partial<ToldTransition>, string]>([
    [
      "started",
      { release: releaseOf({ step: 1 }), before: 0, after: 0.01 },
      "release 7 of website (v42) started: step 1/4, canary 0% → 1% for 10m",
    ],
    [
      "replaced",
      { release: releaseOf({ step: 1 }), before: 0.25, after: 0.01 },
      "release 7 of website (v42) started in place of what canary had: step 1/4, canary 25% → 1% for 10m",
    ],
    [
      "advanced",
      { release: AT_3, after: 0.25 },
      "release 7 of website: step 3/4, canary 5% → 25% for 1h+ok<2h",
    ],
    [
      "advanced",
      { release: AT_3, after: 0.25, skipped: "ok was skipped" },
      "release 7 of website: step 3/4, canary 5% → 25% for 1h+ok<2h (ok was skipped)",
    ],
    [
      "advanced",
      { release: { ...AT_3, plan: "1%,5%,25%,100%" }, after: 0.25 },
      "release 7 of website: step 3/4, canary 5% → 25% until a person promotes it",
    ],
    [
      "promoted",
      { release: releaseOf({ step: 4, state: "promoted" }), before: 0.25, after: 1 },
      "release 7 of website promoted: step 4/4, canary 25% → 100% for 1d",
    ],
    ["paused", {}, "release 7 of website paused at step 2/4: canary stays at 5%"],
    [
      "inconclusive",
      {},
      "release 7 of website paused at step 2/4, because the judge was not sure in time: canary stays at 5%",
    ],
    [
      "foreign-zero",
      { after: 0 },
      "release 7 of website aborted at step 2/4 by another writer: canary 5% → 0%",
    ],
    [
      "foreign-change",
      { after: 0.07 },
      "release 7 of website paused at step 2/4 by another writer: canary 5% → 7%",
    ],
    [
      "other-version",
      {},
      "release 7 of website paused at step 2/4, because another version has visitors too: canary stays at 5%",
    ],
    ["resumed", { before: 0.07 }, "release 7 of website resumed: step 2/4, canary 7% → 5% for 30m+ok"],
    [
      "aborted",
      { release: releaseOf({ step: 3, state: "aborted" }), before: 0.25, after: 0 },
      "release 7 of website aborted at step 3/4: canary 25% → 0%",
    ],
    [
      "finished",
      { release: releaseOf({ step: 4, state: "finished" }), before: 1, after: 0 },
      "release 7 of website finished: canary 100% → 0%",
    ],
    [
      "fading",
      { release: OVER, before: 1, after: 1 },
      "release 7 of website finished: canary 100% → 0% over 10m",
    ],
    [
      "fading",
      { release: { ...OVER, state: "aborted" }, before: 1, after: 1 },
      "release 7 of website aborted at step 4/4: canary 100% → 0% over 10m",
    ],
    ["fading", { release: OVER, before: 0.5, after: 0.25 }, "release 7 of website fades: canary 50% → 25%"],
    ["fade-over", { before: 0.1, after: 0 }, "release 7 of website has faded: canary 10% → 0%"],
    [
      "fade-stopped",
      { before: 0.5, after: 0.7 },
      "release 7 of website fades no more, because of another writer: canary 50% → 70%",
    ],
    [
      "cleared",
      {},
      "release 7 of website: a sign was cleared, and holds it back no longer; canary stays at 5%",
    ],
  ])("%s %#", (notice, changes, sentence) => {
    expect(told(notice, changes)).toBe(sentence);
  });

  test("has no count of steps, and no wait, if the plan is of a newer program", () => {
    const release = releaseOf({ plan: "1%:moon,100%:1d" });
    expect(told("advanced", { release, after: 0.25 })).toBe("release 7 of website: step 2, canary 5% → 25%");
  });

  test("is one line, whatever names it has", () => {
    expect(told("started", { application: "web\nsite", release: releaseOf({ of: "v\u001b[2J" }) })).toBe(
      "release 7 of web\\nsite (v\\u001b[2J) started: step 2/4, canary stays at 5% for 30m+ok",
    );
  });
});

describe("what a person skipped", () => {
  const passed = { isOver: false, passedMs: 0, watchedMs: 0, watchMs: 0, isWhole: true };
  const time: Condition = { kind: "time", state: "waiting", ofMs: 1_800_000, ...passed };
  const ok: Condition = { kind: "ok", state: "waiting", passedMs: 0, ofMs: undefined };

  test.each<[readonly Condition[], string]>([
    [[], ""],
    [[{ kind: "approve", state: "waiting" }], ""],
    [[{ ...time, state: "met" }, ok], "ok was skipped"],
    [[time, ok], "the rest of 30m and ok were skipped"],
    [
      [
        { ...ok, state: "inconclusive" },
        { kind: "check", name: "load", state: "unknown" },
        { kind: "evidence", state: "waiting", ageMs: undefined },
        { kind: "windows", state: "waiting" },
        { kind: "freeze", state: "waiting" },
      ],
      "ok, check(load), the window and the freeze were skipped",
    ],
  ])("%#", (conditions, text) => {
    expect(skippedText(conditions)).toBe(text);
  });
});
