/** The queries of docs/metrics.md and the page of metrics, judged by promtool of Prometheus. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXAMPLES, RELEASE_EXAMPLES } from "../../scripts/metrics-page.ts";
import { Prometheus } from "../../src/monitors/prometheus.ts";
import { prometheusMissing } from "../support/prometheus.ts";
import { releaseContext } from "./releases.ts";

// The package of Prometheus brings promtool along.
const missing = prometheusMissing();

const directory = mkdtempSync(join(tmpdir(), "mwd-promql-"));
afterAll(() => rmSync(directory, { recursive: true }));

function promtool(args: readonly string[], input = ""): { status: number; text: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["promtool", ...args], {
    stdin: Buffer.from(input),
    cwd: directory,
  });
  return { status: exitCode, text: `${stdout}${stderr}` };
}

const rules = [...EXAMPLES, ...RELEASE_EXAMPLES].map(({ query }, index) => ({
  alert: `Alert${index}`,
  expr: query,
}));
writeFileSync(join(directory, "rules.yml"), JSON.stringify({ groups: [{ name: "all", rules }] }));

/** The name of the alert with these words in its title. */
function alertOf(words: string): string {
  const index = RELEASE_EXAMPLES.findIndex(({ title }) => title.includes(words));
  if (index < 0) throw new Error(`no alert says: ${words}`);
  return `Alert${EXAMPLES.length + index}`;
}

test.skipIf(missing !== undefined)("promtool takes all queries of the page", () => {
  const { status, text } = promtool(["check", "rules", "rules.yml"]);
  expect(text).toContain(`${rules.length} rules found`);
  expect(status).toBe(0);
});

test.skipIf(missing !== undefined)("promtool finds nothing wrong with the page of metrics", async () => {
  const page = (await Array.fromAsync(new Prometheus(releaseContext()).page.chunks())).join("");
  expect(promtool(["check", "metrics"], page)).toEqual({ status: 0, text: "" });
});

const AT = '{application="website",version="canary",instance="web-1"}';
const RUNNING = `maxwells_daemon_release_phase${AT.replace("}", ',phase="running"}')}`;
const LEADERS = `maxwells_daemon_release_leaders${AT}`;

type Case = readonly [what: string, words: string, series: Record<string, string>, fires: boolean];

const CASES: readonly Case[] = [
  ["no daemon has -releases on", "no daemon leads", { [RUNNING]: "1x10" }, true],
  ["all leaders are gone", "no daemon leads", { [RUNNING]: "1x10", [LEADERS]: "0x10" }, true],
  ["one daemon leads", "no daemon leads", { [RUNNING]: "1x10", [LEADERS]: "1x10" }, false],
  ["the release is over", "no daemon leads", { [RUNNING]: "0x10" }, false],
  ["an override", "a daemon took", { [`maxwells_daemon_release_override${AT}`]: "1x10" }, true],
  [
    "a verdict aborts",
    "was aborted",
    { [`maxwells_daemon_release_aborts_total${AT.replace("}", ',reason="verdict"}')}`]: "0 0 0 1x10" },
    true,
  ],
  [
    "a person aborts",
    "was aborted",
    { [`maxwells_daemon_release_aborts_total${AT.replace("}", ',reason="person"}')}`]: "0 0 0 1x10" },
    false,
  ],
];

describe.skipIf(missing !== undefined)("the alert", () => {
  for (const [what, words, series, fires] of CASES) {
    test(`"${words}" ${fires ? "fires" : "does not fire"} if ${what}`, () => {
      const alertname = alertOf(words);
      const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }));
      const silent = { eval_time: "10m", alertname, exp_alerts: [] };
      writeFileSync(
        join(directory, "tests.yml"),
        JSON.stringify({
          rule_files: ["rules.yml"],
          tests: [{ interval: "1m", input_series, alert_rule_test: [silent] }],
        }),
      );
      const { status, text } = promtool(["test", "rules", "tests.yml"]);
      // promtool says which alert it got, if it expected none.
      expect(text).toContain(fires ? "got:" : "SUCCESS");
      expect(status).toBe(fires ? 1 : 0);
    });
  }
});
