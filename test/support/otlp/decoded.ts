/** Requests of OTLP in JSON, as OpenTelemetry's schema and a collector write them. */

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number>>;
}

export interface NumberPoint {
  readonly attributes?: readonly Attribute[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano?: string;
  readonly asInt?: string;
  readonly asDouble?: number;
}

export interface HistogramPoint {
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts: readonly string[];
  readonly explicitBounds: readonly number[];
}

export interface DecodedMetric {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly sum?: {
    readonly dataPoints: readonly NumberPoint[];
    readonly aggregationTemporality: string | number;
    readonly isMonotonic?: boolean;
  };
  readonly gauge?: { readonly dataPoints: readonly NumberPoint[] };
  readonly histogram?: {
    readonly dataPoints: readonly HistogramPoint[];
    readonly aggregationTemporality: string | number;
  };
}

export interface DecodedRequest {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeMetrics: readonly { readonly metrics: readonly DecodedMetric[] }[];
  }[];
}

export function metricsIn(requests: readonly DecodedRequest[]): DecodedMetric[] {
  return requests.flatMap(({ resourceMetrics }) =>
    resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics)),
  );
}

/** The attributes as an object. Numbers are texts, because the schema's JSON has them so. */
export function attributesOf(attributes: readonly Attribute[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));
}

/** The value of the point with these attributes; undefined if there is none. */
export function valueIn(
  metrics: readonly DecodedMetric[],
  name: string,
  wanted: Readonly<Record<string, string>>,
): number | undefined {
  for (const metric of metrics) {
    if (metric.name !== name) continue;
    for (const point of (metric.sum ?? metric.gauge)?.dataPoints ?? []) {
      const has = attributesOf(point.attributes);
      if (Object.entries(wanted).some(([key, value]) => has[key] !== value)) continue;
      return Number(point.asInt ?? point.asDouble ?? 0);
    }
  }
  return undefined;
}
