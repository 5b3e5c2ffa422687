/**
 * The connections to the collector. The SDK has no way to end a request: it would wait for ever for a
 * collector that sends a byte now and then. To destroy the agent ends its requests.
 */

import { readFileSync } from "node:fs";
import { type Agent, Agent as PlainAgent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { Environment } from "./destination.ts";

/** One request runs at a time. */
const CONNECTIONS_MAX = 2;

/** @param remark called with each file of a certificate that cannot be read */
export function agentFor(url: string, environment: Environment, remark: (problem: string) => void): Agent {
  const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
  if (new URL(url).protocol === "http:") return new PlainAgent(options);
  const ca = fileOf(environment, "CERTIFICATE", remark);
  const cert = fileOf(environment, "CLIENT_CERTIFICATE", remark);
  const key = fileOf(environment, "CLIENT_KEY", remark);
  return new TlsAgent({ ...options, ...ca, ...cert, ...key });
}

const OPTIONS = { CERTIFICATE: "ca", CLIENT_CERTIFICATE: "cert", CLIENT_KEY: "key" } as const;

function fileOf(
  environment: Environment,
  name: keyof typeof OPTIONS,
  remark: (problem: string) => void,
): Readonly<Record<string, Buffer>> {
  for (const variable of [`OTEL_EXPORTER_OTLP_METRICS_${name}`, `OTEL_EXPORTER_OTLP_${name}`]) {
    const path = environment[variable]?.trim() ?? "";
    if (path === "") continue;
    try {
      return { [OPTIONS[name]]: readFileSync(path) };
    } catch (error) {
      const { code = "?" } = error as NodeJS.ErrnoException;
      remark(`the file of ${variable} cannot be read (${code})`);
      return {};
    }
  }
  return {};
}
