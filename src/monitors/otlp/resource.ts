/** The attributes of this process: the resource, as OpenTelemetry names it. */

import { hostname } from "node:os";
import packageJson from "../../../package.json" with { type: "json" };

/**
 * Names of the semantic conventions. The command line is not among them, because it may contain a secret.
 * OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME add to them and overrule them.
 */
export function resourceAttributes(processStartedAt: Date): Readonly<Record<string, string | number>> {
  return {
    "service.name": packageJson.name,
    "service.version": packageJson.version,
    "service.instance.id": crypto.randomUUID(),
    "host.name": hostname(),
    "process.pid": process.pid,
    "process.creation.time": processStartedAt.toISOString(),
    "process.runtime.name": "bun",
    "process.runtime.version": Bun.version,
  };
}
