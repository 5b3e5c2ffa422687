/** The variables of OpenTelemetry that its SDK leaves to the program: times, and the secrets to hide. */

import type { Environment } from "./destination.ts";

export interface Timing {
  readonly intervalMs: number;
  /** The reader of the SDK gives up after this time, at most the interval. */
  readonly timeoutMs: number;
  /** The daemon gives up a part after this time, a little before the reader does. */
  readonly partMs: number;
  /** The exporter of the SDK makes no more attempts to send a part after this time. */
  readonly requestMs: number;
}

/** The standard's own values. */
const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 30_000;
const REQUEST_MS = 10_000;

const PART_OF_TIMEOUT = 0.9;
const REQUEST_OF_TIMEOUT = 0.8;

const TIME_MS_MIN = 100;
const TIME_MS_MAX = 86_400_000;

/** @param remark called with each problem; the standard's own value counts then */
export function timingOf(environment: Environment, remark: (problem: string) => void): Timing {
  const intervalMs = readMs(environment, "OTEL_METRIC_EXPORT_INTERVAL", INTERVAL_MS, remark);
  const timeoutMs = readMs(environment, "OTEL_METRIC_EXPORT_TIMEOUT", TIMEOUT_MS, remark);
  const ofAllMs = readMs(environment, "OTEL_EXPORTER_OTLP_TIMEOUT", REQUEST_MS, remark);
  const ownMs = readMs(environment, "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", ofAllMs, remark);
  const lesserMs = Math.min(timeoutMs, intervalMs);
  return {
    ...{ intervalMs, timeoutMs: lesserMs, partMs: lesserMs * PART_OF_TIMEOUT },
    requestMs: Math.min(ownMs, lesserMs * REQUEST_OF_TIMEOUT),
  };
}

function readMs(
  environment: Environment,
  name: string,
  otherwiseMs: number,
  remark: (problem: string) => void,
): number {
  const text = environment[name]?.trim() ?? "";
  if (text === "") return otherwiseMs;
  const ms = Number(text);
  if (/^\d+$/.test(text) && ms >= TIME_MS_MIN && ms <= TIME_MS_MAX) return ms;
  remark(
    `${name} is not a number of milliseconds from ${TIME_MS_MIN} to ${TIME_MS_MAX}, so it is ${otherwiseMs}`,
  );
  return otherwiseMs;
}

const HEADERS = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"];

/** Shorter words are not hidden, because they would hide half of each text. */
const SECRET_LENGTH_MIN = 4;

/**
 * All secrets of the headers, in each form in which a text may repeat them: the whole variable, each value,
 * its decoded form, and its words. Long ones come first.
 */
export function secretsOf(environment: Environment): readonly string[] {
  const secrets = new Set<string>();
  for (const name of HEADERS) {
    const whole = environment[name]?.trim() ?? "";
    secrets.add(whole);
    for (const pair of whole.split(",")) {
      const value = pair.slice(pair.indexOf("=") + 1).trim();
      for (const form of [pair.trim(), value, decoded(value)]) {
        for (const part of [form, ...form.split(/\s+/)]) secrets.add(part);
      }
    }
  }
  return [...secrets]
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .sort((a, b) => b.length - a.length);
}

/** A text of the SDK or of a collector, without the secrets, and not longer than a line should be. */
export function withoutSecrets(text: string, secrets: readonly string[], lengthMax: number): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, "***");
  return shown.length > lengthMax ? `${shown.slice(0, lengthMax)}…` : shown;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
