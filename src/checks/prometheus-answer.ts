/**
 * Reads the answer to an instant query of Prometheus. Pure, and total: any text has a result.
 * https://prometheus.io/docs/prometheus/latest/querying/api has the format.
 *
 * Only one finite figure is a value. Flagger takes the last of several rows. Argo Rollouts leaves several
 * rows, NaN and infinity to the operator's expression. Here all of them are unknown, because a wrong verdict
 * is worse than none. A warning means that a part of the data is missing.
 */

/** The figure, or why there is none. `said` is a text of the server, which is not safe to show. */
export type PrometheusAnswer =
  | { readonly figure: number }
  | { readonly why: string; readonly said?: string | undefined };

const FIGURE = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** @param text the body of the answer, with any status */
export function readAnswer(text: string): PrometheusAnswer {
  const body = objectOf(parsed(text));
  if (body["status"] === "error") return { why: "Prometheus refuses the query", said: errorOf(body) };
  if (body["status"] !== "success") {
    return { why: "the answer is not that of Prometheus's query API; check url" };
  }
  const { warnings } = body;
  if (Array.isArray(warnings) && warnings.length > 0) {
    const said = typeof warnings[0] === "string" ? warnings[0] : undefined;
    return { why: "Prometheus warns that the result may be incomplete", said };
  }
  const { resultType, result } = objectOf(body["data"]);
  if (resultType === "scalar") return readSample(result);
  if (resultType !== "vector" || !Array.isArray(result)) {
    return { why: "the query gives neither an instant vector nor a scalar; write one that gives one figure" };
  }
  if (result.length === 0) {
    return { why: "the query gives no row; look whether Prometheus has this metric" };
  }
  if (result.length > 1) {
    return { why: `the query gives ${result.length} rows; make them one, such as by sum(…) or max(…)` };
  }
  return readSample(objectOf(result[0])["value"]);
}

/** Reads `[1700000000.123, "0.004"]`. */
function readSample(sample: unknown): PrometheusAnswer {
  const digits: unknown = Array.isArray(sample) && sample.length === 2 ? sample[1] : undefined;
  if (typeof digits !== "string") {
    return { why: "the row has no figure; a histogram needs histogram_quantile(…) around it" };
  }
  const figure = FIGURE.test(digits) ? Number(digits) : Number.NaN;
  if (Number.isFinite(figure)) return { figure };
  const cause = "a division by zero, or no traffic";
  return { why: `the query gives ${/^[+-]?(NaN|Inf)$/.test(digits) ? digits : "no figure"}: ${cause}` };
}

function errorOf({ errorType, error }: Readonly<Record<string, unknown>>): string | undefined {
  const parts = [errorType, error].filter((part) => typeof part === "string");
  return parts.length === 0 ? undefined : parts.join(": ");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The fields of an object; none if it is another value. */
function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
