/** The queries of docs/metrics.md and the page of metrics, judged by promtool of Prometheus. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXAMPLES } from "../../scripts/metrics-page.ts";
import { Prometheus } from "../../src/monitors/prometheus.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { releaseOf } from "../releases/world.ts";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { prometheusMissing } from "../support/prometheus.ts";
import { promtool } from "../support/promtool.ts";
import { releaseContext } from "./releases.ts";

// The package of Prometheus brings promtool along.
const missing = prometheusMissing();

const directory = mkdtempSync(join(tmpdir(), "mwd-promql-"));
afterAll(() => rmSync(directory, { recursive: true }));

test.skipIf(missing !== undefined)("promtool takes all queries of the page", () => {
  const rules = EXAMPLES.map(({ query }, index) => ({ alert: `Alert${index}`, expr: query }));
  writeFileSync(join(directory, "rules.yml"), JSON.stringify({ groups: [{ name: "all", rules }] }));
  const { status, text } = promtool(["check", "rules", "rules.yml"], "", directory);
  expect(text).toContain(`${rules.length} rules found`);
  expect(status).toBe(0);
});

describe.skipIf(missing !== undefined)("promtool finds nothing wrong with the page of metrics", () => {
  test("with each metric of a release", async () => {
    const page = (await Array.fromAsync(new Prometheus(releaseContext()).page.chunks())).join("");
    expect(promtool(["check", "metrics"], page)).toEqual({ status: 0, text: "" });
  });

  test.each([1, 300])(
    "of a daemon with %d applications and a release that runs",
    async (count) => {
      const names = Array.from({ length: count }, (_, at) => `shop-${at + 1}`);
      const flags = ["-releases", "on", ...names.slice(1).flatMap((name) => ["-application", name])];
      const home = new DaemonHome({ application: "shop-1", flags });
      const release = releaseOf({ since: new Date().toISOString() });
      const record = { rollout: 0.05, offset: 0.25, release: releaseField(release) };
      home.replace(JSON.stringify(Object.fromEntries(names.map((name) => [name, { canary: record }]))));
      const daemon = await home.start();
      try {
        const read = async () => (await fetch(`${daemon.adminUrl}/metrics`)).text();
        const series = /^maxwells_daemon_release_leaders\{.*\} 1$/gm;
        await eventually(
          async () => (await read()).match(series)?.length === count,
          "each release is led",
          60_000,
        );
        const page = await read();
        expect(promtool(["check", "metrics"], page)).toEqual({ status: 0, text: "" });
        expect(page.match(/^maxwells_daemon_release_phase\{.*phase="running"\} 1$/gm)).toHaveLength(count);
      } finally {
        await daemon.end();
        home.remove();
      }
    },
    90_000,
  );
});
