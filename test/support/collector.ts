/** A real collector of OpenTelemetry, which `npx bun scripts/collector.ts` builds. */

import { existsSync } from "node:fs";
import { COLLECTOR } from "../../scripts/collector/place.ts";

export { COLLECTOR };

/**
 * Why it cannot run here, or undefined if it can. It is missing in CI, too: to build it takes more than two
 * minutes, and CI reads the requests by OpenTelemetry's schema.
 */
export function collectorMissing(): string | undefined {
  if (existsSync(COLLECTOR)) return undefined;
  const message = "no collector is built; npx bun scripts/collector.ts builds one with Go";
  console.warn(`skipped: ${message}`);
  return message;
}
