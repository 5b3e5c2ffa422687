/**
 * The one list of all metrics: names, types, labels, help, and the source of each value. All monitors and
 * docs/metrics.md use it. To add a metric, add a row here.
 *
 * A monitor reads a row when it needs the value, directly from the daemon's counters; nothing is stored
 * twice. `metric.ts` describes the parts of a row.
 */

import packageJson from "../../package.json" with { type: "json" };
import { type Arc, MAINTENANCE } from "../circle.ts";
import { DELAY_BOUNDS_US, type ServerCounts } from "../metrics.ts";
import type { Reason } from "../placement.ts";
import type { Table } from "../rollout.ts";
import { JUDGE_METRICS } from "./judge-metrics.ts";
import type { Labels, Metric, Sample, StatsdName } from "./metric.ts";
import type { MonitorContext } from "./monitor.ts";
import { OUTCOME_METRICS } from "./outcome-metrics.ts";
import { PROCESS_METRICS } from "./process-metrics.ts";
import { RELEASE_METRICS } from "./release-metrics.ts";

/** Reasons that name a fault of the request. The daemon of 2016 counted these as failures of the handler. */
export const FAILURES = ["invalid", "unknown-application"] as const satisfies readonly Reason[];

function isFailure(labels: Labels): boolean {
  return FAILURES.some((reason) => reason === labels["reason"]);
}

