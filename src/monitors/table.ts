/**
 * All metrics, once: names, types, labels, help, and where the value is read from. Both monitors and docs/metrics.md
 * are made from this table; a new metric is a row here.
 *
 * A row is read when a monitor wants it, from what the daemon counts anyway; nothing is stored twice. Prometheus has
 * one name with labels where DogStatsD, since 2016, has one name for each outcome, so a row says which of its
 * samples go to which of those names; samples that differ only in labels that are not tags are added up.
 */

import { readdir } from "node:fs/promises";
import packageJson from "../../package.json" with { type: "json" };
import { DELAY_BOUNDS_US, type Histogram, type ServerCounts } from "../metrics.ts";
import { REASONS, type Reason } from "../placement.ts";
import { type Arc, MAINTENANCE } from "../record.ts";
import type { Table } from "../rollout.ts";
import type { MonitorContext } from "./monitor.ts";

export type Labels = Readonly<Record<string, string>>;

/** One number of a metric, with a value for each of the metric's labels. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** What DogStatsD calls a metric, or a part of it. */
export interface StatsdName {
  readonly name: string;
  /** Those of the metric's labels that are sent as tags. */
  readonly tags: readonly string[];
  /** The unit, where it is not the metric's. */
  readonly unit?: string;
  /** Whether the 2016 daemon sent it. */
  readonly of2016: boolean;
  /** Which samples count here; all where it is absent. */
  readonly takes?: (labels: Labels) => boolean;
}

interface Row {
  /** What Prometheus calls it. */
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly labels: readonly string[];
}

/** A counter or gauge that both monitors know. */
export interface SharedMetric extends Row {
  readonly type: "counter" | "gauge";
  readonly statsd: readonly StatsdName[];
  read(context: MonitorContext): readonly Sample[];
}

/** A counter or gauge for Prometheus alone; its reading may take a while. */
export interface PulledMetric extends Row {
  readonly type: "counter" | "gauge";
  readonly statsd?: undefined;
  read(context: MonitorContext): readonly Sample[] | Promise<readonly Sample[]>;
}

export interface HistogramMetric extends Row {
  readonly type: "histogram";
  readonly statsd: readonly [StatsdName];
  read(context: MonitorContext): Histogram;
}

export type Metric = SharedMetric | PulledMetric | HistogramMetric;

/** Reasons that say what went wrong, not where the visitor lies: 2016 called that a failure of the handler. */
const FAILURES = ["invalid", "unknown-application", "lease-failure"] as const satisfies readonly Reason[];

function isFailure(labels: Labels): boolean {
  return FAILURES.some((reason) => reason === labels["reason"]);
}

const DESCRIPTORS_OF_PROCESS = "/proc/self/fd";

