/** The examples of docs/checks.md, run as they are against the programs for which they are written. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CHECK_KINDS } from "../../src/checks/list.ts";
import { checks, type NamedCheck } from "../../src/checks/named-checks.ts";
import { CheckRunner, type Harm } from "../../src/checks/runner.ts";
import { loadSettings, Problems } from "../../src/config/load.ts";
import { ALL_TABLES, allOptions } from "../../src/daemon/all-options.ts";
import { plans } from "../../src/releases/named-plans.ts";
import { SYSTEM_TIMERS } from "../../src/timers.ts";
import { SUBJECT } from "../support/checks.ts";
import { eventually } from "../support/eventually.ts";
import { type FlaggerTester, startFlaggerTester } from "../support/flagger-tester.ts";
import { KeptLog } from "../support/logged.ts";
import { type Prometheus, prometheusMissing, startPrometheus } from "../support/prometheus.ts";

const PAGE = readFileSync(join(import.meta.dir, "../../docs/checks.md"), "utf8");

/** The blocks of a language, in the order of the page. */
function blocks(language: string): string[] {
  return Array.from(
    PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm")),
    ([, text = ""]) => text,
  );
}

/** The block with this table, in which each address is another one. Checks are asked more often. */
function example(table: string, from: string, to: string): string {
  const text = blocks("toml").find((block) => block.includes(table)) ?? "";
  expect(text).toContain(from);
  return text
    .replaceAll(from, to)
    .replaceAll(/^every = .*$/gm, "")
    .replaceAll(/^(kind = .*)$/gm, '$1\nevery = "1s"');
}

function load(file: string) {
  const sources = { argv: ["-config", "x"], environment: {}, readFile: () => file };
  const loaded = loadSettings(sources, { options: allOptions(), tables: ALL_TABLES });
  if (loaded instanceof Problems) throw new Error(loaded.messages.join("\n"));
  return loaded.settings;
}

function runnerOf(named: readonly NamedCheck[]) {
  const harms: Harm[] = [];
  const runner = new CheckRunner({
    ...{ checks: named, environment: {}, clock: () => performance.now(), timers: SYSTEM_TIMERS },
    ...{ log: new KeptLog(), onHarm: (harm: Harm) => harms.push(harm) },
  });
  return { runner, harms };
}

test("each example is a valid file, and each kind has one", () => {
  const files = blocks("toml").map(load);
  const kinds = files.flatMap((settings) => settings.get(checks).map(({ kind }) => kind));
  expect([...new Set(kinds)].sort()).toEqual(CHECK_KINDS.map(({ name }) => name).sort());
  for (const settings of files) {
    const names = settings.get(checks).map(({ name }) => name);
    const wanted = settings.get(plans).flatMap(({ plan }) => plan.steps.flatMap(({ wait }) => wait.checks));
    if (wanted.length > 0) expect([...new Set(wanted)].sort()).toEqual([...names].sort());
  }
});

