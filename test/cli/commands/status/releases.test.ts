/** The words of `status` about releases, from the pages of daemons. */

import { describe, expect, test } from "bun:test";
import type { ApplicationState, State } from "../../../../src/admin/state.ts";
import { releaseRows, releaseWarnings } from "../../../../src/cli/commands/status/releases.ts";
import { NOTHING_HEARD_SENTENCE } from "../../../../src/evidence/silence.ts";
import type { LeadState, ReleaseState } from "../../../../src/overview/release-state.ts";
import { releaseWord } from "../../../../src/overview/release-words.ts";
import { JUDGED } from "../../../monitors/releases.ts";

const LEAD: LeadState = {
  ...{
    ledBy: ["web-1", "web-2"],
    nobodyLeads: false,
    problem: null,
    waits: [],
    checks: [],
    overriddenBy: [],
  },
};

function releaseWith(changes: Partial<ReleaseState> = {}): ReleaseState {
  return {
    ...{ version: "canary", id: 7, key: "k", seq: 4, of: "v42", state: "running", step: 2, steps: 5 },
    ...{ rollout: 0.05, since: "2026-11-29T12:10:03Z", by: "web-1", reason: null, fading: false },
    ...{ foreign: "none", otherVersion: null, override: null, lead: LEAD },
    ...changes,
  };
}

function application(release: ReleaseState, more: Partial<ApplicationState> = {}): ApplicationState {
  return { name: "website", releases: [release], ...more } as ApplicationState;
}

const FREEZE = { frozen: true, by: "ada@web-1", at: "2026-11-29T11:00:00Z", why: "the sale" };
const CONTROLLER = {
  ...{ name: "web-1", problem: null, releases: 1, advances: 1, aborts: 0, failures: 0, freeze: null },
  ...{ storeClockAheadMs: null, overrides: [] },
};

/** An older daemon has neither. */
function daemonWith(controller: State["controller"]): Pick<State, "controller"> {
  return controller === undefined ? {} : { controller };
}

function rowsOf(
  changes: Partial<ReleaseState>,
  controller: State["controller"] = CONTROLLER,
): Record<string, string | undefined> {
  return Object.fromEntries(releaseRows(application(releaseWith(changes)), daemonWith(controller)));
}

