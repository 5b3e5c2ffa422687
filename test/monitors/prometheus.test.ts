import { describe, expect, test } from "bun:test";
import packageJson from "../../package.json" with { type: "json" };
import type { Arc } from "../../src/circle.ts";
import type { Settings } from "../../src/config/option.ts";
import type { Judged } from "../../src/evidence/judged.ts";
import { DELAY_BOUNDS_US } from "../../src/metrics.ts";
import { METRICS } from "../../src/monitors/metrics-list.ts";
import type { Monitor, MonitorContext } from "../../src/monitors/monitor.ts";
import { Prometheus, prometheus } from "../../src/monitors/prometheus.ts";
import { releaseOf } from "../releases/world.ts";
import { listener } from "../support/server-identity.ts";
import { decide, testContext, UNHEALTHY_MS } from "./context.ts";
import { JUDGED, readReleases, releaseContext, viewOf } from "./releases.ts";

interface Page {
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
  /** Values by `name` or `name{label="value",…}`, labels unescaped and sorted by name. */
  readonly values: ReadonlyMap<string, number>;
}

/** Reads the text format 0.0.4 strictly: throws if a line breaks the format. */
function parse(text: string): Page {
  if (!text.endsWith("\n")) throw new Error("the page must end in a newline");
  const types = new Map<string, string>();
  const helps = new Map<string, string>();
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, of, rest] = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line) ?? [];
    if (kind !== undefined && of !== undefined && rest !== undefined) {
      const map = kind === "HELP" ? helps : types;
      if (map.has(of)) throw new Error(`${kind} of ${of} comes twice`);
      map.set(of, rest);
      continue;
    }
    const [, name, labels, value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not a line of Prometheus: ${line}`);
    const key = labels === undefined ? name : `${name}{${parseLabels(labels).sort().join(",")}}`;
    if (values.has(key)) throw new Error(`${key} comes twice`);
    values.set(key, value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));
  }
  return { types, helps, values };
}

function parseLabels(text: string): string[] {
  const label = /([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
  const labels: string[] = [];
  while (label.lastIndex < text.length) {
    const [, name, value] = label.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not labels: ${text}`);
    labels.push(`${name}="${value.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c))}"`);
  }
  return labels;
}

function monitor(context: MonitorContext): Prometheus {
  const made = new Prometheus(context);
  made.start();
  return made;
}

async function textOf(from: Monitor): Promise<string> {
  return (await Array.fromAsync(from.page?.chunks() ?? [])).join("");
}

async function scrape(from: Prometheus): Promise<Page> {
  return parse(await textOf(from));
}

const arc = (version: string, rollout: number, rest: Partial<Arc> = {}): Arc => ({
  version,
  rollout,
  offset: 0,
  failsafe: "master",
  ...rest,
});

