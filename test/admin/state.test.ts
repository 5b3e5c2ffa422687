import { expect, test } from "bun:test";
import { readState, type State, type StateSources, writeState } from "../../src/admin/state.ts";
import { decide, testContext } from "../monitors/context.ts";

const ARCS = ["canary", "blue", "green"].map((version, index) => ({
  version,
  rollout: 0.1,
  offset: index / 4,
  failsafe: "master" as const,
}));

function sourcesOf(applications: readonly string[]): StateSources {
  const context = testContext(applications);
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
    notReady: () => undefined,
    startedAt: new Date(0),
    startedAtMs: 0,
  };
}

test("the text has the same content as the object", async () => {
  const sources = sourcesOf(["website", "shop", 'a "quoted" one']);
  const text = (await Array.fromAsync(writeState(sources))).join("");
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(readState(sources))));
});

test("an application with thousands of placements, and what proxies report, have the same content as the object", async () => {
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
  let text = "";
  for await (const part of writeState(sources)) text += part;
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(readState(sources))));
  expect(text).toContain(`"applications":${JSON.stringify(readState(sources).applications)}}\n`);
});

test("each application has its own decisions", () => {
  const { applications } = readState(sourcesOf(["website", "shop"]));
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
  let text = "";
  for await (const chunk of writeState(sources)) text += chunk;
  isWriting = false;
  expect((JSON.parse(text) as State).applications).toHaveLength(10_000);
  expect(turnsMs.length).toBeGreaterThan(50);
  expect(turnsMs.sort((a, b) => a - b)[turnsMs.length >> 1]).toBeLessThan(1);
});
