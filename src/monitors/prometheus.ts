/**
 * Prometheus: a page of all metrics, served by the admin listener at `/metrics`, in the text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * The values are read while the page is written, directly from the daemon's counters. With ten thousand
 * applications the page has a hundred thousand lines, so it is written in slices of time and sent in chunks.
 * docs/decisions/0004-dependencies.md says why this is not done by a library.
 */

import { DELAY_BOUNDS_US } from "../metrics.ts";
import { Slices } from "../slices.ts";
import type { HistogramMetric, Labels, Metric } from "./metric.ts";
import { METRICS } from "./metrics-list.ts";
import type { Monitor, MonitorContext, MonitorKind } from "./monitor.ts";

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A chunk is sent as soon as it has this many characters. */
const CHUNK_CHARACTERS = 16_384;

export const prometheus: MonitorKind = {
  name: "prometheus",
  options: [],
  create: (_settings, context) => new Prometheus(context),
};

export class Prometheus implements Monitor {
  readonly name = "prometheus";
  readonly page = { contentType: CONTENT_TYPE, chunks: () => writePage(this.#context) };
  readonly #context: MonitorContext;

  constructor(context: MonitorContext) {
    this.#context = context;
  }

  start(): void {}

  async close(): Promise<void> {}
}

async function* writePage(context: MonitorContext): AsyncGenerator<string> {
  const slices = new Slices();
  let chunk = "";
  for (const metric of METRICS) {
    chunk += headText(metric);
    if (metric.type === "histogram") {
      chunk += histogramText(metric, context);
      continue;
    }
    for (const { labels, value } of await metric.read(context)) {
      chunk += `${metric.name}${labelsText(metric.labels, labels)} ${valueText(value)}\n`;
      if (chunk.length >= CHUNK_CHARACTERS) {
        yield chunk;
        chunk = "";
      }
      if (slices.isOver()) await slices.next();
    }
  }
  yield chunk;
}

function headText({ name, help, type }: Metric): string {
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
}

/** `{application="website",location="master"}`; empty for a metric without labels. */
function labelsText(names: readonly string[], labels: Labels): string {
  let text = "";
  for (const name of names) {
    text += `${text === "" ? "{" : ","}${name}="${escaped(labels[name] ?? "")}"`;
  }
  return text === "" ? "" : `${text}}`;
}

const SPECIAL = /["\\\n]/;

function escaped(value: string): string {
  if (!SPECIAL.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

function histogramText(metric: HistogramMetric, context: MonitorContext): string {
  const { counts, sumMs } = metric.read(context);
  const { name } = metric;
  let text = "";
  let cumulative = 0;
  counts.forEach((count, bucket) => {
    cumulative += count;
    const boundUs = DELAY_BOUNDS_US[bucket];
    text += `${name}_bucket{le="${boundUs === undefined ? "+Inf" : boundUs / 1e6}"} ${cumulative}\n`;
  });
  return `${text}${name}_sum ${sumMs / 1000}\n${name}_count ${cumulative}\n`;
}
