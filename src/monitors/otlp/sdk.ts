/**
 * The SDK of OpenTelemetry. Only this file imports it, and `otlp.ts` loads this file when the monitor starts.
 *
 * The SDK has the schedule, the parts, the form of OTLP, the attempts, and the variables of the environment.
 * The daemon keeps its counts itself, so it is a producer of metrics, and uses no instruments of the SDK.
 * Instruments would keep a second copy of every series, and the SDK has none for a histogram that exists
 * already.
 */

import { DiagLogLevel, diag, ValueType } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  InstrumentType,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import packageJson from "../../../package.json" with { type: "json" };
import type { MonitorContext } from "../monitor.ts";
import { agentFor } from "./agent.ts";
import type { OtlpComplaints } from "./complaints.ts";
import { Courier } from "./courier.ts";
import type { Timing } from "./environment.ts";
import { PointReader, type Points } from "./points.ts";
import { resourceAttributes } from "./resource.ts";

/** The SDK writes this many points at once, in less than a millisecond. */
const PART_POINTS_MAX = 200;

/** One request runs at a time. The second place is for the last metrics of a daemon that ends. */
const REQUESTS_MAX = 2;

export interface Exporting {
  /** Sends once more, if the collector took the last metrics. Never rejects. */
  sendLast(): Promise<void>;
  /** Ends all requests, and all that the SDK says. */
  abandon(): void;
}

export function openExporting(
  { url, timing }: { readonly url: string; readonly timing: Timing },
  context: MonitorContext,
  complaints: OtlpComplaints,
): Exporting {
  const remark = (...texts: readonly unknown[]) => complaints.remark(texts.map(plain).join(" "));
  const silent = () => {};
  diag.setLogger(
    { warn: remark, error: remark, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const agent = agentFor(url, context.environment, remark);
  const exporter = new OTLPMetricExporter({
    ...{ url, timeoutMillis: timing.requestMs, concurrencyLimit: REQUESTS_MAX },
    httpAgentOptions: () => agent,
    userAgent: `${packageJson.name}/${packageJson.version}`,
  });
  const isDelta = (type: InstrumentType) =>
    exporter.selectAggregationTemporality(type) === AggregationTemporality.DELTA;
  const points = new PointReader(context, {
    counter: isDelta(InstrumentType.OBSERVABLE_COUNTER),
    histogram: isDelta(InstrumentType.HISTOGRAM),
  });
  const courier = new Courier({
    exporter,
    partMs: timing.partMs,
    hangUp: () => agent.destroy(),
    failed: (reason) => complaints.failed(reason),
    arrived: () => complaints.arrived(),
  });
  const resource = resourceOf(context, remark);
  const scope = { name: packageJson.name, version: packageJson.version };
  const collect = async () => {
    courier.begin();
    const metrics = (await points.read()).map(metricData);
    const resourceMetrics: ResourceMetrics = { resource, scopeMetrics: [{ scope, metrics }] };
    return { resourceMetrics, errors: [] };
  };
  const reader = new PeriodicExportingMetricReader({
    ...{ exporter: courier, metricProducers: [{ collect }], maxExportBatchSize: PART_POINTS_MAX },
    ...{ exportIntervalMillis: timing.intervalMs, exportTimeoutMillis: timing.timeoutMs },
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  return {
    sendLast: async () => (courier.isAway ? undefined : provider.shutdown().catch(silent)),
    abandon() {
      courier.end();
      diag.disable();
    },
  };
}

function resourceOf({ processStartedAt, environment }: MonitorContext, remark: (problem: string) => void) {
  const detected = detectResources({ detectors: [envDetector] });
  const isNamed = (environment["OTEL_RESOURCE_ATTRIBUTES"]?.trim() ?? "") !== "";
  if (isNamed && Object.keys(detected.attributes).every((name) => name === "service.name")) {
    remark("OTEL_RESOURCE_ATTRIBUTES cannot be read, so it does not count; write name=value,name=value");
  }
  return defaultResource()
    .merge(resourceFromAttributes({ ...resourceAttributes(processStartedAt) }))
    .merge(detected);
}

/** The metric as the SDK has it. */
function metricData(read: Points): MetricData {
  const { otlp, help, isDelta } = read;
  const isWhole = otlp.kind !== "gauge" && (otlp.unit.startsWith("{") || otlp.unit === "By");
  const head = {
    descriptor: {
      ...{ name: otlp.name, description: help, unit: otlp.unit },
      valueType: isWhole ? ValueType.INT : ValueType.DOUBLE,
    },
    aggregationTemporality: isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
  };
  if ("histogram" in read) {
    return { ...head, dataPointType: DataPointType.HISTOGRAM, dataPoints: [...read.histogram] };
  }
  const dataPoints = [...read.numbers];
  if (otlp.kind === "gauge") return { ...head, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...head, dataPointType: DataPointType.SUM, isMonotonic: otlp.kind === "counter", dataPoints };
}

/** A part of the SDK's remarks. Bytes and objects say nothing to people. */
function plain(part: unknown): string {
  if (part instanceof Error) return part.message;
  return typeof part === "string" ? part : "";
}
