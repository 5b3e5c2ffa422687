/** The daemons of a fleet on the page, as the evidence of a release shows them. */

import { describe, expect, test } from "bun:test";
import type { Member } from "../../src/evidence/crew.ts";
import { PRESENCE_MS_MAX } from "../../src/evidence/crew.ts";
import { changesNews, freezesNews } from "../../src/page/changes.ts";
import { type FleetFacts, fleetNews } from "../../src/page/fleet.ts";
import { BEGAN_MS, releaseOf } from "../releases/world.ts";

const release = releaseOf({
  log: [
    [3, BEGAN_MS - 600_000, "running", 1, 0.01, "ada@web-1"],
    [4, BEGAN_MS, "running", 2, 0.05, "web-2"],
  ],
});

const NOW_MS = BEGAN_MS + 60_000;

const facts = (changes: Partial<FleetFacts>): FleetFacts => ({
  ...{ name: "web-1", release, nowMs: NOW_MS, members: [], overrides: [], reporters: [] },
  ...changes,
});

const member = (name: string, changes: Partial<Member> = {}): Member => ({
  ...{ name, seq: 4, isAble: true, agoMs: 3_000, aheadMs: undefined, dropped: undefined },
  ...changes,
});

describe("the fleet", () => {
  test("has the daemons that lead first, and each once", () => {
    const fleet = fleetNews(
      facts({
        members: [member("web-9"), member("web-2", { isAble: false })],
        reporters: [
          { name: "app-1", outcomes: 30, lastMs: NOW_MS - 2_000, isQuiet: false },
          { name: "web-9", outcomes: 5, lastMs: NOW_MS - 200_000, isQuiet: true },
        ],
      }),
    );
    expect(fleet.map(({ name, role }) => [name, role])).toEqual([
      ["web-9", "lead"],
      ["web-2", "unable"],
      ["app-1", null],
    ]);
    expect(fleet[0]).toMatchObject({ outcomes: 5, outcomeAgoMs: 200_000, isQuiet: true, heardAgoMs: 3_000 });
    expect(fleet[2]).toMatchObject({ outcomes: 30, outcomeAgoMs: 2_000, heardAgoMs: null, step: null });
  });

  test("has the clock and the dropped reports that each daemon told, also one that only reports", () => {
    const fleet = fleetNews(
      facts({
        members: [
          member("web-2", { aheadMs: -40, dropped: 0 }),
          member("web-3", { dropped: 7 }),
          member("web-4"),
        ],
        reporters: [
          { name: "app-1", outcomes: 3, lastMs: NOW_MS, isQuiet: false, aheadMs: 5, dropped: 2 },
          { name: "web-4", outcomes: 3, lastMs: NOW_MS, isQuiet: false },
        ],
      }),
    );
    expect(fleet.map(({ name, aheadMs, dropped }) => [name, aheadMs, dropped])).toEqual([
      ["web-2", -40, 0],
      ["web-3", null, 7],
      ["web-4", null, null],
      ["app-1", 5, 2],
    ]);
  });

  test("shows a daemon that still follows the step before", () => {
    const fleet = fleetNews(
      facts({ members: [member("a", { seq: 3 }), member("b", { seq: 2 }), member("c")] }),
    );
    expect(fleet.map(({ step, isUpToDate }) => [step, isUpToDate])).toEqual([
      [1, false],
      [null, false],
      [2, true],
    ]);
  });

  test("a daemon that is silent for too long leads no more", () => {
    const members = [member("old", { agoMs: PRESENCE_MS_MAX + 1 }), member("gone", { agoMs: Infinity })];
    const fleet = fleetNews(facts({ members }));
    expect(fleet.map(({ role }) => role)).toEqual([null, null]);
    expect(JSON.parse(JSON.stringify(fleet))).toEqual(fleet);
  });

  test("law 5: hostile names and many daemons give a short list of single lines", () => {
    const members = Array.from({ length: 300 }, (_, number) => member(`web-${number}`));
    const overrides = [{ kind: "override", name: "a\nb", reason: "x\ny" } as const];
    const fleet = fleetNews(facts({ members, overrides }));
    expect(fleet.length).toBe(64);
    expect(fleetNews(facts({ overrides }))[0]).toMatchObject({ name: "a\\nb", override: "x\\ny" });
  });
});

test("a change has the rollout before it, of the same version", () => {
  const change = { application: "website", updatedBy: "ada@web-1" };
  const changes = changesNews([
    { ...change, version: "canary", rollout: 0.1, login: "deploy" },
    { ...change, version: "blue", rollout: 0.3 },
    { ...change, version: "canary", rollout: 0.05 },
    { ...change, version: "blue", rollout: null },
  ]);
  expect(changes.map(({ before }) => before)).toEqual([0.05, null, undefined, undefined]);
  expect(changes[0]?.author).toBe("ada@web-1 (as login deploy)");
});

test("a change and a freeze turn no other text on the page", () => {
  const texts = { version: "\u202e%5", updatedAt: "\u202enow", why: "a\nb", problem: "\u2067" };
  const [change] = changesNews([{ ...texts, application: "website", rollout: 0.05, updatedBy: "ada\u202e" }]);
  expect(change).toMatchObject({
    ...{ version: "\\u202e%5", updatedAt: "\\u202enow", why: "a\\nb", problem: "\\u2067" },
    ...{ author: "ada\\u202e", rollout: 0.05 },
  });
  const freeze = { at: "\u202e", isFrozen: true, by: "ada", login: undefined, why: "\u202e" };
  expect(freezesNews([freeze], undefined)).toMatchObject([{ at: "\\u202e", why: "\\u202e" }]);
});

test("a freeze is of the time that the changes cover, and names the login beside the author", () => {
  const freeze = (at: string | undefined, isFrozen: boolean | undefined, login?: string) => ({
    ...{ at, isFrozen, by: "ada@web-1", login, why: undefined },
  });
  const freezes = [
    freeze("2026-11-29T12:00:00.000Z", true, "deploy"),
    freeze("2026-11-28T12:00:00.000Z", undefined),
    freeze(undefined, false, "ada"),
  ];
  expect(freezesNews(freezes, Date.parse("2026-11-29T00:00:00.000Z")).map(({ at }) => at)).toEqual([
    "2026-11-29T12:00:00.000Z",
    null,
  ]);
  expect(freezesNews(freezes, undefined)).toEqual([
    {
      ...{ at: "2026-11-29T12:00:00.000Z", isFrozen: true },
      ...{ author: "ada@web-1 (as login deploy)", why: null },
    },
    { at: "2026-11-28T12:00:00.000Z", isFrozen: null, author: "ada@web-1", why: null },
    { at: null, isFrozen: false, author: "ada@web-1", why: null },
  ]);
});
