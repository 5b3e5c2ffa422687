/**
 * Builds a real collector of OpenTelemetry for the tests, from its own modules with Go. It takes a minute or
 * two, and does nothing if the collector is there.
 */

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { COLLECTOR } from "./collector/place.ts";

const GO_MISSING = 127;

const SAMPLE = join(import.meta.dir, "../integrations/opentelemetry/collector.yaml");

function build(): number {
  if (existsSync(COLLECTOR)) return 0;
  const go = Bun.which("go");
  if (go === null) {
    console.error("Go is not installed; install Go 1.26 or later");
    return GO_MISSING;
  }
  const built = run([go, "build", "-ldflags", "-s -w", "-o", COLLECTOR, "."]);
  if (built !== 0) return built;
  // A new version may want more than `main.go` has. Without this, only its start would say so.
  const valid = run([COLLECTOR, "validate", "--config", SAMPLE]);
  if (valid !== 0) rmSync(COLLECTOR);
  return valid;
}

function run(command: readonly string[]): number {
  const cwd = join(import.meta.dir, "collector");
  return Bun.spawnSync([...command], { cwd, stdio: ["ignore", "inherit", "inherit"] }).exitCode;
}

process.exitCode = build();
