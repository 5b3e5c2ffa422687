/** A context of monitors with a release, and with the view of a controller that leads it. */

import type { ControllerView, LedView } from "../../src/controller/view.ts";
import type { Judged } from "../../src/evidence/judged.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { KEY, releaseOf } from "../releases/world.ts";
import { type TestContext, testContext } from "./context.ts";

const METRIC = { bar: 0.1, expectedShare: 0.05, isSuspicious: false, timeToFind: "a doubling" };

export const JUDGED: Judged = {
  ...{
    kind: "watch",
    bar: 0.1,
    ...{ harm: 0.1, notWorse: 0.4, silences: [] },
    blocks: ["2 900 of about 4 300 visitors seen"],
    visitors: 2_900,
    needed: 4_264,
  },
  metrics: [
    { ...METRIC, name: "errors", canary: 3, master: 58, sentence: "3 of the 61 visitors: no sign of harm" },
    { ...METRIC, name: "known-errors", canary: 1, master: 20, sentence: "1 of 21: no sign of harm" },
  ],
  signs: [
    { name: "back", isCleared: true },
    { name: "place", isCleared: false },
  ],
  ...{ outcomes: 12_400, bad: 70, heard: "12 400 outcomes in this step, 70 of them errors" },
  ...{ isSilent: false, isUncapped: false, isBroughtUntold: false },
};

export function viewOf(led: Partial<LedView> = {}, changes: Partial<ControllerView> = {}): ControllerView {
  const target = { application: "app", version: "canary" };
  const release: LedView = {
    ...{
      ...target,
      release: releaseOf(),
      rollout: 0.05,
      waits: [],
      lookedAgoMs: 0,
      checks: [],
      unable: [],
      ledBy: ["web-1", "web-2"],
    },
    ...{ isUnled: false, overriddenBy: [], problem: undefined, judged: JUDGED },
    ...led,
  };
  return {
    ...{ name: "web-1", problem: undefined, releases: [release] },
    overrides: [{ ...target, key: KEY, reason: "errors", atMs: 0 }],
    freeze: { isFrozen: false, by: undefined, at: undefined, why: undefined },
    storeClockAheadMs: 12.3,
    counts: { advances: 1, aborts: 0, failures: 3 },
    ...changes,
  } as ControllerView;
}

/** The feed of the context has read these releases of an application. */
export function readReleases(
  { overview }: TestContext,
  releases: Readonly<Record<string, Release>>,
  application = "app",
): void {
  const snapshot = new Map(
    Object.entries(releases).map(([version, release]) => {
      const [rollout, offset] = release.wrote;
      return [version, { value: { rollout, offset, release: releaseField(release) }, revision: "1" }];
    }),
  );
  const reading = { arcs: [], malformed: new Set<string>(), ageMs: 0, isSame: false };
  overview.follow({ application, snapshot, ...reading });
}

/** A context in which each metric of releases has a value. */
export function releaseContext(): TestContext {
  const context = testContext(["app"], () => viewOf());
  readReleases(context, { canary: releaseOf(), blue: releaseOf({ step: -1 }) });
  return context;
}
