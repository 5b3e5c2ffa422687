import { expect, test } from "bun:test";
import packageJson from "../../package.json" with { type: "json" };
import { type ApplicationState, type State, type StateSources, writeState } from "../../src/admin/state.ts";
import type { FeedState } from "../../src/feed/followed.ts";
import type { Placement } from "../../src/placement.ts";
import { decide, testContext } from "../monitors/context.ts";
import { JUDGED, readReleases, viewOf } from "../monitors/releases.ts";
import { KEY, releaseOf } from "../releases/world.ts";

const ARCS = ["canary", "blue", "green"].map((version, index) => ({
  version,
  rollout: 0.1,
  offset: index / 4,
  failsafe: "master" as const,
}));

function sourcesOf(applications: readonly string[], context = testContext(applications)): StateSources {
  for (const name of applications) {
    context.rollout.apply(name, ARCS, 0);
    decide(context, name, 0.05, 2);
    decide(context, name, 0.9, 3);
  }
  const store = { address: "file:/etc/rollouts.json", read: async () => new Map(), close: async () => {} };
  return {
    ...context,
    clock: () => context.nowMs,
    store,
    config: null,
    storeFlags: [],
    notReady: () => undefined,
    startedAt: new Date(0),
    startedAtMs: 0,
  };
}

async function textOf(sources: StateSources): Promise<string> {
  let text = "";
  for await (const part of writeState(sources)) text += part;
  return text;
}

/** The applications as the page should have them, made in the plain way. */
function applicationsOf(sources: StateSources): ApplicationState[] {
  return sources.feed.states.map((feed) => applicationState(sources, feed, sources.clock()));
}

function applicationState(
  { rollout, metrics }: StateSources,
  { application: name, error, records, malformed }: FeedState,
  nowMs: number,
): ApplicationState {
  const table = rollout.table(name);
  const reads = metrics.feed(name);
  const ageMs = nowMs - (table?.readAtMs ?? Number.NEGATIVE_INFINITY);
  return {
    name,
    fresh: table?.isFresh(nowMs) ?? false,
    ageMs: Number.isFinite(ageMs) ? Math.round(ageMs) : null,
    leaseMs: table?.leaseMs(nowMs) ?? 0,
    error: error ?? null,
    reads: { success: reads.success, failure: reads.failure, malformed: reads.malformed },
    records: records ?? null,
    arcs: table?.arcs ?? [],
    malformed,
    decisions: decisionsOf(metrics.placements.ofApplication(name)),
    reported: Array.from(metrics.reports.of(name), ({ location, kind, count }) => ({
      location,
      kind,
      count,
    })),
    releases: [],
    releaseProblems: [],
  };
}

function decisionsOf(placements: Iterable<Placement>): ApplicationState["decisions"] {
  return Array.from(placements)
    .filter(({ count }) => count > 0)
    .map(({ location, reason, count }) => ({ location, reason, count }));
}

test("the page has every field of the daemon and of its applications", async () => {
  const sources = sourcesOf(["website", "shop", 'a "quoted" one']);
  const { applications, ...daemon } = JSON.parse(await textOf(sources));
  expect(applications).toEqual(applicationsOf(sources));
  expect(daemon).toEqual({
    version: packageJson.version,
    pid: process.pid,
    startedAt: "1970-01-01T00:00:00.000Z",
    uptimeMs: sources.clock(),
    ready: true,
    notReady: null,
    store: "file:/etc/rollouts.json",
    config: null,
    storeFlags: [],
    servers: sources.metrics.servers,
    controller: null,
    notices: [],
  });
});

