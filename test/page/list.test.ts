/** The list of applications on the page of a daemon. */

import { expect, test } from "bun:test";
import type { Arc } from "../../src/circle.ts";
import { listNews, type SourceParts } from "../../src/page/source.ts";
import { Rollout } from "../../src/rollout.ts";

const UNHEALTHY_MS = 1_000;

const arc = (version: string, rollout: number, failsafe: Arc["failsafe"]): Arc => ({
  ...{ version, rollout, offset: 0, failsafe },
});

test("names the versions of each application, and only those that are held if the store is lost", () => {
  const arcs: Readonly<Record<string, readonly Arc[]>> = {
    shop: [arc("canary", 0.05, "master"), arc("maintenance", 1, "master")],
    blog: [arc("blue", 0.1, "master"), arc("canary", 1, "hold")],
    wiki: [arc("canary", 0, "hold")],
  };
  const rollout = new Rollout(Object.keys(arcs), UNHEALTHY_MS);
  for (const [name, of] of Object.entries(arcs)) rollout.apply(name, of, 0);
  const listedAt = (nowMs: number) => {
    const overview = { of: () => ({ known: [] }) };
    const parts = { rollout, overview, clock: () => nowMs } as unknown as SourceParts;
    return listNews(parts).applications.map(({ name, isFresh, arcs: shown }) => [name, isFresh, shown]);
  };
  expect(listedAt(UNHEALTHY_MS / 2)).toEqual([
    ["shop", true, "canary 5%, maintenance"],
    ["blog", true, "canary 100%, blue 10%"],
    ["wiki", true, "canary 0%"],
  ]);
  expect(listedAt(2 * UNHEALTHY_MS)).toEqual([
    ["shop", false, "maintenance"],
    ["blog", false, "canary 100%"],
    ["wiki", false, ""],
  ]);
});