export const METRICS: readonly Metric[] = [
  {
    name: "maxwells_daemon_decisions_total",
    type: "counter",
    unit: "decisions",
    otlp: { name: "maxwells_daemon.decisions", unit: "{decision}", kind: "counter" },
    labels: ["application", "location", "reason"],
    help: "Decisions, by the location of the visitor and the reason.",
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
    *read({ metrics }) {
      for (const { application, location, reason, count } of metrics.placements.values()) {
        yield { labels: { application, location, reason }, value: count };
      }
    },
  },
  {
    name: "maxwells_daemon_reported_total",
    type: "counter",
    unit: "visitors",
    otlp: { name: "maxwells_daemon.reported", unit: "{visitor}", kind: "counter" },
    labels: ["application", "location", "kind"],
    help:
      "Visitors that proxies placed by themselves under a lease, as the proxies report it. The label kind is decided, or " +
      "failure if a proxy had no lease and sent the visitor to master. Do not rely on it for an audit: each program that " +
      "may ask over the line protocol may also report.",
    statsd: [{ name: "maxwellsdaemon.reported", tags: ["location", "kind", "application"], of2016: false }],
    *read({ metrics }) {
      for (const { application, location, kind, count } of metrics.reports.values()) {
        yield { labels: { application, location, kind }, value: count };
      }
    },
  },
  {
    name: "maxwells_daemon_decision_duration_seconds",
    type: "histogram",
    unit: "seconds",
    otlp: { name: "maxwells_daemon.decision.duration", unit: "s", kind: "histogram" },
    labels: [],
    help: "Time from a request's arrival until its reply is handed to the kernel.",
    statsd: [{ name: "maxwellsdaemon.server.delay", tags: [], unit: "milliseconds", of2016: true }],
    read: ({ metrics }) => metrics.delay,
  },
  {
    name: "maxwells_daemon_rollout",
    type: "gauge",
    unit: "fraction of 1",
    otlp: { name: "maxwells_daemon.rollout", unit: "1", kind: "gauge" },
    labels: ["application", "version"],
    help: "The rollout that counts now: 0 once the snapshot is stale, unless the record has failsafe hold.",
    statsd: [{ name: "maxwellsdaemon.rollout", tags: ["application", "version"], of2016: false }],
    read: (context) => eachArc(context, (arc, isFresh) => (isFresh || outlives(arc) ? arc.rollout : 0)),
  },
  {
    name: "maxwells_daemon_offset",
    type: "gauge",
    unit: "fraction of 1",
    otlp: { name: "maxwells_daemon.offset", unit: "1", kind: "gauge" },
    labels: ["application", "version"],
    help: "The start of the version's arc on the circle.",
    read: (context) => eachArc(context, (arc) => arc.offset),
  },
  {
    name: "maxwells_daemon_snapshot_age_seconds",
    type: "gauge",
    unit: "seconds",
    otlp: { name: "maxwells_daemon.snapshot.age", unit: "s", kind: "gauge" },
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
    otlp: { name: "maxwells_daemon.lease", unit: "s", kind: "gauge" },
    labels: ["application"],
    help: "Time for which a proxy may still use the arcs if the daemon reads the store no more.",
    read: (context) => eachTable(context, (table, nowMs) => table.leaseMs(nowMs) / 1000),
  },
  {
    name: "maxwells_daemon_fresh",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.fresh", unit: "{snapshot}", kind: "updowncounter" },
    labels: ["application"],
    help: "1 while the snapshot is fresh. 0 if it is missing or older than -unhealthy: all visitors go to master, except those of failsafe hold.",
    read: (context) => eachTable(context, (table, nowMs) => Number(table.isFresh(nowMs))),
  },
  {
    name: "maxwells_daemon_ready",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.ready", unit: "{daemon}", kind: "updowncounter" },
    labels: [],
    help: "1 while /readyz says ready: every snapshot is fresh, and each listener is there. It is 0 if the file of a socket is gone, because proxies cannot connect then.",
    read: ({ notReady }) => [{ labels: {}, value: Number(notReady() === undefined) }],
  },
  {
    name: "maxwells_daemon_listening",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.listening", unit: "{listener}", kind: "updowncounter" },
    labels: ["server"],
    help: "1 while proxies can connect to the server. 0 if the file of its socket is gone, or is another program's: visitors whose proxies ask there go to master.",
    read: ({ listeners }) =>
      listeners().map(({ name: server, trouble }) => ({
        labels: { server },
        value: Number(trouble === undefined),
      })),
  },
  {
    name: "maxwells_daemon_store_reads_total",
    type: "counter",
    unit: "reads",
    otlp: { name: "maxwells_daemon.store.reads", unit: "{read}", kind: "counter" },
    labels: ["application", "result"],
    help: "Reads of the store, by result: success or failure.",
    statsd: byResult("maxwellsdaemon.rollout.update", ["application"]),
    *read({ metrics }) {
      for (const { application, success, failure } of metrics.feeds) {
        yield { labels: { application, result: "success" }, value: success };
        yield { labels: { application, result: "failure" }, value: failure };
      }
    },
  },
  {
    name: "maxwells_daemon_records",
    type: "gauge",
    unit: "records",
    otlp: { name: "maxwells_daemon.records", unit: "{record}", kind: "gauge" },
    labels: ["application"],
    help: "Records of the application at the last read; 0 means that the store does not know it, so all visitors go to master.",
    *read({ feed }) {
      for (const { application, records } of feed.states) {
        if (records !== undefined) yield { labels: { application }, value: records };
      }
    },
  },
  {
    name: "maxwells_daemon_records_malformed",
    type: "gauge",
    unit: "records",
    otlp: { name: "maxwells_daemon.records_malformed", unit: "{record}", kind: "gauge" },
    labels: ["application"],
    help: "Records of the last read that cannot be used, so their rollout is 0; the log has the reasons.",
    *read({ metrics }) {
      for (const { application, malformed } of metrics.feeds) {
        yield { labels: { application }, value: malformed };
      }
    },
  },
  {
    name: "maxwells_daemon_server_requests_total",
    type: "counter",
    unit: "requests",
    otlp: { name: "maxwells_daemon.server.requests", unit: "{request}", kind: "counter" },
    labels: ["server", "result"],
    help: "Requests, by result: success, or failure if they could not be read or answered. For a lease that the daemon writes: its renewals.",
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
    otlp: { name: "maxwells_daemon.connections", unit: "{connection}", kind: "updowncounter" },
    labels: ["server"],
    help: "Connections that are open now.",
    read: (context) => eachServer(context, (counts) => counts.connections),
  },
  {
    name: "maxwells_daemon_connections_accepted_total",
    type: "counter",
    unit: "connections",
    otlp: { name: "maxwells_daemon.connections_accepted", unit: "{connection}", kind: "counter" },
    labels: ["server"],
    help: "Connections ever accepted.",
    read: (context) => eachServer(context, (counts) => counts.accepted),
  },
  {
    name: "maxwells_daemon_connections_refused_total",
    type: "counter",
    unit: "connections",
    otlp: { name: "maxwells_daemon.connections_refused", unit: "{connection}", kind: "counter" },
    labels: ["server"],
    help: "Connections closed at once because of a limit.",
    read: (context) => eachServer(context, (counts) => counts.refused),
  },
  ...RELEASE_METRICS,
  ...JUDGE_METRICS,
  ...OUTCOME_METRICS,
  {
    name: "maxwells_daemon_notices_total",
    type: "counter",
    unit: "notices",
    otlp: { name: "maxwells_daemon.notices", unit: "{notice}", kind: "counter" },
    labels: ["to", "result"],
    help:
      "Notices of releases, by address and result: success, or failure if the address refused the notice or was away for a " +
      "day. The log has the reason.",
    *read({ metrics }) {
      for (const { to, sent, failed } of metrics.notices) {
        yield { labels: { to, result: "success" }, value: sent };
        yield { labels: { to, result: "failure" }, value: failed };
      }
    },
  },
  {
    name: "maxwells_daemon_notices_waiting",
    type: "gauge",
    unit: "notices",
    otlp: { name: "maxwells_daemon.notices_waiting", unit: "{notice}", kind: "updowncounter" },
    labels: ["to"],
    help: "Notices of releases that the address has not taken yet; the daemon tries again.",
    read: ({ metrics }) => metrics.notices.map(({ to, waiting }) => ({ labels: { to }, value: waiting })),
  },
  {
    name: "maxwells_daemon_build_info",
    type: "gauge",
    unit: "1",
    otlp: undefined,
    labels: ["version", "runtime"],
    help: "Always 1; the labels say what is running.",
    read: () => [{ labels: { version: packageJson.version, runtime: `bun ${Bun.version}` }, value: 1 }],
  },
  ...PROCESS_METRICS,
];

