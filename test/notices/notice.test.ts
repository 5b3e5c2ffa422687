import { describe, expect, test } from "bun:test";
import { EXTRAS, type Extra, extraNotice, noticeId, transitionNotice } from "../../src/notices/notice.ts";
import { loggedTransitions } from "../../src/releases/logged.ts";
import type { Release, State } from "../../src/releases/release.ts";
import { BEGAN_MS, KEY, releaseOf } from "../releases/world.ts";
import { ABORTED, abortedRelease, idsOfLines, NOW_MS, noticesOf, subjectOf, WHY } from "./world.ts";

const ABORTED_MS = BEGAN_MS + 2_700_000;

test("a notice says what happened to which release, by whose hand and why", () => {
  expect(ABORTED).toEqual({
    ...{ id: `${KEY}-4-${ABORTED_MS}`, told: { seq: 4, atMs: ABORTED_MS } },
    ...{ type: "release.aborted", severity: "critical" },
    ...{ atMs: ABORTED_MS, application: "website", version: "canary" },
    ...{ key: KEY, release: 7, of: "v42", step: 3, steps: 4, rollout: { from: 0.25, to: 0 } },
    ...{ by: "web-2", why: WHY, sentence: "release 7 of website aborted at step 3/4: canary 25% → 0%" },
  });
});

test("each line of the log has a notice of its own, with an id that does not depend on the sender", () => {
  expect(noticesOf().map(({ id, type, by }) => `${id} ${type} ${by}`)).toEqual([
    `${idsOfLines(1)} release.started ada@web-1`,
    `${idsOfLines(2)} release.advanced web-2`,
    `${idsOfLines(3)} release.advanced web-2`,
    `${idsOfLines(4)} release.aborted web-2`,
  ]);
  expect(noticesOf()).toEqual(noticesOf({ ...abortedRelease(), tx: "f".repeat(24) }));
});

test("ids have no full stop, because the signature puts one behind the id", () => {
  for (const extra of Object.keys(EXTRAS) as Extra[]) {
    expect(noticeId(KEY, { seq: 4, atMs: 17, extra })).toMatch(/^[0-9a-f]{24}-[a-z_]+-4-17$/);
  }
  expect(noticeId(KEY, { seq: 4, atMs: 17 })).toMatch(/^[0-9a-f]{24}-4-17$/);
});

test("what the record does not say is null", () => {
  const bare = releaseOf({ log: [], arcs: [], state: "aborted", plan: "1%:moon,100%", wrote: [0, 0] });
  expect(noticesOf(bare)).toMatchObject([{ by: null, why: null, steps: null, step: 2 }]);
});

