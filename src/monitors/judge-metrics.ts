/**
 * The metrics of the judge, in daemons with `-releases on`: the evidence of harm in each release that the
 * daemon leads, and the signs. A release without outcomes has these series too, with zeros, because silence
 * is worth an alert.
 */

import type { Judged } from "../evidence/judged.ts";
import { SIGNS } from "../judge/signs.ts";
import type { Metric, Sample, StatsdName } from "./metric.ts";
import type { MonitorContext } from "./monitor.ts";

const TARGET = ["application", "version"] as const;

export const JUDGE_METRICS: readonly Metric[] = [
  {
    name: "maxwells_daemon_judge_evidence",
    type: "gauge",
    unit: "0 to 1",
    otlp: { name: "maxwells_daemon.judge.evidence", unit: "1", kind: "gauge" },
    labels: TARGET,
    help: "The evidence of harm in the release, as a part of what an abort needs: 0 for none, and 1 for an abort. This is not a probability. Only daemons with -releases on have it.",
    statsd: statsdName("maxwellsdaemon.judge.evidence", TARGET),
    *read(context) {
      for (const { labels, judged } of eachJudged(context)) yield { labels, value: judged.bar };
    },
  },
  {
    name: "maxwells_daemon_judge_harm",
    type: "gauge",
    unit: "fraction of the limit",
    otlp: { name: "maxwells_daemon.judge.harm", unit: "1", kind: "gauge" },
    labels: TARGET,
    help: "The logarithm of the evidence of harm, as a part of its limit: an abort at 1. Below 0 the canary looks better than master. Only daemons with -releases on have it.",
    read: (context) => eachPart(context, ({ harm }) => harm),
  },
  {
    name: "maxwells_daemon_judge_not_worse",
    type: "gauge",
    unit: "fraction of the limit",
    otlp: { name: "maxwells_daemon.judge.not_worse", unit: "1", kind: "gauge" },
    labels: TARGET,
    help: "The logarithm of the evidence that the canary is not worse than master, as a part of its limit. One condition of ok is met at 1. Only daemons with -releases on have it.",
    read: (context) => eachPart(context, ({ notWorse }) => notWorse),
  },
  {
    name: "maxwells_daemon_judge_silent",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.judge.silent", unit: "{release}", kind: "gauge" },
    labels: TARGET,
    help: "1 while reports of outcomes do not come: none came in this step, or they have stopped, or one daemon of the fleet hears none. Only daemons with -releases on have it.",
    *read(context) {
      for (const { labels, judged } of eachJudged(context)) {
        yield { labels, value: Number((judged.silences ?? []).length > 0) };
      }
    },
  },
  {
    name: "maxwells_daemon_judge_coins",
    type: "gauge",
    unit: "visitors",
    otlp: { name: "maxwells_daemon.judge.coins", unit: "{visitor}", kind: "gauge" },
    labels: [...TARGET, "metric", "arm"],
    help: "Visitors who met something bad in the release, each once, by the judge's metric, and by their side: canary or master. Only daemons with -releases on have it.",
    *read(context) {
      for (const { labels, judged } of eachJudged(context)) {
        for (const { name: metric, canary, master } of judged.metrics) {
          yield { labels: { ...labels, metric, arm: "canary" }, value: canary };
          yield { labels: { ...labels, metric, arm: "master" }, value: master };
        }
      }
    },
  },
  {
    name: "maxwells_daemon_judge_visitors",
    type: "gauge",
    unit: "visitors",
    otlp: { name: "maxwells_daemon.judge.visitors", unit: "{visitor}", kind: "gauge" },
    labels: TARGET,
    help: "Visitors of the present step that count for ok, of both versions. 0 if nothing is reported. Only daemons with -releases on have it.",
    statsd: statsdName("maxwellsdaemon.judge.visitors", TARGET),
    *read(context) {
      for (const { labels, judged } of eachJudged(context)) yield { labels, value: judged.visitors };
    },
  },
  {
    name: "maxwells_daemon_sign",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.sign", unit: "{sign}", kind: "gauge" },
    labels: [...TARGET, "name"],
    help: "1 for a sign of the judge that holds the release back until a person clears it, and 0 for the others. Only daemons with -releases on have it.",
    statsd: statsdName("maxwellsdaemon.sign", [...TARGET, "name"]),
    *read(context) {
      for (const { labels, judged } of eachJudged(context)) {
        for (const name of SIGNS) {
          const isRaised = judged.signs.some((sign) => sign.name === name && !sign.isCleared);
          yield { labels: { ...labels, name }, value: Number(isRaised) };
        }
      }
    },
  },
];

function statsdName(name: string, tags: readonly string[]): readonly StatsdName[] {
  return [{ name, tags, of2016: false }];
}

/** A part that the judge cannot say has no series. */
function* eachPart(
  context: MonitorContext,
  read: (judged: Judged) => number | null | undefined,
): Generator<Sample> {
  for (const { labels, judged } of eachJudged(context)) {
    const value = read(judged);
    if (value !== null && value !== undefined) yield { labels, value };
  }
}

function* eachJudged({ overview }: MonitorContext): Generator<{
  readonly labels: Sample["labels"];
  readonly judged: Judged;
}> {
  for (const { application, version, judged } of overview.leading()?.releases ?? []) {
    if (judged !== undefined) yield { labels: { application, version }, judged };
  }
}
