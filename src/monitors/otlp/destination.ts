/**
 * The place that gets the metrics: the setting `-otlp`, or else the standard variables of OpenTelemetry. A
 * variable that names an endpoint turns the monitor on, as in other programs that know these variables.
 */

import { Problem } from "../../config/option.ts";
import { redactAddress } from "../../text/redact.ts";

export interface Destination {
  /** The address of each request, with the path of metrics. */
  readonly url: string;
  /** The same without secrets. */
  readonly shown: string;
  /** The setting that names it. */
  readonly origin: string;
}

/** The reason why nothing is sent, although a variable names a collector. */
export interface NoDestination {
  readonly problem: string;
  readonly remedy: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const METRICS_PATH = "v1/metrics";

/** Reads the value of `-otlp`. The path of metrics is added if the address does not end with it. */
export function namedUrl(text: string): URL | Problem {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return new Problem("write a web address, such as http://127.0.0.1:4318, or none");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return new Problem(
      "write only the address; a password or key belongs in the variable OTEL_EXPORTER_OTLP_HEADERS, such as authorization=Bearer%20KEY",
    );
  }
  if (!url.pathname.endsWith(`/${METRICS_PATH}`)) url.pathname = withSlash(url.pathname) + METRICS_PATH;
  return url;
}

/**
 * Undefined if no collector is wanted.
 *
 * @param named the value of `-otlp`: null for `none`, and undefined if the operator does not name it
 */
export function destinationOf(
  named: string | null | undefined,
  environment: Environment,
): Destination | NoDestination | undefined {
  if (named !== undefined) return named === null ? undefined : { url: named, shown: named, origin: "-otlp" };
  if (isOff(environment)) return undefined;
  const own = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
  const ofAll = "OTEL_EXPORTER_OTLP_ENDPOINT";
  const origin = variable(environment, own) === undefined ? ofAll : own;
  const text = variable(environment, origin);
  if (text === undefined) return undefined;
  if (protocolOf(environment) === "grpc") {
    return {
      problem: "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and the daemon only speaks http/protobuf",
      remedy: "name the collector's address for HTTP with -otlp, such as http://127.0.0.1:4318",
    };
  }
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return {
      problem: `${origin} is not a web address`,
      remedy: `write ${origin}=http://127.0.0.1:4318, or name the collector with -otlp`,
    };
  }
  if (origin === ofAll) url.pathname = withSlash(url.pathname) + METRICS_PATH;
  return { url: url.href, shown: redactAddress(url.href), origin };
}

function isOff(environment: Environment): boolean {
  if (variable(environment, "OTEL_SDK_DISABLED")?.toLowerCase() === "true") return true;
  const exporters = variable(environment, "OTEL_METRICS_EXPORTER")?.split(",") ?? ["otlp"];
  return !exporters.some((exporter) => exporter.trim() === "otlp");
}

function protocolOf(environment: Environment): string | undefined {
  return (
    variable(environment, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") ??
    variable(environment, "OTEL_EXPORTER_OTLP_PROTOCOL")
  );
}

/** OpenTelemetry takes an empty variable for one that is not set. */
function variable(environment: Environment, name: string): string | undefined {
  return environment[name]?.trim() || undefined;
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
