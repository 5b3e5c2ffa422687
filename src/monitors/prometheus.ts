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
import { ByteWriter } from "../text/byte-writer.ts";
import type { HistogramMetric, Metric, Sample } from "./metric.ts";
import { METRICS } from "./metrics-list.ts";
import type { Monitor, MonitorContext, MonitorKind } from "./monitor.ts";

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

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
  const out = new ByteWriter();
  for (const metric of METRICS) {
    out.text(headText(metric));
    if (out.isFull) yield out.take().toString();
    if (metric.type === "histogram") {
      out.text(histogramText(metric, context));
      continue;
    }
    for (const sample of await metric.read(context)) {
      writeSample(out, metric, sample);
      if (out.isFull) yield out.take().toString();
      if (slices.isOver()) await slices.next();
    }
  }
  yield out.take().toString();
}

/** A line such as `NAME{application="website",location="master"} 5`. */
function writeSample(out: ByteWriter, { name, labels: names }: Metric, { labels, value }: Sample): void {
  out.text(name);
  for (let i = 0; i < names.length; i++) {
    const label = names[i] as string;
    out.text(i === 0 ? "{" : ",");
    out.text(label);
    out.text('="');
    out.text(escaped(labels[label] ?? ""));
    out.text('"');
  }
  out.text(names.length === 0 ? " " : "} ");
  if (Number.isFinite(value)) out.number(value);
  else out.text(valueText(value));
  out.text("\n");
}

function headText({ name, help, type }: Metric): string {
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
}

const SPECIAL = /["\\\n]/;

function escaped(value: string): string {
  if (!SPECIAL.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** The text of an infinite value, or of a value that is not a number. */
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
