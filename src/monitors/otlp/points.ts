/**
 * The points that OpenTelemetry gets, read from the daemon's own counters when they are due. Nothing is
 * stored, unless the collector wants the growth of counters (`delta`) and not their sum (`cumulative`). Then
 * each counter has a `Series`.
 *
 * A daemon with ten thousand applications has a hundred thousand points, so they are read in slices of time.
 * This file does not import the SDK, but its points have the form that the SDK knows.
 */

import { DELAY_BOUNDS_US, type Histogram } from "../../metrics.ts";
import { Slices } from "../../slices.ts";
import { type HistogramMetric, type Metric, type OtlpName, otlpAttribute, type Sample } from "../metric.ts";
import { METRICS } from "../metrics-list.ts";
import type { MonitorContext } from "../monitor.ts";

/** Seconds since 1970, and nanoseconds. */
export type Time = [seconds: number, nanoseconds: number];

export type Attributes = Readonly<Record<string, string>>;

/** A histogram of durations in seconds, in the form of the SDK. */
export interface HistogramValue {
  readonly buckets: { readonly boundaries: number[]; readonly counts: number[] };
  readonly sum: number;
  readonly count: number;
}

export interface Point<T> {
  readonly startTime: Time;
  readonly endTime: Time;
  readonly attributes: Attributes;
  readonly value: T;
  /** Called when a collector has taken the point. */
  readonly taken?: () => void;
}

/** The points of one metric. */
export type Points =
  | (PointsHead & { readonly histogram: readonly Point<HistogramValue>[] })
  | (PointsHead & { readonly numbers: readonly Point<number>[] });

interface PointsHead {
  readonly otlp: OtlpName;
  readonly help: string;
  /** Whether the values are the growth since the last points that a collector took. */
  readonly isDelta: boolean;
}

/** The kinds of which the collector wants the growth. */
export interface DeltaKinds {
  readonly counter: boolean;
  readonly histogram: boolean;
}

const BOUNDARIES_SECONDS = DELAY_BOUNDS_US.map((us) => us / 1e6);

export class PointReader {
  readonly #context: MonitorContext;
  readonly #deltas: DeltaKinds;
  readonly #startTime: Time;
  readonly #now: () => number;
  /** The counters of which the growth is sent, by name and labels. */
  readonly #series = new Map<string, Series<number>>();
  #histogram: Series<Sum> | undefined;

  /** @param now the time of day: milliseconds since 1970 */
  constructor(context: MonitorContext, deltas: DeltaKinds, now: () => number = Date.now) {
    this.#context = context;
    this.#deltas = deltas;
    this.#now = now;
    this.#startTime = timeOf(context.processStartedAt.getTime());
  }

  /** All metrics that have points now. */
  async read(): Promise<Points[]> {
    const slices = new Slices();
    const all: Points[] = [];
    for (const metric of METRICS) {
      const { otlp, help } = metric;
      if (otlp === undefined) continue;
      if (metric.type === "histogram") {
        all.push({ otlp, help, isDelta: this.#deltas.histogram, histogram: [this.#ofHistogram(metric)] });
        continue;
      }
      const isDelta = otlp.kind === "counter" && this.#deltas.counter;
      const numbers: Point<number>[] = [];
      for (const sample of await (otlp.read ?? metric.read)(this.#context)) {
        // The age is infinite if no snapshot was ever read.
        if (Number.isFinite(sample.value)) numbers.push(this.#ofSample(metric, otlp, sample, isDelta));
        if (slices.isOver()) await slices.next();
      }
      if (numbers.length > 0) all.push({ otlp, help, isDelta, numbers });
    }
    return all;
  }

  #ofSample({ labels }: Metric, otlp: OtlpName, sample: Sample, isDelta: boolean): Point<number> {
    const attributes: Record<string, string> = {};
    let key = otlp.name;
    for (const label of otlp.read === undefined ? labels : Object.keys(sample.labels)) {
      const text = sample.labels[label] ?? "";
      attributes[otlpAttribute(label, otlp)] = text;
      if (isDelta) key += `\n${text}`;
    }
    const endTime = timeOf(this.#now());
    const { value } = sample;
    if (!isDelta) return { startTime: this.#startTime, endTime, attributes, value };
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { sent: 0, at: this.#startTime };
      this.#series.set(key, series);
    }
    const { at: startTime, sent } = series;
    return { startTime, endTime, attributes, value: value - sent, taken: takenOf(series, value, endTime) };
  }

  #ofHistogram(metric: HistogramMetric): Point<HistogramValue> {
    const sum = sumOf(metric.read(this.#context));
    const endTime = timeOf(this.#now());
    const attributes = {};
    if (!this.#deltas.histogram) {
      return { startTime: this.#startTime, endTime, attributes, value: histogramValue(sum) };
    }
    this.#histogram ??= { sent: { counts: sum.counts.map(() => 0), seconds: 0 }, at: this.#startTime };
    const { at: startTime, sent } = this.#histogram;
    const grown = {
      counts: sum.counts.map((count, bucket) => count - (sent.counts[bucket] ?? 0)),
      seconds: sum.seconds - sent.seconds,
    };
    const taken = takenOf(this.#histogram, sum, endTime);
    return { startTime, endTime, attributes, value: histogramValue(grown), taken };
  }
}

/** The part of a counter that a collector has taken, and the time of that part. */
interface Series<T> {
  sent: T;
  at: Time;
}

/** The sum of a histogram since the process began. */
interface Sum {
  readonly counts: number[];
  readonly seconds: number;
}

function takenOf<T>(series: Series<T>, sent: T, at: Time): () => void {
  return () => Object.assign(series, { sent, at });
}

function sumOf({ counts, sumMs }: Histogram): Sum {
  return { counts: [...counts], seconds: sumMs / 1_000 };
}

function histogramValue({ counts, seconds }: Sum): HistogramValue {
  const count = counts.reduce((total, each) => total + each, 0);
  return { buckets: { boundaries: BOUNDARIES_SECONDS, counts }, sum: seconds, count };
}

function timeOf(ms: number): Time {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