test("every metric of the table is on the page, with its type and its help", async () => {
  const context = releaseContext();
  context.feed.start();
  await context.feed.begun();
  await context.feed.close();
  context.metrics.server(listener("line"));
  context.metrics.noticesTo("slack hooks.slack.com 1f0c9a3e");
  context.metrics.feed("app");
  context.rollout.apply("app", [arc("canary", 0.5)], 0);
  decide(context, "app", 0.2);
  context.metrics.reports.add("app", "canary", "decided", 3);
  context.outcomes.doors.set("udp", true);
  context.outcomes.dropped("udp", "kernel");
  const page = await scrape(monitor(context));
  expect([...page.types].sort()).toEqual(
    METRICS.map(({ name, type }): [string, string] => [name, type]).sort(),
  );
  expect([...page.helps].sort()).toEqual(
    METRICS.map(({ name, help }): [string, string] => [name, help]).sort(),
  );
  for (const { name, labels } of METRICS) {
    const key = [...page.values.keys()].find((candidate) =>
      new RegExp(`^${name}(_count)?(\\{|$)`).test(candidate),
    );
    if (key === undefined) throw new Error(`${name} has no value`);
    expect([...key.matchAll(/([a-z_]+)="/g)].map((match) => String(match[1]))).toEqual([...labels].sort());
  }
});

test("decisions that proxies report have a metric of their own, beside the daemon's decisions", async () => {
  const context = testContext();
  context.rollout.apply("app", [arc("canary", 0.5)], 0);
  decide(context, "app", 0.2);
  context.metrics.reports.add("app", "canary", "decided", 1_000_000);
  context.metrics.reports.add("app", "master", "failure", 3);
  const { values } = await scrape(monitor(context));
  const of = (name: string) => [...values].filter(([key]) => key.startsWith(`${name}{`));
  const sum = (name: string) => of(name).reduce((total, [, value]) => total + Number(value), 0);
  expect(sum("maxwells_daemon_decisions_total")).toBe(1);
  expect(sum("maxwells_daemon_reported_total")).toBe(1_000_003);
  expect(of("maxwells_daemon_reported_total").map(([key]) => /kind="(\w+)"/.exec(key)?.[1])).toEqual([
    "decided",
    "failure",
  ]);
});

test("values are the daemon's values at the moment of the scrape", async () => {
  const context = testContext(["app", "shop"]);
  const prometheus = monitor(context);
  const server = context.metrics.server(listener("line", "/tmp/a.sock"));
  const feed = context.metrics.feed("shop");
  Object.assign(server, { success: 1, failure: 2, connections: 3, accepted: 4, refused: 5 });
  Object.assign(feed, { success: 6, failure: 7, malformed: 8 });
  context.rollout.apply("shop", [arc("canary", 0.25, { offset: 0.75 })], 1_000);
  context.nowMs = 3_500;
  decide(context, "shop", 0.8, 9);
  let { values } = await scrape(prometheus);

  expect(
    values.get('maxwells_daemon_decisions_total{application="shop",location="canary",reason="rollout"}'),
  ).toBe(9);
  expect(values.get('maxwells_daemon_rollout{application="shop",version="canary"}')).toBe(0.25);
  expect(values.get('maxwells_daemon_offset{application="shop",version="canary"}')).toBe(0.75);
  expect(values.get('maxwells_daemon_snapshot_age_seconds{application="shop"}')).toBe(2.5);
  expect(values.get('maxwells_daemon_lease_seconds{application="shop"}')).toBe(5.5);
  expect(values.get('maxwells_daemon_fresh{application="shop"}')).toBe(1);
  expect(values.get('maxwells_daemon_store_reads_total{application="shop",result="success"}')).toBe(6);
  expect(values.get('maxwells_daemon_store_reads_total{application="shop",result="failure"}')).toBe(7);
  expect(values.get('maxwells_daemon_records_malformed{application="shop"}')).toBe(8);
  const line = 'server="line unix:/tmp/a.sock"';
  expect(values.get(`maxwells_daemon_server_requests_total{result="success",${line}}`)).toBe(1);
  expect(values.get(`maxwells_daemon_server_requests_total{result="failure",${line}}`)).toBe(2);
  expect(values.get(`maxwells_daemon_connections{${line}}`)).toBe(3);
  expect(values.get(`maxwells_daemon_connections_accepted_total{${line}}`)).toBe(4);
  expect(values.get(`maxwells_daemon_connections_refused_total{${line}}`)).toBe(5);

  // `app` was never read.
  expect(values.get('maxwells_daemon_snapshot_age_seconds{application="app"}')).toBe(
    Number.POSITIVE_INFINITY,
  );
  expect(values.get('maxwells_daemon_lease_seconds{application="app"}')).toBe(0);
  expect(values.get('maxwells_daemon_fresh{application="app"}')).toBe(0);

  server.connections = 1;
  ({ values } = await scrape(prometheus));
  expect(values.get(`maxwells_daemon_connections{${line}}`)).toBe(1);
});

test("ready turns 1 when a snapshot has been applied", async () => {
  const context = testContext();
  const prometheus = monitor(context);
  expect((await scrape(prometheus)).values.get("maxwells_daemon_ready")).toBe(0);
  context.feed.start();
  while (!context.feed.isReady) await Bun.sleep(1);
  expect((await scrape(prometheus)).values.get("maxwells_daemon_ready")).toBe(1);
  await context.feed.close();
});

test("with a stale snapshot the rollout is 0, except for versions that hold and for maintenance", async () => {
  const context = testContext();
  const arcs = [arc("canary", 0.5), arc("next", 0.25, { failsafe: "hold" }), arc("maintenance", 1)];
  context.rollout.apply("app", arcs, 0);
  context.nowMs = UNHEALTHY_MS;
  const { values } = await scrape(monitor(context));
  expect(values.get('maxwells_daemon_rollout{application="app",version="canary"}')).toBe(0);
  expect(values.get('maxwells_daemon_rollout{application="app",version="next"}')).toBe(0.25);
  expect(values.get('maxwells_daemon_rollout{application="app",version="maintenance"}')).toBe(1);
  expect(values.get('maxwells_daemon_fresh{application="app"}')).toBe(0);
});

test("if a version disappears and comes back, it leaves the gauges and keeps its count", async () => {
  const context = testContext();
  const prometheus = monitor(context);
  const rollout = 'maxwells_daemon_rollout{application="app",version="canary"}';
  const decisions = 'maxwells_daemon_decisions_total{application="app",location="canary",reason="rollout"}';
  let before = new Map<string, number>();
  const seen: (number | undefined)[][] = [];
  for (const arcs of [[arc("canary", 1)], [], [arc("other", 0.5)], [arc("canary", 1)]]) {
    context.rollout.apply("app", arcs, context.nowMs);
    decide(context, "app", 0.9, 3);
    const { values, types } = await scrape(prometheus);
    for (const [key, value] of before) {
      if (types.get(key.replace(/\{.*/, "")) !== "counter") continue;
      expect(values.get(key)).toBeGreaterThanOrEqual(value);
    }
    before = new Map(values);
    seen.push([values.get(rollout), values.get(decisions)]);
    context.nowMs += 1_000;
  }
  expect(seen).toEqual([
    [1, 3],
    [undefined, 3],
    [undefined, 3],
    [1, 6],
  ]);
});

test("the histogram's buckets are cumulative, in seconds, and agree with its count and sum", async () => {
  const context = testContext();
  const { delay } = context.metrics;
  delay.observe(0.0005, 10);
  delay.observe(0.007, 20);
  delay.observe(3, 30);
  delay.observe(2_000, 40);
  const { values } = await scrape(monitor(context));
  const name = "maxwells_daemon_decision_duration_seconds";
  const buckets = [...values].flatMap(([key, value]) => {
    const le = /_bucket\{le="(.+)"\}$/.exec(key)?.[1];
    return le === undefined ? [] : [{ le: le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), value }];
  });
  expect(buckets.map(({ le }) => le)).toEqual([
    ...DELAY_BOUNDS_US.map((us) => us / 1e6),
    Number.POSITIVE_INFINITY,
  ]);
  for (const [i, { value }] of buckets.entries()) {
    expect(value).toBeGreaterThanOrEqual(buckets[i - 1]?.value ?? 0);
  }
  expect(values.get(`${name}_bucket{le="0.000001"}`)).toBe(10);
  expect(values.get(`${name}_bucket{le="0.00001"}`)).toBe(30);
  expect(values.get(`${name}_bucket{le="0.002"}`)).toBe(30);
  expect(values.get(`${name}_bucket{le="0.005"}`)).toBe(60);
  expect(values.get(`${name}_bucket{le="0.1"}`)).toBe(60);
  expect(values.get(`${name}_bucket{le="+Inf"}`)).toBe(100);
  expect(values.get(`${name}_count`)).toBe(100);
  expect(values.get(`${name}_sum`)).toBeCloseTo(80.090145, 9);
});

describe("label values are escaped", () => {
  for (const name of ['a"b', "a\\", 'a\\"} 1', "a,b=c{d", "Büro ☕"]) {
    test(JSON.stringify(name), async () => {
      const context = testContext([name]);
      decide(context, name, 0.5, 2);
      const { values } = await scrape(monitor(context));
      const labels = `application="${name}",location="master",reason="unread"`;
      expect(values.get(`maxwells_daemon_decisions_total{${labels}}`)).toBe(2);
    });
  }
});

test("scrapes at the same time do not add to each other", async () => {
  const context = testContext();
  const prometheus = monitor(context);
  decide(context, "app", 0.5, 5);
  const pages = await Promise.all(Array.from({ length: 8 }, () => scrape(prometheus)));
  for (const { values } of pages) {
    expect(
      values.get('maxwells_daemon_decisions_total{application="app",location="master",reason="unread"}'),
    ).toBe(5);
  }
});

test("build and process have metrics", async () => {
  const { values } = await scrape(monitor(testContext()));
  const info = `maxwells_daemon_build_info{runtime="bun ${Bun.version}",version="${packageJson.version}"}`;
  expect(values.get(info)).toBe(1);
  expect(values.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
  expect(values.get("process_open_fds")).toBeGreaterThan(2);
  expect(values.get("process_cpu_seconds_total")).toBeGreaterThan(0);
  const upSeconds = Date.now() / 1000 - (values.get("process_start_time_seconds") ?? 0);
  expect(Math.abs(upSeconds - process.uptime())).toBeLessThan(2);
});

test("two monitors in one process have nothing in common", async () => {
  const [a, b] = [testContext(["a"]), testContext(["b"])];
  decide(a, "a", 0.5, 1);
  decide(b, "b", 0.5, 2);
  const [ofA, ofB] = [await textOf(monitor(a)), await textOf(monitor(b))];
  expect(ofA).toContain('decisions_total{application="a",');
  expect(ofA).not.toContain('application="b"');
  expect(ofB).toContain('decisions_total{application="b",');
  expect(ofB).not.toContain('application="a"');
});

test("the monitor is always on and has no options", async () => {
  const settings: Settings = {
    get: () => {
      throw new TypeError("the monitor should read no option");
    },
    origin: () => ({ source: "default", text: "" }),
    isNamed: () => false,
  };
  const made = prometheus.create(settings, testContext());
  expect(made?.page?.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(made && (await textOf(made))).toContain("maxwells_daemon_ready 0\n");
  expect(prometheus.options).toEqual([]);
  await made?.close();
});

test("the page of ten thousand applications is written in parts, and other work goes on between them", async () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `app-${index}`);
  const context = testContext(names);
  for (const name of names) {
    context.rollout.apply(name, [arc("canary", 0.25)], 0);
    decide(context, name, 0.1);
  }
  const turns: number[] = [];
  let lastMs = performance.now();
  let isWriting = true;
  const turn = () => {
    const nowMs = performance.now();
    turns.push(nowMs - lastMs);
    lastMs = nowMs;
    if (isWriting) setImmediate(turn);
  };
  setImmediate(turn);
  let characters = 0;
  let rollouts = 0;
  for await (const chunk of monitor(context).page.chunks()) {
    expect(chunk.length).toBeLessThan(20_000);
    characters += chunk.length;
    rollouts += chunk.split('version="canary"} 0.25\n').length - 1;
  }
  isWriting = false;
  expect(characters).toBeGreaterThan(1_000_000);
  expect(rollouts).toBe(10_000);
  expect(turns.length).toBeGreaterThan(100);
  const median = turns.sort((a, b) => a - b)[turns.length >> 1] ?? Number.NaN;
  expect(median).toBeLessThan(1);
});

describe("releases", () => {
  const TARGET = 'application="app",';
  const sampleOf = async (context: MonitorContext, name: string, more = "") => {
    const { values } = await scrape(monitor(context));
    const labels = `${TARGET}${more},version="canary"`.split(",").filter((label) => label !== "");
    return values.get(`${name}{${labels.sort().join(",")}}`);
  };

  test("exactly one phase is 1, and the step, its time and its count are there", async () => {
    const context = releaseContext();
    const phases = ["running", "paused", "promoted", "aborted", "finished"].map((phase) =>
      sampleOf(context, "maxwells_daemon_release_phase", `phase="${phase}"`),
    );
    expect(await Promise.all(phases)).toEqual([1, 0, 0, 0, 0]);
    expect(await sampleOf(context, "maxwells_daemon_release_step")).toBe(2);
    expect(await sampleOf(context, "maxwells_daemon_release_steps")).toBe(4);
    expect(await sampleOf(context, "maxwells_daemon_release_since_seconds")).toBe(
      Date.parse("2026-11-29T12:00:00.000Z") / 1_000,
    );
    readReleases(context, { canary: releaseOf({ step: 3, seq: 5 }) });
    expect(await sampleOf(context, "maxwells_daemon_release_advances_total")).toBe(1);
    const aborted = releaseOf({ state: "aborted", step: 3, seq: 6, reason: "a text of a person", log: [] });
    readReleases(context, { canary: aborted });
    expect(await sampleOf(context, "maxwells_daemon_release_aborts_total", 'reason="unknown"')).toBe(1);
    expect(await textOf(monitor(context))).not.toContain("a text of a person");
  });

  test("a daemon with a controller has more: leaders, stuck releases, overrides and failures", async () => {
    const context = testContext(["app"], () => viewOf({ ledBy: [], problem: "the store is full" }));
    expect(await sampleOf(context, "maxwells_daemon_release_leaders")).toBe(0);
    expect(await sampleOf(context, "maxwells_daemon_release_leading")).toBe(0);
    expect(await sampleOf(context, "maxwells_daemon_release_stuck")).toBe(1);
    expect(await sampleOf(context, "maxwells_daemon_release_override")).toBe(1);
    expect(await sampleOf(context, "maxwells_daemon_judge_evidence")).toBe(0.1);
    expect(await sampleOf(context, "maxwells_daemon_judge_visitors")).toBe(2_900);
    const { values } = await scrape(monitor(context));
    const judged = (name: string, labels: string) => values.get(`maxwells_daemon_${name}{${labels}}`);
    const coins = (arm: string, metric: string) =>
      judged("judge_coins", `application="app",arm="${arm}",metric="${metric}",version="canary"`);
    expect([coins("canary", "errors"), coins("master", "errors")]).toEqual([3, 58]);
    expect([coins("canary", "known-errors"), coins("master", "known-errors")]).toEqual([1, 20]);
    const signs = ["split", "back", "place", "crowd"].map((name) =>
      judged("sign", `application="app",name="${name}",version="canary"`),
    );
    expect(signs).toEqual([0, 0, 1, 0]);
    expect(values.get("maxwells_daemon_controller_failures_total")).toBe(3);
    expect(values.get("maxwells_daemon_controller_ready")).toBe(1);
    expect(values.get("maxwells_daemon_releases_frozen")).toBe(0);
  });

  test("the judge's parts are there if the judge has them, and silence is 1 if there is a sentence of it", async () => {
    const of = (judged: Partial<Judged>) =>
      testContext(["app"], () => viewOf({ judged: { ...JUDGED, ...judged } }));
    expect(await sampleOf(of({}), "maxwells_daemon_judge_harm")).toBe(0.1);
    expect(await sampleOf(of({}), "maxwells_daemon_judge_not_worse")).toBe(0.4);
    expect(await sampleOf(of({}), "maxwells_daemon_judge_silent")).toBe(0);
    expect(await sampleOf(of({ harm: null, notWorse: null }), "maxwells_daemon_judge_harm")).toBeUndefined();
    expect(await sampleOf(of({ silences: ["no outcome"] }), "maxwells_daemon_judge_silent")).toBe(1);
    expect(await sampleOf(of({}), "maxwells_daemon_release_leading")).toBe(1);
  });

  test("a server that no proxy can reach is 0", async () => {
    const context = testContext();
    const listeners = () => [
      { name: "line unix:/a.sock", trouble: undefined },
      { name: "http", trouble: "its file is gone" },
    ];
    const { values } = await scrape(monitor({ ...context, listeners }));
    expect(values.get('maxwells_daemon_listening{server="line unix:/a.sock"}')).toBe(1);
    expect(values.get('maxwells_daemon_listening{server="http"}')).toBe(0);
  });

  test("an application without a release has no series, and a daemon without a controller none of those", async () => {
    const page = await textOf(monitor(testContext()));
    expect(page).not.toMatch(/^maxwells_daemon_(release|controller)/m);
  });
});