describe("the severity of", () => {
  /** The notice of a last line with this state and author. */
  function last(state: State, rollout: number, by: string, changes: Partial<Release> = {}) {
    const before = abortedRelease(3);
    const line = [4, NOW_MS, state, 3, rollout, by] as const;
    const release = { ...before, state, seq: 4, log: [...before.log, line], ...changes };
    const logged = loggedTransitions(release).at(-1);
    if (logged === undefined) throw new Error("there is no line");
    const { type, severity } = transitionNotice(subjectOf(release), logged);
    return `${type} ${severity}`;
  }

  test.each([
    ["a step", last("running", 0.5, "web-2"), "release.advanced info"],
    ["a promotion", last("promoted", 1, "web-2"), "release.promoted info"],
    ["a resume", last("running", 0.25, "ada@web-1"), "release.resumed info"],
    ["a pause by a person", last("paused", 0.25, "ada@web-1"), "release.paused info"],
    ["a pause by a controller", last("paused", 0.25, "web-2"), "release.paused warning"],
    [
      "a pause after a foreign write, told by a person's verb",
      last("paused", 0.07, "ada@web-1", { reason: "foreign-change" }),
      "release.paused warning",
    ],
    [
      "a pause without a verdict",
      last("paused", 0.25, "web-2", { reason: "inconclusive" }),
      "release.paused warning",
    ],
    [
      "an abort by a person",
      last("aborted", 0, "ada@web-1", { reason: "INC-42" }),
      "release.aborted warning",
    ],
    ["an abort by the judge", last("aborted", 0, "web-2", { reason: WHY }), "release.aborted critical"],
    [
      "an abort without a verdict",
      last("aborted", 0, "web-2", { reason: "inconclusive" }),
      "release.aborted warning",
    ],
    [
      "an abort after a foreign 0",
      last("aborted", 0, "web-2", { reason: "foreign-zero" }),
      "release.aborted warning",
    ],
    [
      "an abort because the store went back",
      last("aborted", 0, "web-2", { reason: "store-went-back" }),
      "release.aborted warning",
    ],
    [
      "a pause because the store went back",
      last("paused", 0.25, "web-2", { reason: "store-went-back" }),
      "release.paused warning",
    ],
    ["a finish", last("finished", 0, "ada@web-1"), "release.finished info"],
    [
      "a finish that fades",
      last("finished", 1, "ada@web-1", { fade: [1, NOW_MS, 600_000] }),
      "release.fading info",
    ],
    [
      "an undo that fades",
      last("aborted", 1, "ada@web-1", { fade: [1, NOW_MS, 600_000] }),
      "release.fading warning",
    ],
  ])("%s", (_, found, expected) => {
    expect(found).toBe(expected);
  });

  test("an abort whose author is not known is critical", () => {
    const bare = releaseOf({ log: [], arcs: [], state: "aborted", wrote: [0, 0] });
    expect(noticesOf(bare)).toMatchObject([{ severity: "critical" }]);
  });

  test("an end that was written again because the store went back", () => {
    const log = [...abortedRelease().log, [9, NOW_MS, "aborted", 3, 0, "web-2"] as const];
    expect(noticesOf({ ...abortedRelease(), log }).at(-1)).toMatchObject({
      ...{ type: "release.restored", severity: "warning", why: null },
      sentence:
        "release 7 of website is aborted, although the store went back to an older state: canary stays at 0%",
    });
  });

  test("the end of a fade, and of a fade that a person stopped", () => {
    const fading = abortedRelease(3, { state: "finished" });
    const over = (rollout: number) =>
      noticesOf({
        ...fading,
        log: [
          ...fading.log,
          [4, NOW_MS, "finished", 4, 1, "ada@web-1"],
          [99, NOW_MS + 60_000, "finished", 4, rollout, "web-2"],
        ],
      }).at(-1);
    expect(over(0)).toMatchObject({ type: "release.fade_over", severity: "info" });
    expect(over(0.4)).toMatchObject({ type: "release.fade_stopped", severity: "warning" });
  });
});

describe("a notice about a state", () => {
  const promoted = subjectOf(releaseOf({ state: "promoted", step: 4, wrote: [1, 0.25], seq: 6 }));
  const running = subjectOf(releaseOf({ seq: 4 }));

  test.each([
    [
      extraNotice(promoted, "bake_over", undefined, NOW_MS),
      "info release 7 of website was watched for 1d: canary stays at 100% until a person finishes it",
    ],
    [
      extraNotice(promoted, "harm", WHY, NOW_MS),
      "critical release 7 of website seems to do harm after its promotion: canary stays at 100% until a person takes it back",
    ],
    [
      extraNotice(running, "nobody_leads", undefined, NOW_MS),
      "critical release 7 of website has no daemon that leads it: canary stays at 5%, even if it does harm",
    ],
    [
      extraNotice(running, "stuck", "the plan is unknown", NOW_MS),
      "warning release 7 of website is stuck at step 2/4: canary stays at 5%",
    ],
    [
      extraNotice(running, "sign_place", "a proxy", NOW_MS),
      "warning release 7 of website is held back by the sign place: canary stays at 5% until a person clears it",
    ],
  ])("%#", ({ severity, sentence }, expected) => {
    expect(`${severity} ${sentence}`).toBe(expected);
  });

  test("has the seq and the time of the state in its id, so that all daemons agree on it", () => {
    const sinceMs = Date.parse(promoted.release.since);
    expect(extraNotice(promoted, "bake_over", undefined, NOW_MS)).toMatchObject({
      ...{ id: `${KEY}-bake_over-6-${sinceMs}`, told: { seq: 6, atMs: sinceMs, extra: "bake_over" } },
      type: "release.bake_over",
    });
  });

  test("is written without a plan too", () => {
    const unknown = subjectOf(releaseOf({ state: "promoted", plan: "1%:moon", wrote: [1, 0] }));
    expect(extraNotice(unknown, "bake_over", undefined, NOW_MS).sentence).toContain(
      "watched for its last step",
    );
  });
});