export const METRICS: readonly Metric[] = [
  {
    name: "maxwells_daemon_decisions_total",
    type: "counter",
    unit: "decisions",
    labels: ["application", "location", "reason"],
    help: "Decisions, by where the visitor was placed and why.",
    statsd: [
      {
        name: "maxwellsdaemon.handler.success",
        tags: ["location", "reason", "application"],
        of2016: true,
        takes: (labels) => !isFailure(labels),
      },
      {
        name: "maxwellsdaemon.handler.failure",
        tags: ["reason"],
        of2016: true,
        takes: isFailure,
      },
    ],
    read: ({ metrics }) =>
      Array.from(metrics.placements.values(), ({ application, location, reason, count }) => ({
        labels: { application, location, reason },
        value: count,
      })),
  },
  {
    name: "maxwells_daemon_decision_duration_seconds",
    type: "histogram",
    unit: "seconds",
    labels: [],
    help: "Time from a request's arrival to its reply being handed to the kernel.",
    statsd: [{ name: "maxwellsdaemon.server.delay", tags: [], unit: "milliseconds", of2016: true }],
    read: ({ metrics }) => metrics.delay,
  },
  {
    name: "maxwells_daemon_rollout",
    type: "gauge",
    unit: "fraction of 1",
    labels: ["application", "version"],
    help: "The rollout that counts now: 0 once the snapshot is stale, unless the record says to hold.",
    statsd: [{ name: "maxwellsdaemon.rollout", tags: ["application", "version"], of2016: false }],
    read: (context) => eachArc(context, (arc, isFresh) => (isFresh || outlives(arc) ? arc.rollout : 0)),
  },
  {
    name: "maxwells_daemon_offset",
    type: "gauge",
    unit: "fraction of 1",
    labels: ["application", "version"],
    help: "Where the version's arc of the circle starts.",
    read: (context) => eachArc(context, (arc) => arc.offset),
  },
  {
    name: "maxwells_daemon_snapshot_age_seconds",
    type: "gauge",
    unit: "seconds",
    labels: ["application"],
    help: "Time since the store was asked for the snapshot in use; +Inf while there has been none.",
    statsd: [
      {
        name: "maxwellsdaemon.snapshot.age",
        tags: ["application"],
        of2016: false,
      },
    ],
    read: (context) => eachTable(context, (table, nowMs) => (nowMs - table.readAtMs) / 1000),
  },
  {
    name: "maxwells_daemon_lease_seconds",
    type: "gauge",
    unit: "seconds",
    labels: ["application"],
    help: "For how long the arcs may still be used with nothing newer heard.",
    read: (context) => eachTable(context, (table, nowMs) => table.lease(nowMs).durationMs / 1000),
  },
  {
    name: "maxwells_daemon_fresh",
    type: "gauge",
    unit: "0 or 1",
    labels: ["application"],
    help: "1 while the snapshot counts; 0 where rollouts have fallen to 0 because it is missing or stale.",
    read: (context) => eachTable(context, (table, nowMs) => Number(table.isFresh(nowMs))),
  },
  {
    name: "maxwells_daemon_ready",
    type: "gauge",
    unit: "0 or 1",
    labels: [],
    help: "1 once a snapshot of every application has been applied.",
    read: ({ feed }) => [{ labels: {}, value: Number(feed.isReady) }],
  },
  {
    name: "maxwells_daemon_store_reads_total",
    type: "counter",
    unit: "reads",
    labels: ["application", "result"],
    help: "Reads of the store, by result: success or failure.",
    statsd: byResult("maxwellsdaemon.rollout.update", ["application"]),
    read: ({ metrics }) =>
      metrics.feeds.flatMap(({ application, success, failure }) => [
        { labels: { application, result: "success" }, value: success },
        { labels: { application, result: "failure" }, value: failure },
      ]),
  },
  {
    name: "maxwells_daemon_records_malformed",
    type: "gauge",
    unit: "records",
    labels: ["application"],
    help: "Records of the last read that could not be used and count as rollout 0; the log says why.",
    read: ({ metrics }) =>
      metrics.feeds.map(({ application, malformed }) => ({ labels: { application }, value: malformed })),
  },
  {
    name: "maxwells_daemon_server_requests_total",
    type: "counter",
    unit: "requests",
    labels: ["server", "result"],
    help: "Requests, by result: success, or failure where they could not be read or answered.",
    statsd: byResult("maxwellsdaemon.server", []),
    read: ({ metrics }) =>
      metrics.servers.flatMap(({ name: server, success, failure }) => [
        { labels: { server, result: "success" }, value: success },
        { labels: { server, result: "failure" }, value: failure },
      ]),
  },
  {
    name: "maxwells_daemon_connections",
    type: "gauge",
    unit: "connections",
    labels: ["server"],
    help: "Connections that are open now.",
    read: (context) => eachServer(context, (counts) => counts.connections),
  },
  {
    name: "maxwells_daemon_connections_accepted_total",
    type: "counter",
    unit: "connections",
    labels: ["server"],
    help: "Connections ever accepted.",
    read: (context) => eachServer(context, (counts) => counts.accepted),
  },
  {
    name: "maxwells_daemon_connections_refused_total",
    type: "counter",
    unit: "connections",
    labels: ["server"],
    help: "Connections closed at once because of a limit.",
    read: (context) => eachServer(context, (counts) => counts.refused),
  },
  {
    name: "maxwells_daemon_build_info",
    type: "gauge",
    unit: "1",
    labels: ["version", "runtime"],
    help: "Always 1; the labels say what is running.",
    read: () => [{ labels: { version: packageJson.version, runtime: `bun ${Bun.version}` }, value: 1 }],
  },
  // prom-client's own process metrics begin timers and observers, and count what Bun does not have.
  {
    name: "process_resident_memory_bytes",
    type: "gauge",
    unit: "bytes",
    labels: [],
    help: "Resident memory size in bytes.",
    read: () => [{ labels: {}, value: process.memoryUsage.rss() }],
  },
  {
    name: "process_cpu_seconds_total",
    type: "counter",
    unit: "seconds",
    labels: [],
    help: "Total user and system CPU time spent in seconds.",
    read: () => [{ labels: {}, value: cpuSeconds() }],
  },
  {
    name: "process_start_time_seconds",
    type: "gauge",
    unit: "seconds since 1970",
    labels: [],
    help: "Start time of the process since unix epoch in seconds.",
    read: () => [{ labels: {}, value: START_TIME_SECONDS }],
  },
  {
    name: "process_open_fds",
    type: "gauge",
    unit: "descriptors",
    labels: [],
    help: "Number of open file descriptors.",
    read: openDescriptors,
  },
];

