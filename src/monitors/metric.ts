/**
 * A metric is a row: its names in both monitors, and the function that reads its value. The rows are in
 * `metrics-list.ts`.
 *
 * Prometheus has one name with labels. DogStatsD, since 2016, has one name for each outcome, so a row says
 * which of its samples have which of those names. Samples that differ only in labels that are not tags are
 * added up.
 */

import type { Histogram } from "../metrics.ts";
import type { MonitorContext } from "./monitor.ts";

export type Labels = Readonly<Record<string, string>>;

/** One number of a metric, with a value for each of the metric's labels. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** The name of a metric in DogStatsD, or of a part of it. */
export interface StatsdName {
  readonly name: string;
  /** The labels of the metric that are sent as tags. */
  readonly tags: readonly string[];
  /** The unit, if it is not the metric's. */
  readonly unit?: string;
  /** Whether the 2016 daemon sent it. */
  readonly of2016: boolean;
  /** Whether a sample counts under this name. If absent, all samples do. */
  readonly takes?: (labels: Labels) => boolean;
}

interface Row {
  /** Its name in Prometheus. */
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  readonly labels: readonly string[];
}

/** A counter or gauge that both monitors know. */
export interface SharedMetric extends Row {
  readonly type: "counter" | "gauge";
  readonly statsd: readonly StatsdName[];
  /**
   * Yields the samples one by one, because with many applications there are many, and a monitor pauses
   * between them.
   */
  read(context: MonitorContext): Iterable<Sample>;
}

/** A counter or gauge for Prometheus only. Reading it may be asynchronous. */
export interface PulledMetric extends Row {
  readonly type: "counter" | "gauge";
  readonly statsd?: undefined;
  read(context: MonitorContext): Iterable<Sample> | Promise<Iterable<Sample>>;
}

export interface HistogramMetric extends Row {
  readonly type: "histogram";
  readonly statsd: readonly [StatsdName];
  read(context: MonitorContext): Histogram;
}

export type Metric = SharedMetric | PulledMetric | HistogramMetric;