describe("rows", () => {
  test("say that the memory for evidence is short", () => {
    const shortages = ["the memory for evidence is short at web-1"];
    expect(rowsOf({ lead: { ...LEAD, judge: { ...JUDGED, shortages } } })["NOTE"]).toBe(shortages[0]);
  });

  test("have the state, the step, the share, the author and the reason", () => {
    expect(rowsOf({ state: "paused", reason: "lunch" })["release"]).toBe(
      "release 7 (v42) paused, step 2/5; canary 5% since 2026-11-29T12:10:03Z by web-1: lunch",
    );
    expect(releaseWord(releaseWith({ state: "aborted" }))).toBe("release 7 (v42) aborted at step 2/5");
    expect(releaseWord(releaseWith({ state: "finished", fading: true }))).toBe(
      "release 7 (v42) finished, going down slowly",
    );
    expect(releaseWord(releaseWith({ steps: null }))).toBe("release 7 (v42) running, step 2");
  });

  test("have all that is not yet true, and what a person can do", () => {
    const { "waits for": waits } = rowsOf({
      lead: {
        ...LEAD,
        checks: [{ name: "load", kind: "waiting", sentence: "check load has not passed: 9", ageMs: 4_000 }],
        waits: [
          { kind: "time", state: "waiting", passedMs: 17_500, ofMs: 60_000 },
          { kind: "windows", state: "met" },
          { kind: "ok", state: "waiting", passedMs: 0, ofMs: null },
          { kind: "check", state: "waiting", name: "load" },
          { kind: "check", state: "unknown", name: "other" },
          { kind: "approve", state: "waiting" },
        ],
      },
    });
    expect(waits?.split("; ")).toEqual([
      "time: 43s more",
      "ok",
      "check load has not passed: 9 (4.0s ago)",
      "check(other)",
      "approval: maxwells-daemon promote -expect-step 2 -application website",
    ]);
    expect(rowsOf({})["waits for"]).toBeUndefined();
    expect(rowsOf({})["led by"]).toBe("web-1, web-2");
  });

  test("have the judge's figures, why ok is not given, and each sign with its meaning", () => {
    const waits = [
      { kind: "ok", state: "waiting", passedMs: 0, ofMs: null },
      { kind: "sign", state: "waiting", name: "place" },
    ] as const;
    const rows = rowsOf({ lead: { ...LEAD, waits, judge: JUDGED } });
    expect(rows["waits for"]).toBe(
      "ok (2 900 of about 4 300 visitors seen); a person, who looks at the sign place (visitors were served by another " +
        "version than the rollout says: a proxy does not do what is configured) and clears it: " +
        "maxwells-daemon release -clear place -application website",
    );
    expect(rows["errors"]).toBe("3 of the 61 visitors: no sign of harm; a doubling");
    expect(rows["heard"]).toBe("12 400 outcomes in this step, 70 of them errors");
    expect(rows["known-errors"]).toBeUndefined();
    const [errors, known] = JUDGED.metrics;
    const suspicious = {
      ...JUDGED,
      metrics: [errors, known].flatMap((each) => (each ? [{ ...each, isSuspicious: true }] : [])),
    };
    expect(rowsOf({ lead: { ...LEAD, judge: suspicious } })["known-errors"]).toStartWith("1 of 21");
    expect(rowsOf({ rollout: 1, lead: { ...LEAD, judge: JUDGED } })["errors"]).toBeUndefined();
  });

  test("say loudly that nothing is reported", () => {
    const rows = rowsOf({ lead: { ...LEAD, judge: { ...JUDGED, isSilent: true } } });
    expect(rows["SILENCE"]).toBe(NOTHING_HEARD_SENTENCE);
    expect(rows["errors"]).toBeUndefined();
  });

  test("say that no daemon leads, the problem, and that all is frozen", () => {
    const lead = { ...LEAD, ledBy: [], nobodyLeads: true, problem: "the store is full" };
    const rows = rowsOf({ lead }, { ...CONTROLLER, freeze: FREEZE });
    expect(rows["led by"]).toBe("NO DAEMON");
    expect(rows["PROBLEM"]).toBe("the store is full");
    expect(rows["FROZEN"]).toBe("by ada@web-1 since 2026-11-29T11:00:00Z: the sale");
  });

  test("of a daemon that does not lead do not pretend to know", () => {
    expect(rowsOf({ lead: null }, null)["led by"]).toContain("-releases off");
    expect(rowsOf({ lead: null }, { ...CONTROLLER, problem: "read-only" })["led by"]).toContain("read-only");
    expect(rowsOf({ lead: null, state: "finished" }, null)["led by"]).toBeUndefined();
  });

  test("an older daemon has none, and a release that cannot be read is told", () => {
    expect(releaseRows({ name: "website" } as ApplicationState, {})).toEqual([]);
    const releaseProblems = [{ version: "blue", problem: "its field step is malformed" }];
    const broken = application(releaseWith(), { releases: [], releaseProblems });
    expect(releaseRows(broken, daemonWith(null))[0]?.[1]).toContain("of blue: this daemon cannot read it");
    expect(releaseWarnings(broken)).toEqual([
      "the release of blue of website CANNOT BE READ: its field step is malformed",
    ]);
  });
});

describe("warnings", () => {
  test("there are none if all is well", () => {
    expect(releaseWarnings(application(releaseWith()))).toEqual([]);
  });

  test("an override is loud, whichever daemon has it", () => {
    const override = { reason: "errors: 9 of 10", at: "2026-11-29T12:20:00Z" };
    const lead = { ...LEAD, overriddenBy: ["web-3"] };
    const [warning = ""] = releaseWarnings(application(releaseWith({ override, lead })));
    expect(warning).toStartWith(
      "OVERRIDE of website: this daemon, web-3: all visitors of canary go to master",
    );
    expect(warning).toContain("errors: 9 of 10");
    expect(warning).toContain("maxwells-daemon abort -application website");
    const [elsewhere] = releaseWarnings(application(releaseWith({ override, lead })), [
      "-store",
      "redis://r",
    ]);
    expect(elsewhere).toContain("maxwells-daemon abort -application website -store redis://r");
    expect(releaseWarnings(application(releaseWith({ lead })))).toHaveLength(1);
    expect(rowsOf({ override, lead })["OVERRIDE"]).toContain("errors: 9 of 10");
  });

  test("a release that no daemon leads, with its remedies", () => {
    const lead = { ...LEAD, nobodyLeads: true, problem: "the store is full" };
    expect(releaseWarnings(application(releaseWith({ lead })))).toEqual([
      expect.stringMatching(
        /^NO DAEMON LEADS release 7 of website.*-releases on.*promote -expect-step 2 -application website$/,
      ),
      "release 7 of website IS STUCK: the store is full",
    ]);
  });
});
