/** The figures of `status -watch`, from answers as daemons give them. */

import { expect, test } from "bun:test";
import type { ApplicationState, State } from "../../../../src/admin/state.ts";
import type { DaemonAnswer } from "../../../../src/cli/commands/status/fleet.ts";
import { compare } from "../../../../src/cli/commands/status/rates.ts";
import { emptyServerCounts } from "../../../../src/metrics.ts";
import { listener } from "../../../support/server-identity.ts";

type Counts = Readonly<Record<string, number>>;

/** An answer whose decisions are `canary rollout` and the like, with their counts. */
function answer(
  counts: Counts,
  more: Partial<ApplicationState> = {},
  state: Partial<State> = {},
): DaemonAnswer {
  const decisions = Object.entries(counts).map(([name, count]) => {
    const [location = "", reason = ""] = name.split(" ");
    return { location, reason, count };
  });
  const application = {
    name: "app",
    fresh: true,
    ageMs: 100,
    error: null,
    malformed: [],
    arcs: [{ version: "canary", rollout: 0.25, offset: 0, failsafe: "master" }],
    decisions,
    ...more,
  };
  const whole = { pid: 1, startedAt: "then", servers: [], applications: [application], ...state };
  return { admin: "127.0.0.1:1", state: whole as unknown as State, error: null };
}

function versionsOf(before: DaemonAnswer[], after: DaemonAnswer[]) {
  const { applications } = compare(before, after, 2);
  const [rates] = applications;
  if (rates === undefined) throw new Error("no application");
  const versions = rates.versions.map(({ version, ordered, now, decisions }) => [
    version,
    ordered,
    now,
    decisions,
  ]);
  return { ...rates, versions };
}

test("shares come from what was counted between the answers, over all reasons of rollouts", () => {
  const before = [answer({ "canary rollout": 1_000, "master outside": 9_000 })];
  const after = [
    answer({ "canary rollout": 1_010, "canary lease": 10, "master outside": 9_060, "canary forced": 500 }),
  ];
  expect(versionsOf(before, after)).toMatchObject({
    decisions: 80,
    beside: 500,
    versions: [
      ["canary", 0.25, 0.25, 20],
      ["master", 0.75, 0.75, 60],
    ],
  });
});

test("what proxies report that decide under a lease counts, and a daemon that tells no reports is understood", () => {
  const reported = (count: number) => ({
    reported: [{ location: "canary", kind: "decided" as const, count }],
  });
  const before = [answer({ "master outside": 0 }, reported(100))];
  const after = [answer({ "master outside": 30 }, reported(110))];
  expect(versionsOf(before, after)).toMatchObject({
    decisions: 40,
    versions: [
      ["canary", 0.25, 0.25, 10],
      ["master", 0.75, 0.75, 30],
    ],
  });
  expect(versionsOf([answer({})], [answer({ "canary lease": 5 })]).decisions).toBe(5);
});

test("a daemon that was restarted counts from 0, and one that did not answer before counts nothing yet", () => {
  const before = [answer({ "canary rollout": 1_000 })];
  const again = [answer({ "canary rollout": 30 }, {}, { pid: 2 })];
  expect(versionsOf(before, again).decisions).toBe(30);
  const silent: DaemonAnswer = { admin: "127.0.0.1:1", state: null, error: null };
  expect(versionsOf([silent], again)).toMatchObject({
    decisions: 0,
    versions: [
      ["canary", 0.25, null, 0],
      ["master", 0.75, null, 0],
    ],
  });
});

test("several daemons are added up", () => {
  const before = [answer({ "canary rollout": 0 }), answer({ "master outside": 0 }, {}, { pid: 2 })];
  const after = [answer({ "canary rollout": 10 }), answer({ "master outside": 30 }, {}, { pid: 2 })];
  expect(versionsOf(before, after).versions).toEqual([
    ["canary", 0.25, 0.25, 10],
    ["master", 0.75, 0.75, 30],
  ]);
});

test("a version that is gone has no order, and stale rollouts send all visitors to master", () => {
  const before = [answer({ "blue rollout": 10 })];
  const after = [answer({ "blue rollout": 20, "master stale": 10 }, { fresh: false })];
  expect(versionsOf(before, after).versions).toEqual([
    ["master", 1, 0.5, 10],
    ["blue", null, 0.5, 10],
  ]);
});

test.each([
  ["haproxy-map", "HAProxy"],
  ["apache-map", "Apache"],
  ["traefik", "Traefik"],
])("with %s the figures are not whole, and say so", (protocol, proxy) => {
  const servers = [emptyServerCounts(listener(protocol))];
  const { unseen } = compare([answer({})], [answer({}, {}, { servers })], 2);
  expect(unseen).toHaveLength(1);
  expect(unseen[0]).toStartWith(proxy);
});
