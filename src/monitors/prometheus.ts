/**
 * Prometheus: a page of all metrics, served by the admin listener at `/metrics`.
 *
 * Everything is read when the page is asked for. prom-client writes it, from a registry of this monitor's own; it is
 * loaded by `start`, so that commands that only know the name of this monitor do not pay for it. The histogram is
 * written here: prom-client's counts by itself, one call an observation, while ours has been counted already.
 */

import type { Counter, Gauge, Registry } from "prom-client";
import { DELAY_BOUNDS_US } from "../metrics.ts";
import type { HistogramMetric, Sample } from "./metric.ts";
import type { Monitor, MonitorContext, MonitorKind } from "./monitor.ts";
import { METRICS } from "./table.ts";

/** Of prom-client's `Registry`, without loading it. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export const prometheus: MonitorKind = {
  name: "prometheus",
  options: [],
  create: (_settings, context) => new Prometheus(context),
};

/** Where prom-client cannot be loaded, `page.text` rejects, and nothing else happens. */
export class Prometheus implements Monitor {
  readonly name = "prometheus";
  readonly page = { contentType: CONTENT_TYPE, text: () => this.#text() };
  readonly #context: MonitorContext;
  #registry: Promise<Registry> | undefined;

  constructor(context: MonitorContext) {
    this.#context = context;
  }

  start(): void {
    // Where loading fails, the page says so to whoever asks for it.
    this.#load().catch(() => {});
  }

  async close(): Promise<void> {}

  #load(): Promise<Registry> {
    this.#registry ??= register(this.#context);
    return this.#registry;
  }

  async #text(): Promise<string> {
    const registry = await this.#load();
    const texts = [await registry.metrics()];
    for (const metric of METRICS) {
      if (metric.type === "histogram") texts.push(histogramText(metric, this.#context));
    }
    return texts.join("\n");
  }
}

/** A registry whose metrics are read from the daemon's counts at every scrape. */
async function register(context: MonitorContext): Promise<Registry> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  for (const metric of METRICS) {
    if (metric.type === "histogram") continue;
    const Kind = metric.type === "counter" ? Counter : Gauge;
    const target: Counter | Gauge = new Kind({
      name: metric.name,
      help: metric.help,
      labelNames: metric.labels,
      registers: [registry],
      async collect() {
        refill(target, await metric.read(context));
      },
    });
  }
  return registry;
}

/** In one step, so that scrapes at the same time do not add to each other. Versions that are gone leave the page. */
function refill(target: Counter | Gauge, samples: readonly Sample[]): void {
  target.reset();
  for (const { labels, value } of samples) target.inc(labels, value);
}

function histogramText(metric: HistogramMetric, context: MonitorContext): string {
  const { counts, sumMs } = metric.read(context);
  const { name, help } = metric;
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  let cumulative = 0;
  counts.forEach((count, bucket) => {
    cumulative += count;
    const boundUs = DELAY_BOUNDS_US[bucket];
    lines.push(`${name}_bucket{le="${boundUs === undefined ? "+Inf" : boundUs / 1e6}"} ${cumulative}`);
  });
  lines.push(`${name}_sum ${sumMs / 1000}`, `${name}_count ${cumulative}`, "");
  return lines.join("\n");
}