const START_TIME_SECONDS = Math.round(Date.now() / 1000 - process.uptime());

/** The duration that stands for a bucket of the histogram: its middle; of the open one, its bound. Milliseconds. */
export function middleOfBucketMs(bucket: number): number {
  const lower = DELAY_BOUNDS_US[bucket - 1] ?? 0;
  const upper = DELAY_BOUNDS_US[bucket] ?? lower;
  return (lower + upper) / 2 / 1000;
}

/** `PREFIX.success` and `PREFIX.failure`, of a metric with a label `result`. */
function byResult(prefix: string, tags: readonly string[]): StatsdName[] {
  return ["success", "failure"].map((result) => ({
    name: `${prefix}.${result}`,
    tags,
    of2016: true,
    takes: (labels) => labels["result"] === result,
  }));
}

function eachTable(context: MonitorContext, read: (table: Table, nowMs: number) => number): Sample[] {
  const nowMs = context.clock();
  return context.rollout.applications.flatMap((application) => {
    const table = context.rollout.table(application);
    return table === undefined ? [] : [{ labels: { application }, value: read(table, nowMs) }];
  });
}

function eachArc(context: MonitorContext, read: (arc: Arc, isFresh: boolean) => number): Sample[] {
  const nowMs = context.clock();
  return context.rollout.applications.flatMap((application) => {
    const table = context.rollout.table(application);
    const isFresh = table?.isFresh(nowMs) ?? false;
    return (table?.arcs ?? []).map((arc) => ({
      labels: { application, version: arc.version },
      value: read(arc, isFresh),
    }));
  });
}

/** Whether the last value stands when the store is lost: what holds, and maintenance (law 8). */
function outlives(arc: Arc): boolean {
  return arc.failsafe === "hold" || arc.version === MAINTENANCE;
}

