/**
 * Stands between the SDK's reader and its exporter, so that one minute of metrics costs little if the
 * collector is slow, gone or lying. After one part has failed, the other parts of the minute are not tried.
 * A part that takes too long is given up, and its connection is closed. The log hears of each change.
 */

import type { PushMetricExporter, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Point } from "./points.ts";

/** The SDK's function that hears the result of a part. */
type Callback = Parameters<PushMetricExporter["export"]>[1];
type Result = Parameters<Callback>[0];

/** The SDK's number for success. The reader always gets it, because the log has heard of the failure. */
const SUCCESS = 0;

export interface CourierOptions {
  readonly exporter: PushMetricExporter;
  /** The longest that one part may take, with all attempts. */
  readonly partMs: number;
  /** Ends all requests. */
  readonly hangUp: () => void;
  readonly failed: (reason: string) => void;
  readonly arrived: () => void;
}

export class Courier implements PushMetricExporter {
  readonly #options: CourierOptions;
  /** Whether a part of this minute has failed. */
  #hasFailed = false;
  #isAway = false;
  #isEnded = false;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Whether the last part that has ended did not arrive. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** From now on the log hears nothing: the daemon ends its requests itself. */
  end(): void {
    this.#isEnded = true;
    this.#options.hangUp();
  }

  /** Tries again: called before the parts of each minute. */
  begin(): void {
    this.#hasFailed = false;
  }

  export(part: ResourceMetrics, callback: Callback): void {
    if (this.#hasFailed || this.#isEnded) {
      callback({ code: SUCCESS });
      return;
    }
    const { exporter, partMs, hangUp, failed, arrived } = this.#options;
    let isOver = false;
    const end = (reason: string | undefined) => {
      if (isOver || this.#isEnded) return;
      isOver = true;
      clearTimeout(timer);
      this.#hasFailed = reason !== undefined;
      this.#isAway = this.#hasFailed;
      if (reason === undefined) {
        countAsTaken(part);
        arrived();
      } else failed(reason);
      callback({ code: SUCCESS });
    };
    const timer = setTimeout(() => {
      end(`no whole answer within ${partMs / 1_000} s`);
      hangUp();
    }, partMs);
    timer.unref();
    exporter.export(part, (result) => end(reasonOf(result)));
  }

  selectAggregationTemporality(
    ...[type]: Parameters<NonNullable<PushMetricExporter["selectAggregationTemporality"]>>
  ) {
    return this.#options.exporter.selectAggregationTemporality?.(type) ?? SUCCESS;
  }

  forceFlush(): Promise<void> {
    return this.#options.exporter.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#options.exporter.shutdown();
  }
}

/** The points are those of `points.ts`, which the SDK hands on as they are. */
function countAsTaken({ scopeMetrics }: ResourceMetrics): void {
  for (const { metrics } of scopeMetrics) {
    for (const { dataPoints } of metrics) {
      for (const point of dataPoints as readonly Point<unknown>[]) point.taken?.();
    }
  }
}

/** The reason of a failure, without a text of the collector; undefined for a success. */
function reasonOf({ code, error }: Result): string | undefined {
  if (code === SUCCESS) return undefined;
  const { code: cause, message = "" } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: string;
  };
  if (typeof cause === "number") return `status ${cause}`;
  if (typeof cause === "string" && /^[A-Za-z0-9_]{1,80}$/.test(cause)) return cause;
  if (message.includes("retryable status")) return "it asks to wait (status 429, 502, 503 or 504)";
  if (message.includes("timed out")) return "no answer in time";
  if (message.includes("size limit")) return "its answer is too long";
  return "no reason given";
}