test("a daemon has the release of an application, and with -releases on all that its controller knows", async () => {
  const context = testContext(["app", "shop"], () =>
    viewOf({
      waits: [
        {
          ...{ kind: "time", state: "waiting", ofMs: 60_000, passedMs: 20_000.4, isOver: false },
          ...{ watchedMs: 20_000, watchMs: 60_000, isWhole: false },
        },
        { kind: "check", name: "load", state: "met" },
      ],
      checks: [{ name: "load", kind: "passed", sentence: "check load passed: 3 < 5", ageMs: 1_000.6 }],
      ...{
        ledBy: [],
        unable: ["web-4"],
        isUnled: true,
        problem: "the store is full",
        overriddenBy: ["web-3"],
      },
    }),
  );
  context.metrics.noticesTo("slack hooks.slack.com 1f0c9a3e").sent = 2;
  readReleases(context, { canary: releaseOf({ reason: "lunch" }), blue: releaseOf({ step: -1 }) });
  const { applications, controller, notices } = JSON.parse(
    await textOf(sourcesOf(["app", "shop"], context)),
  ) as State;
  expect(applications.map(({ releases }) => releases)).toEqual([
    [
      {
        ...{ version: "canary", id: 7, key: KEY, seq: 4, of: "v42", state: "running", step: 2, steps: 4 },
        ...{ rollout: 0.05, since: "2026-11-29T12:00:00.000Z", by: null, reason: "lunch", fading: false },
        ...{ foreign: "none", otherVersion: "blue" },
        override: { reason: "errors", at: "1970-01-01T00:00:00.000Z" },
        lead: {
          ...{
            ledBy: [],
            unable: ["web-4"],
            nobodyLeads: true,
            problem: "the store is full",
            overriddenBy: ["web-3"],
          },
          waits: [
            { kind: "time", state: "waiting", passedMs: 20_000, ofMs: 60_000 },
            { kind: "check", state: "met", name: "load" },
          ],
          checks: [{ name: "load", kind: "passed", sentence: "check load passed: 3 < 5", ageMs: 1_001 }],
          judge: JSON.parse(JSON.stringify(JUDGED)),
        },
      },
    ],
    [],
  ]);
  expect(applications[0]?.releaseProblems).toEqual([
    { version: "blue", problem: "its field step is malformed" },
  ]);
  expect(controller).toEqual({
    ...{ name: "web-1", problem: null, releases: 1, advances: 1, aborts: 0, failures: 3 },
    freeze: { frozen: false, by: null, at: null, why: null },
    storeClockAheadMs: 12,
    overrides: [{ application: "app", version: "canary", reason: "errors", at: "1970-01-01T00:00:00.000Z" }],
  });
  expect(notices).toEqual([{ to: "slack hooks.slack.com 1f0c9a3e", sent: 2, failed: 0, waiting: 0 }]);
});

test("an application with thousands of placements, and what proxies report, are in the page", async () => {
  const sources = sourcesOf(["website", "shop"]);
  const { rollout, metrics } = sources;
  const versions = Array.from({ length: 4_000 }, (_, index) => `version-${index}`);
  for (const [index, version] of versions.entries()) {
    const placement = metrics.placements.of("website", version, "rollout");
    placement.count = index;
  }
  rollout.apply("shop", [{ version: "blue", rollout: 1 / 3, offset: 0, failsafe: "hold" }], 0);
  metrics.reports.add("shop", "blue", "decided", 5);
  metrics.reports.add("shop", "master", "failure", 1);
  expect(await textOf(sources)).toContain(`"applications":${JSON.stringify(applicationsOf(sources))}}\n`);
});

test("the decisions of one application are of one moment, even if visitors come while the page is written", async () => {
  const sources = sourcesOf(["website"]);
  const { placements } = sources.metrics;
  for (let i = 0; i < 4_000; i++) placements.of("website", `v${i}`, "rollout").count = 1;
  const expected = decisionsOf(placements.ofApplication("website"));
  let text = "";
  let parts = 0;
  for await (const part of writeState(sources)) {
    text += part;
    parts++;
    for (const placement of placements.ofApplication("website")) placement.count++;
  }
  expect(parts).toBeGreaterThan(2);
  expect((JSON.parse(text) as State).applications[0]?.decisions).toEqual(expected);
});

test("each application has its own decisions", async () => {
  const { applications } = JSON.parse(await textOf(sourcesOf(["website", "shop"]))) as State;
  const decisions = [
    { location: "canary", reason: "rollout", count: 2 },
    { location: "master", reason: "outside", count: 3 },
  ];
  for (const application of applications) {
    expect(application.decisions.toSorted((a, b) => a.count - b.count)).toEqual(decisions);
  }
  expect(applications).toHaveLength(2);
});

test("ten thousand applications are written in parts, and the event loop turns between the parts", async () => {
  const sources = sourcesOf(Array.from({ length: 10_000 }, (_, index) => `app-${index}`));
  const turnsMs: number[] = [];
  let lastMs = performance.now();
  let isWriting = true;
  const turn = () => {
    const nowMs = performance.now();
    turnsMs.push(nowMs - lastMs);
    lastMs = nowMs;
    if (isWriting) setImmediate(turn);
  };
  setImmediate(turn);
  const text = await textOf(sources);
  isWriting = false;
  expect((JSON.parse(text) as State).applications).toHaveLength(10_000);
  expect(turnsMs.length).toBeGreaterThan(50);
  expect(turnsMs.sort((a, b) => a - b)[turnsMs.length >> 1]).toBeLessThan(1);
});
