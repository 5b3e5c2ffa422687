/** The names of OpenTelemetry: https://opentelemetry.io/docs/specs/semconv/general/naming/ */

import { expect, test } from "bun:test";
import {
  ATTR_CPU_MODE,
  METRIC_PROCESS_CPU_TIME,
  METRIC_PROCESS_MEMORY_USAGE,
  METRIC_PROCESS_UNIX_FILE_DESCRIPTOR_COUNT,
} from "@opentelemetry/semantic-conventions/incubating";
import { otlpAttribute } from "../../../src/monitors/metric.ts";
import { METRICS } from "../../../src/monitors/metrics-list.ts";

const ROWS = METRICS.flatMap((metric) => (metric.otlp === undefined ? [] : [{ metric, otlp: metric.otlp }]));

/**
 * The name that Prometheus gives to a metric of OpenTelemetry:
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 */
function nameInPrometheus({ name, unit, kind }: (typeof ROWS)[number]["otlp"]): string {
  const units: Readonly<Record<string, string>> = {
    s: "_seconds",
    By: "_bytes",
    "1": kind === "gauge" ? "_ratio" : "",
  };
  return `${name.replaceAll(".", "_")}${units[unit] ?? ""}${kind === "counter" ? "_total" : ""}`;
}

test("all metrics but the build and the start time have a name in OpenTelemetry", () => {
  const without = METRICS.filter(({ otlp }) => otlp === undefined).map(({ name }) => name);
  expect(without).toEqual(["maxwells_daemon_build_info", "process_start_time_seconds"]);
});

test("names are unique, in lower case, without unit or type, and no name is a namespace of another", () => {
  const names = ROWS.map(({ otlp }) => otlp.name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) {
    expect(name).toMatch(/^(maxwells_daemon|process)(\.[a-z]+(_[a-z]+)*)+$/);
    expect(name).not.toMatch(/(total|seconds|bytes|ratio|counter)$/);
    if (name.startsWith("maxwells_daemon.")) {
      expect(names.filter((other) => other.startsWith(`${name}.`))).toEqual([]);
    }
  }
});

test("units are of UCUM: seconds, bytes, a fraction, or the thing that is counted", () => {
  for (const { metric, otlp } of ROWS) {
    expect(otlp.unit).toMatch(/^(s|By|1|\{[a-z_]+\})$/);
    if (otlp.kind === "counter") expect(metric.type).toBe("counter");
    expect(otlp.kind === "histogram").toBe(metric.type === "histogram");
  }
});

test("a metric has the same name in Prometheus, whether it is fetched or comes through a collector", () => {
  const other = ROWS.filter(({ metric, otlp }) => nameInPrometheus(otlp) !== metric.name);
  const ratios = other.filter(({ metric, otlp }) => nameInPrometheus(otlp) === `${metric.name}_ratio`);
  expect(ratios.map(({ metric }) => metric.name)).toEqual([
    "maxwells_daemon_rollout",
    "maxwells_daemon_offset",
    "maxwells_daemon_judge_evidence",
    "maxwells_daemon_judge_harm",
    "maxwells_daemon_judge_not_worse",
  ]);
  const rest = other.filter((row) => !ratios.includes(row));
  expect(rest.map(({ otlp }) => otlp.name)).toEqual([
    METRIC_PROCESS_MEMORY_USAGE,
    METRIC_PROCESS_CPU_TIME,
    METRIC_PROCESS_UNIX_FILE_DESCRIPTOR_COUNT,
  ]);
});

test("attributes have the prefix of the program, except those of the conventions", () => {
  const attributes = ROWS.flatMap(({ metric, otlp }) =>
    [...metric.labels, ...Object.keys(otlp.attributes ?? {})].map((label) => otlpAttribute(label, otlp)),
  );
  const own = attributes.filter((name) => !name.startsWith("maxwells_daemon."));
  expect(own).toEqual([ATTR_CPU_MODE]);
  for (const name of attributes) expect(name).toMatch(/^[a-z_]+\.[a-z_]+$/);
});
