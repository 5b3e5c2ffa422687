/** The consequences that a page names before an operator acts. */

import { describe, expect, test } from "bun:test";
import type { Judged } from "../../src/evidence/judged.ts";
import { freezeChoice, verbsOf, wayBack } from "../../src/page/browser/choices.ts";
import { settingOf } from "../../src/page/browser/rollouts.ts";
import { newsOf, shown } from "./shown-news.ts";

describe("the consequence of a verb", () => {
  test("the way back names the share and the visitors, and is there until the release is over", () => {
    const judged = { canaryVisitors: 412, signs: [] } as unknown as Judged;
    expect(wayBack(shown({ judged, rollout: 0.05 }))).toMatchObject({
      ...{
        verb: "abort",
        consequence: "takes 5% of the visitors (about 410 in this step) back to master, at once",
      },
    });
    expect(wayBack(shown({ judged: null, rollout: 1, state: "promoted" }))).toMatchObject({
      ...{ verb: "undo", consequence: "takes all visitors back to master, at once" },
    });
    expect(wayBack(shown({ isOver: true }))).toBeUndefined();
  });

  test("a sign that is raised can be cleared, with a reason", () => {
    const judged = { signs: [{ name: "back", isCleared: false }] } as unknown as Judged;
    const clear = verbsOf(shown({ judged })).find(({ verb }) => verb === "clear");
    expect(clear).toMatchObject({ needsReason: true, with: { sign: "back" } });
  });

  test("the end of a freeze is pinned to the freeze that is shown", () => {
    expect(freezeChoice(null)).toBeUndefined();
    expect(freezeChoice({ isFrozen: false, at: null, text: "" })?.verb).toBe("freeze");
    expect(freezeChoice({ isFrozen: true, at: "2026-01-01", text: "" })).toMatchObject({
      ...{ verb: "unfreeze", with: { seenAt: "2026-01-01" } },
    });
  });
});

describe("a rollout by hand", () => {
  const set = (version: string, rollout: number, news = newsOf()) => settingOf({ version, rollout }, news);

  test("says what it gives and takes", () => {
    expect(set("canary", 0.2)).toMatchObject({
      ...{ kind: "possible", expect: 0.05, label: "Set canary to 20%" },
      consequence: "gives 15% more of the visitors canary, at once and without a plan or a judge",
    });
    expect(set("canary", 0.01)).toMatchObject({
      consequence: "takes 4% of the visitors back from canary, at once",
    });
    expect(set("maintenance", 1)).toMatchObject({ label: "Set maintenance to on" });
  });

  test("is possible only if the daemon would do it", () => {
    const news = newsOf({ releases: [shown({ version: "canary", state: "running" })] });
    expect(set("canary", 0.2, news).kind).toBe("impossible");
    expect(set("canary", 0.01, news)).toMatchObject({
      consequence: expect.stringContaining("and pauses release"),
    });
    expect(set("canary", 0, news)).toMatchObject({
      consequence: expect.stringContaining("and aborts release"),
    });
    for (const rollout of [Number.NaN, -1, 1.1, 0.05]) expect(set("canary", rollout).kind).toBe("impossible");
    expect(set("blue", 0.1).kind).toBe("impossible");
  });
});