function eachServer({ metrics }: MonitorContext, read: (counts: ServerCounts) => number): Sample[] {
  return metrics.servers.map((counts) => ({ labels: { server: counts.name }, value: read(counts) }));
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Asynchronous, as listing ten thousand descriptors takes milliseconds that requests must not wait. */
async function openDescriptors(): Promise<Sample[]> {
  try {
    return [{ labels: {}, value: (await readdir(DESCRIPTORS_OF_PROCESS)).length - 1 }];
  } catch {
    return []; // No /proc, or no descriptor left to list them with.
  }
}

const EXAMPLES: readonly { readonly title: string; readonly query: string }[] = [
  {
    title:
      "Alert: the snapshot is too old, or has never been read, so everyone is on master (or soon will be)",
    query: "maxwells_daemon_snapshot_age_seconds > 30",
  },
  {
    title: "Alert: somebody wrote a record that cannot be used",
    query: "maxwells_daemon_records_malformed > 0",
  },
  {
    title: "Alert: not ready, or gone",
    query: 'maxwells_daemon_ready == 0 or up{job="maxwells-daemon"} == 0',
  },
  {
    title: "The share of visitors that canary serves, to be held against `maxwells_daemon_rollout`",
    query: [
      'sum by (application) (rate(maxwells_daemon_decisions_total{location="canary"}[5m]))',
      "  / sum by (application) (rate(maxwells_daemon_decisions_total[5m]))",
    ].join("\n"),
  },
  {
    title: "Alert: daemons of the fleet disagree about a rollout",
    query: [
      "max by (application, version) (maxwells_daemon_rollout)",
      "  - min by (application, version) (maxwells_daemon_rollout) > 0",
    ].join("\n"),
  },
  {
    title: "The time within which 99 of 100 requests are answered",
    query:
      "histogram_quantile(0.99, sum by (le) (rate(maxwells_daemon_decision_duration_seconds_bucket[5m])))",
  },
];

/** The page docs/metrics.md. */
export function metricsPage(): string {
  const prometheus = METRICS.map(({ name, type, labels, unit, help }) => [
    code(name),
    type,
    labels.map(code).join(", "),
    unit,
    help,
  ]);
  const statsd = METRICS.flatMap((metric) =>
    (metric.statsd ?? []).map(({ name, tags, unit = metric.unit, of2016 }) => [
      code(name),
      metric.type,
      tags.map(code).join(", "),
      unit,
      of2016 ? "yes" : "",
      code(metric.name),
    ]),
  );
  const reasons = Object.entries(REASONS).map(([reason, meaning]) => [code(reason), meaning]);
  return `# Metrics

<!-- Made from src/monitors/table.ts by \`npm run docs\`; edit that. -->

What the daemon counts can be fetched by Prometheus and is sent as DogStatsD. Neither changes an answer: the path of a
request only bumps numbers, and a monitor that is slow, absent or failing is noticed by the log alone.

## Prometheus

At \`/metrics\` of the admin listener. Counters never fall while the daemon runs, also when a version disappears from
the store and comes back.

${markdownTable(["name", "type", "labels", "unit", "meaning"], prometheus)}

## DogStatsD

Sent over UDP to \`-statsd HOST:PORT\` (127.0.0.1:8125 by default; \`none\` turns it off). A name is resolved every
ten seconds.

${markdownTable(["name", "type", "tags", "unit", "as in 2016", "the same as"], statsd)}

The daemon of 2016 sent these names with every request. They now go out added up, once a second, with the same meaning:

- A counter's line carries how much it has grown; what the socket refused goes out with the next second.
- The histogram's line carries the middle of a bucket, and in its sample rate how many observations it stands for:
  \`maxwellsdaemon.server.delay:0.0075|h|@0.001\` is a thousand requests that took 5 to 10 µs.
- \`location\` is tagged as it was; the other tags are new.
- \`maxwellsdaemon.handler.failure\` counts decisions with the reasons ${FAILURES.map(code).join(", ")}.
- \`maxwellsdaemon.snapshot.age\` is not sent before the first snapshot.
- \`DD_…\` variables of the environment are not read.

## Reasons

${markdownTable(["reason", "meaning"], reasons)}

## Questions to ask, in PromQL

${EXAMPLES.map(({ title, query }) => `${title}:\n\n\`\`\`promql\n${query}\n\`\`\``).join("\n\n")}
`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}
