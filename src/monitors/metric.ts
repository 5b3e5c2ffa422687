/**
 * A metric is a row: its names in all monitors, and the function that reads its value. The rows are in
 * `metrics-list.ts`.
 *
 * Prometheus has one name with labels. DogStatsD, since 2016, has one name for each outcome, so a row says
 * which of its samples have which of those names. Samples that differ only in labels that are not tags are
 * added up.
 *
 * OpenTelemetry has one name, too. `test/monitors/otlp/names.test.ts` has the rules of its names.
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

/**
 * The kinds of a metric in OpenTelemetry. An `updowncounter` is a number that can fall and of which the sum
 * over all daemons means something, such as connections. A `gauge` is any other number that can fall.
 */
export type OtlpKind = "counter" | "updowncounter" | "gauge" | "histogram";

/** The name of a metric in OpenTelemetry, by the semantic conventions. */
export interface OtlpName {
  readonly name: string;
  /** A unit of UCUM: `s`, `By`, `1`, or the thing that is counted, such as `{decision}`. */
  readonly unit: string;
  readonly kind: OtlpKind;
  /** The labels that are attributes with names of their own, if `otlpAttribute` does not name them. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Reads the samples, if they are not those of Prometheus. */
  readonly read?: (context: MonitorContext) => Iterable<Sample>;
}

/**
 * The attribute of a label. A program's own attributes have a prefix, because other programs have an
 * `application` too.
 */
export function otlpAttribute(label: string, { attributes }: OtlpName): string {
  return attributes?.[label] ?? `maxwells_daemon.${label}`;
}

interface Row {
  /** Its name in Prometheus. */
  readonly name: string;
  readonly help: string;
  readonly unit: string;
  /** Undefined: OpenTelemetry has it in the resource, or not at all. */
  readonly otlp: OtlpName | undefined;
  readonly labels: readonly string[];
}

/** A counter or gauge that DogStatsD knows too. */
export interface SharedMetric extends Row {
  readonly type: "counter" | "gauge";
  readonly statsd: readonly StatsdName[];
  /**
   * Yields the samples one by one, because with many applications there are many, and a monitor pauses
   * between them.
   */
  read(context: MonitorContext): Iterable<Sample>;
}

/** A counter or gauge that DogStatsD does not know. Reading it may be asynchronous. */
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