/**
 * The duration in milliseconds that is sent for a bucket of the histogram: its middle, or the lower bound of
 * the last bucket.
 */
export function middleOfBucketMs(bucket: number): number {
  const lower = DELAY_BOUNDS_US[bucket - 1] ?? 0;
  const upper = DELAY_BOUNDS_US[bucket] ?? lower;
  return (lower + upper) / 2 / 1000;
}

/** The names `PREFIX.success` and `PREFIX.failure`, for a metric with a label `result`. */
function byResult(prefix: string, tags: readonly string[]): StatsdName[] {
  return ["success", "failure"].map((result) => ({
    name: `${prefix}.${result}`,
    tags,
    of2016: true,
    takes: (labels) => labels["result"] === result,
  }));
}

function* eachTable(
  context: MonitorContext,
  read: (table: Table, nowMs: number) => number,
): Generator<Sample> {
  for (const application of context.rollout.applications) {
    const table = context.rollout.table(application);
    if (table !== undefined) yield { labels: { application }, value: read(table, context.clock()) };
  }
}

function* eachArc(context: MonitorContext, read: (arc: Arc, isFresh: boolean) => number): Generator<Sample> {
  for (const application of context.rollout.applications) {
    const table = context.rollout.table(application);
    const isFresh = table?.isFresh(context.clock()) ?? false;
    for (const arc of table?.arcs ?? []) {
      yield { labels: { application, version: arc.version }, value: read(arc, isFresh) };
    }
  }
}

/**
 * Whether the last rollout stays when the store is lost: for failsafe `hold`, and for maintenance (law 8).
 */
function outlives(arc: Arc): boolean {
  return arc.failsafe === "hold" || arc.version === MAINTENANCE;
}

function eachServer({ metrics }: MonitorContext, read: (counts: ServerCounts) => number): Sample[] {
  return metrics.servers.map((counts) => ({ labels: { server: counts.name }, value: read(counts) }));
}
