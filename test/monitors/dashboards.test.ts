/**
 * The dashboards of integrations/grafana: they name only metrics that there are, and each of their queries
 * returns figures from a real Prometheus that scrapes the daemon of the demo.
 */

import "../support/long.ts";
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dashboardFiles } from "../../scripts/dashboards/dashboard.ts";
import { METRICS } from "../../src/monitors/metrics-list.ts";
import { eventually } from "../support/eventually.ts";
import { PROGRAM } from "../support/program.ts";
import { type Prometheus, prometheusMissing, startPrometheus } from "../support/prometheus.ts";

const missing = prometheusMissing();

const ROOT = join(import.meta.dir, "../..");
const NAMES = ["application", "fleet"] as const;

/** The story of the demo takes a minute, and longer on a busy machine. */
const STORY_MS_MAX = 150_000;
const PACE = "1s";

/** The values of the variables in the demo. */
const VARIABLES = { datasource: "prometheus", job: "maxwells-daemon", application: "shop" } as const;

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
}

function dashboard(name: string): Dashboard {
  return JSON.parse(readFileSync(join(ROOT, `integrations/grafana/${name}.json`), "utf8")) as Dashboard;
}

interface Query {
  readonly where: string;
  readonly expr: string;
}

const queriesOf = (name: string): Query[] =>
  dashboard(name).panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, refId }) => ({ where: `${name}: ${title} (${refId})`, expr })),
  );

const QUERIES = NAMES.flatMap(queriesOf);

/** As Grafana fills in its variables. */
function filled(expr: string): string {
  return expr
    .replaceAll("$__rate_interval", "10s")
    .replaceAll(/\$(\w+)/g, (text, name: string) => VARIABLES[name as keyof typeof VARIABLES] ?? text);
}

describe.each(NAMES)("the dashboard %s", (name) => {
  test("is what the tables say; otherwise run npm run docs", () => {
    const path = `integrations/grafana/${name}.json`;
    expect(readFileSync(join(ROOT, path), "utf8") === dashboardFiles()[path]).toBe(true);
  });

  const { panels, templating, uid, schemaVersion } = dashboard(name);

  test("asks for the Prometheus when it is imported, and fits Grafana 10 and later", () => {
    expect([uid, schemaVersion]).toEqual([`maxwells-daemon-${name}`, 38]);
    expect(templating.list[0]).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
    for (const { type, datasource } of panels) {
      if (type !== "row") expect(datasource).toEqual({ type: "prometheus", uid: "$datasource" });
    }
  });

  test("has no variable that it does not define", () => {
    const known = [...templating.list.map((each) => each.name), "__rate_interval"];
    const texts = [...queriesOf(name).map(({ expr }) => expr), ...templating.list.map(({ query }) => query)];
    for (const text of texts) {
      for (const [, variable] of text.matchAll(/\$(\w+)/g)) expect(known, text).toContain(variable ?? "");
    }
  });

  test("names only metrics and labels that the daemon has", () => {
    const known = new Map(
      METRICS.map((metric) => [metric.name, [...metric.labels, "job", "instance", "le"]]),
    );
    for (const { where, expr } of queriesOf(name)) {
      for (const [, metric = "", selectors = ""] of expr.matchAll(
        /\b((?:maxwells_daemon|process)_\w+)\{([^}]*)\}/g,
      )) {
        const labels = known.get(metric.replace(/_bucket$/, ""));
        expect(labels, `${where}: ${metric}`).toBeDefined();
        for (const [, label] of selectors.matchAll(/(\w+)[!=]~?=?"/g))
          expect(labels, where).toContain(label ?? "");
      }
    }
  });

  test("has a description for each panel, ids of their own, and no panel on top of another", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, description = "", gridPos } of panels) {
      if (type !== "row") expect(description.length).toBeGreaterThan(20);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

/** A demo as a person starts it, in a directory of its own, with the proxy that it brings. */
async function startDemo() {
  const directory = mkdtempSync(join(tmpdir(), "mwd-dashboards-"));
  const child = Bun.spawn([PROGRAM, "demo", "-canary", "broken", "-proxy", "builtin", "-stay"], {
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", TMPDIR: directory },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  });
  let said = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) said += decoder.decode(bytes, { stream: true });
  })();
  const host = () => /http:\/\/(127\.0\.0\.1:\d+)\/ {2,}to act there/.exec(said)?.[1];
  await eventually(() => host() !== undefined, "the address of the page", 30_000);
  return {
    host: host() ?? "",
    said: () => said,
    async stop() {
      child.kill("SIGINT");
      await reading;
      await child.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function ask(
  prometheus: Prometheus,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<unknown> {
  const reply = await fetch(`${prometheus.url}/api/v1/${path}?${new URLSearchParams(query)}`);
  const answer = (await reply.json()) as {
    readonly status: string;
    readonly error?: string;
    readonly data: unknown;
  };
  if (answer.status !== "success") throw new Error(`${query["query"]}: ${answer.error}`);
  return answer.data;
}

/** Whether it returns a figure now. */
async function hasFigures(prometheus: Prometheus, expr: string): Promise<boolean> {
  const { result } = (await ask(prometheus, "query", { query: filled(expr) })) as {
    readonly result: readonly { readonly value: readonly [number, string] }[];
  };
  return result.some(({ value: [, value] }) => Number.isFinite(Number(value)));
}

test.skipIf(missing !== undefined)(
  "each query returns figures while the demo plays, and each variable has its values",
  async () => {
    const demo = await startDemo();
    try {
      const prometheus = await startPrometheus(
        JSON.stringify({
          global: { scrape_interval: PACE, scrape_timeout: PACE, evaluation_interval: PACE },
          scrape_configs: [{ job_name: VARIABLES.job, static_configs: [{ targets: [demo.host] }] }],
        }),
      );
      try {
        let empty: readonly Query[] = QUERIES;
        const look = async () => {
          const found = await Promise.all(empty.map(({ expr }) => hasFigures(prometheus, expr)));
          empty = empty.filter((_, at) => !found[at]);
          return empty.length === 0;
        };
        const begin = performance.now();
        while (!(await look()) && performance.now() - begin < STORY_MS_MAX) await Bun.sleep(500);
        expect(empty, demo.said()).toEqual([]);
        for (const { name, query } of NAMES.flatMap((each) => dashboard(each).templating.list)) {
          const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
          if (selector === undefined) continue;
          const values = await ask(prometheus, `label/${label}/values`, { "match[]": filled(selector) });
          expect([name, values]).toEqual([name, [VARIABLES[name as keyof typeof VARIABLES]]]);
        }
      } finally {
        await prometheus.stop();
      }
    } finally {
      await demo.stop();
    }
  },
  STORY_MS_MAX + 60_000,
);
