/**
 * Builds a real collector of OpenTelemetry for the tests, from its own modules with Go. It takes a minute or
 * two, and does nothing if the collector is there.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { COLLECTOR } from "./collector/place.ts";

const GO_MISSING = 127;

function build(): number {
  if (existsSync(COLLECTOR)) return 0;
  const go = Bun.which("go");
  if (go === null) {
    console.error("Go is not installed; install Go 1.26 or later");
    return GO_MISSING;
  }
  const { exitCode } = Bun.spawnSync([go, "build", "-ldflags", "-s -w", "-o", COLLECTOR, "."], {
    cwd: join(import.meta.dir, "collector"),
    stdio: ["ignore", "inherit", "inherit"],
  });
  return exitCode;
}

process.exitCode = build();