describe("the webhooks of the page, with Flagger's load tester", () => {
  let tester: FlaggerTester;
  beforeAll(() => {
    tester = startFlaggerTester();
  });
  afterAll(() => tester.stop());

  /** Runs a line of the page: curl's -d and the address. */
  async function curl(path: string): Promise<void> {
    const line = blocks("sh")
      .flatMap((block) => block.split("\n"))
      .find((each) => each.includes(path));
    const [, body] = /-d '([^']+)'/.exec(line ?? "") ?? [];
    expect(line).toContain(`http://flagger-loadtester.test${path}`);
    await fetch(`${tester.url}${path}`, { method: "POST", body: body ?? "" });
  }

  test("the gate opens, the load test starts, and the brake takes the release back", async () => {
    const settings = load(example("[checks.gate]", "http://flagger-loadtester.test", tester.url));
    const [first, second] = settings.get(plans).find(({ name }) => name === "gated")?.plan.steps ?? [];
    const { runner, harms } = runnerOf(settings.get(checks));
    const subject = { ...SUBJECT, step: 1, steps: 3, rollout: 0.01 };
    runner.follow(subject, first?.wait.checks ?? []);
    await eventually(() => runner.answers(subject).get("gate") === false, "the gate is closed");
    await curl("/gate/open");
    await eventually(() => runner.answers(subject).get("gate") === true, "the gate is open");

    const next = { ...subject, seq: 5, step: 2, rollout: 0.5 };
    runner.follow(next, second?.wait.checks ?? []);
    await eventually(() => runner.answers(next).size === 2, "both answer");
    expect(Object.fromEntries(runner.answers(next))).toEqual({ load: true, brake: true });
    expect(tester.tasks[0]?.metadata).toMatchObject({ type: "cmd", step: "2", rollout: "0.5" });
    await curl("/rollback/open");
    await eventually(() => harms.length > 0, "the brake");
    expect(harms[0]?.why).toBe(
      `check brake says harm: ${tester.url} asks to take the release back (status 200)`,
    );
    runner.close();
  });

  test("the body of the POST is the one on the page", async () => {
    const file = `[checks.load]\nkind = "webhook"\nurl = "${tester.url}/"\nmetadata = { cmd = "x" }`;
    const { runner } = runnerOf(load(file).get(checks));
    const subject = { ...SUBJECT, step: 1, steps: 3, rollout: 0.01 };
    tester.tasks.length = 0;
    runner.follow(subject, ["load"]);
    await eventually(() => tester.tasks.length > 0, "a task");
    runner.close();
    const shown = JSON.parse(blocks("json")[0] ?? "") as { metadata: object };
    expect(tester.tasks[0]).toEqual({ ...shown, metadata: { ...shown.metadata, cmd: "x" } } as never);
  });
});

describe.skipIf(prometheusMissing() !== undefined)("the query of the page, with a real Prometheus", () => {
  /** Requests so far by version and code. They grow with each scrape. */
  const counts = new Map<string, number>();
  const growth = new Map<string, number>();
  const target = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(metrics()) });
  let prometheus: Prometheus;

  function metrics(): string {
    for (const [name, by] of growth) counts.set(name, (counts.get(name) ?? 0) + by);
    return [...counts]
      .map(([name, count]) => {
        const [version, code] = name.split(" ");
        return `http_requests_total{application="website",version="${version}",code="${code}"} ${count}\n`;
      })
      .join("");
  }

  beforeAll(async () => {
    prometheus = await startPrometheus(`
global: { scrape_interval: 200ms, scrape_timeout: 200ms }
scrape_configs:
  - { job_name: website, static_configs: [{ targets: ["127.0.0.1:${target.port}"] }] }
`);
  });

  afterAll(async () => {
    await prometheus?.stop();
    await target.stop(true);
  });

  test("no traffic is unknown, no errors pass, some wait, and many take the release back", async () => {
    const settings = load(example("harm =", "http://prometheus.internal:9090", prometheus.url));
    const { runner, harms } = runnerOf(settings.get(checks));
    const told = () => runner.told("website", "canary")[0];
    growth.set("master 500", 1_000);
    runner.follow(SUBJECT, ["errors"]);
    await eventually(() => told()?.sentence.includes("gives no row") ?? false, "no traffic");
    expect(runner.answers(SUBJECT).size).toBe(0);

    growth.set("canary 200", 1_000);
    await eventually(() => runner.answers(SUBJECT).get("errors") === true, "no errors", 30_000);
    expect(told()?.sentence).toBe("check errors passed: the query gives 0, and go is < 0.01");

    counts.set("canary 500", 0);
    growth.set("canary 500", 25);
    await eventually(() => told()?.kind === "waiting", "some errors", 30_000);
    expect(harms).toEqual([]);

    growth.set("canary 500", 100_000);
    await eventually(() => harms.length > 0, "harm", 30_000);
    expect(harms[0]?.why).toMatch(
      /^check errors says harm: the query gives 0\.\d+, and harm is > 0\.05, 2 times in a row$/,
    );
    runner.close();
  }, 60_000);
});
