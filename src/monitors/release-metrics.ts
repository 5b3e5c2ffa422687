/**
 * The metrics of releases. The first ones are of every daemon: its snapshots have the releases. The last ones
 * are of daemons with `-releases on`, because only a controller knows who leads.
 *
 * The phase is a set of series, one for each state, of which one is 1: a state set, as OpenMetrics names it
 * and kube-state-metrics has it. A number for each state, as Flagger has it, must be looked up by its reader.
 * One series with the state as a label, as Argo Rollouts has it, leaves the old state behind in a statsd,
 * which keeps the last value of each gauge.
 *
 * There are series only for the release of an application that goes on, or else for its last one.
 */

import type { LedView } from "../controller/view.ts";
import { ABORT_REASONS } from "../overview/abort-reasons.ts";
import type { KnownRelease } from "../overview/overview.ts";
import { STATES } from "../releases/release.ts";
import type { Metric, Sample, StatsdName } from "./metric.ts";
import type { MonitorContext } from "./monitor.ts";

const TARGET = ["application", "version"] as const;

export const RELEASE_METRICS: readonly Metric[] = [
  {
    name: "maxwells_daemon_release_phase",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.release.phase", unit: "{release}", kind: "gauge" },
    labels: [...TARGET, "phase"],
    help:
      "1 for the state of the release, and 0 for all other states. The label phase is running, paused, promoted, aborted or " +
      "finished. The release is the one that goes on, or else the last one of the application.",
    statsd: statsdName("maxwellsdaemon.release.phase", [...TARGET, "phase"]),
    *read({ overview }) {
      for (const { application, version, state } of overview.known()) {
        for (const phase of STATES) {
          yield { labels: { application, version, phase }, value: Number(phase === state) };
        }
      }
    },
  },
  {
    name: "maxwells_daemon_release_step",
    type: "gauge",
    unit: "steps",
    otlp: { name: "maxwells_daemon.release.step", unit: "{step}", kind: "gauge" },
    labels: TARGET,
    help: "The step of the release, from 1. It stays as it was if the release ends.",
    statsd: statsdName("maxwellsdaemon.release.step", TARGET),
    read: (context) => eachKnown(context, ({ step }) => step),
  },
  {
    name: "maxwells_daemon_release_steps",
    type: "gauge",
    unit: "steps",
    otlp: { name: "maxwells_daemon.release.steps", unit: "{step}", kind: "gauge" },
    labels: TARGET,
    help: "Steps of the release's plan. There is no series if this daemon cannot read the plan.",
    read: (context) => eachKnown(context, ({ steps }) => steps),
  },
  {
    name: "maxwells_daemon_release_since_seconds",
    type: "gauge",
    unit: "seconds since 1970",
    otlp: { name: "maxwells_daemon.release.since", unit: "s", kind: "gauge" },
    labels: TARGET,
    help: "The time of the last change of the release's state, step or rollout, by the clock of the store.",
    statsd: statsdName("maxwellsdaemon.release.since", TARGET),
    read: (context) => eachKnown(context, ({ since }) => Date.parse(since) / 1_000),
  },
  {
    name: "maxwells_daemon_release_unreadable",
    type: "gauge",
    unit: "1",
    otlp: { name: "maxwells_daemon.release.unreadable", unit: "{release}", kind: "gauge" },
    labels: TARGET,
    help: "Always 1: the record has a release that this daemon cannot read. Its rollout counts, but the daemon does not lead it.",
    *read({ overview }) {
      for (const { application, version } of overview.unreadable()) {
        yield { labels: { application, version }, value: 1 };
      }
    },
  },
  {
    name: "maxwells_daemon_release_advances_total",
    type: "counter",
    unit: "steps",
    otlp: { name: "maxwells_daemon.release.advances", unit: "{step}", kind: "counter" },
    labels: TARGET,
    help: "Steps forward that this daemon has seen, by any writer. Each daemon of a fleet counts each step: take the largest count, and not the sum.",
    statsd: statsdName("maxwellsdaemon.release.advances", TARGET),
    *read({ overview }) {
      for (const { application, version, advances } of overview.counts()) {
        yield { labels: { application, version }, value: advances };
      }
    },
  },
  {
    name: "maxwells_daemon_release_aborts_total",
    type: "counter",
    unit: "releases",
    otlp: { name: "maxwells_daemon.release.aborts", unit: "{release}", kind: "counter" },
    labels: [...TARGET, "reason"],
    help: "Aborted releases that this daemon has seen, by the reason. Each daemon of a fleet counts each abort: take the largest count, and not the sum.",
    statsd: statsdName("maxwellsdaemon.release.aborts", [...TARGET, "reason"]),
    *read({ overview }) {
      for (const { application, version, aborts } of overview.counts()) {
        for (const reason of ABORT_REASONS) {
          yield { labels: { application, version, reason }, value: aborts[reason] };
        }
      }
    },
  },
  {
    name: "maxwells_daemon_release_leaders",
    type: "gauge",
    unit: "daemons",
    otlp: { name: "maxwells_daemon.release.leaders", unit: "{daemon}", kind: "gauge" },
    labels: TARGET,
    help: "Daemons that lead the release, as this one knows; 0 for a release that does not go forward by itself. Only daemons with -releases on have it.",
    statsd: statsdName("maxwellsdaemon.release.leaders", TARGET),
    read: (context) => eachLed(context, ({ ledBy }) => ledBy.length),
  },
  {
    name: "maxwells_daemon_release_leading",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.release.leading", unit: "{daemon}", kind: "updowncounter" },
    labels: TARGET,
    help: "1 while this daemon itself leads the release, and 0 while only others do, because the store refuses its writes. Only daemons with -releases on have it.",
    *read({ overview }) {
      const view = overview.leading();
      for (const { application, version, ledBy } of view?.releases ?? []) {
        yield { labels: { application, version }, value: Number(ledBy.includes(view?.name ?? "")) };
      }
    },
  },
  {
    name: "maxwells_daemon_release_stuck",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.release.stuck", unit: "{daemon}", kind: "updowncounter" },
    labels: TARGET,
    help: "1 while this daemon cannot go on with the release: its writes fail, or it cannot read the plan. Only daemons with -releases on have it.",
    statsd: statsdName("maxwellsdaemon.release.stuck", TARGET),
    read: (context) => eachLed(context, ({ problem }) => Number(problem !== undefined)),
  },
  {
    name: "maxwells_daemon_release_override",
    type: "gauge",
    unit: "1",
    otlp: { name: "maxwells_daemon.release.override", unit: "{daemon}", kind: "updowncounter" },
    labels: TARGET,
    help: "Always 1: this daemon has taken the visitors of the release back by a verdict, and the record does not say so yet.",
    statsd: statsdName("maxwellsdaemon.release.override", TARGET),
    *read({ overview }) {
      for (const { application, version } of overview.leading()?.overrides ?? []) {
        yield { labels: { application, version }, value: 1 };
      }
    },
  },
  {
    name: "maxwells_daemon_releases_frozen",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.releases_frozen", unit: "{freeze}", kind: "gauge" },
    labels: [],
    help: "1 while a person has frozen all releases. Only daemons with -releases on have it, once they have led a release.",
    *read({ overview }) {
      const freeze = overview.leading()?.freeze;
      if (freeze !== undefined) yield { labels: {}, value: Number(freeze.isFrozen) };
    },
  },
  {
    name: "maxwells_daemon_controller_ready",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.controller.ready", unit: "{daemon}", kind: "updowncounter" },
    labels: [],
    help: "1 while this daemon can lead releases. 0 if the store is read-only, or has refused its last write. Only daemons with -releases on have it.",
    statsd: statsdName("maxwellsdaemon.controller.ready", []),
    *read({ overview }) {
      const view = overview.leading();
      if (view !== undefined) yield { labels: {}, value: Number(view.problem === undefined) };
    },
  },
  {
    name: "maxwells_daemon_controller_failures_total",
    type: "counter",
    unit: "attempts",
    otlp: { name: "maxwells_daemon.controller.failures", unit: "{attempt}", kind: "counter" },
    labels: [],
    help: "Attempts to lead a release that failed, because the store did not answer or refused the write. Only daemons with -releases on have it.",
    statsd: statsdName("maxwellsdaemon.controller.failures", []),
    *read({ overview }) {
      const view = overview.leading();
      if (view !== undefined) yield { labels: {}, value: view.counts.failures };
    },
  },
];

function statsdName(name: string, tags: readonly string[]): readonly StatsdName[] {
  return [{ name, tags, of2016: false }];
}

function* eachKnown(
  { overview }: MonitorContext,
  read: (release: KnownRelease) => number | undefined,
): Generator<Sample> {
  for (const release of overview.known()) {
    const value = read(release);
    const { application, version } = release;
    if (value !== undefined) yield { labels: { application, version }, value };
  }
}

function* eachLed({ overview }: MonitorContext, read: (led: LedView) => number): Generator<Sample> {
  for (const led of overview.leading()?.releases ?? []) {
    const { application, version } = led;
    yield { labels: { application, version }, value: read(led) };
  }
}
