import { expect, test } from "bun:test";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { meantVersions } from "../../src/verbs/meant-version.ts";
import { releaseOf } from "../releases/world.ts";
import { snapshotOf } from "../support/scripted-store.ts";

const record = (changes: Partial<Release> = {}) => {
  const release = releaseOf(changes);
  return { rollout: release.wrote[0], offset: release.wrote[1], release: releaseField(release) };
};
const over = (id: number) => record({ id, state: "aborted", wrote: [0, 0.25] });

test.each<[string, Readonly<Record<string, unknown>>, readonly string[]]>([
  ["nothing", {}, ["canary"]],
  ["no visitors", { blue: 0 }, ["canary"]],
  ["visitors without a release", { canary: 0, blue: 0.1, green: 1 }, ["blue", "green"]],
  ["one that is over", { canary: over(7), green: 0.1 }, ["canary"]],
  ["the last one of those that are over", { canary: over(7), blue: over(9), green: over(8) }, ["blue"]],
  ["one under way", { canary: over(9), blue: record(), green: 0.1 }, ["blue"]],
  ["one that is paused", { blue: record({ state: "paused" }) }, ["blue"]],
  [
    "one that fades",
    { canary: over(9), blue: record({ state: "finished", fade: [1, 0, 60_000] }) },
    ["blue"],
  ],
  ["two under way", { canary: record(), blue: record({ id: 8 }) }, ["canary", "blue"]],
  ["one that cannot be read, with visitors", { blue: { rollout: 0.1, release: { format: 2 } } }, ["blue"]],
  ["one that cannot be read, without", { blue: { rollout: 0, release: { format: 2 } } }, ["canary"]],
  ["maintenance", { maintenance: record() }, ["canary"]],
])("%s", (_, records, versions) => {
  expect(meantVersions(snapshotOf(records))).toEqual(versions);
});
