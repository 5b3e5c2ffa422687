/**
 * The alerts of integrations/prometheus/rules.yml, by promtool: each one fires with these words, and is
 * silent beside it. `alerts.test.ts` has some of them with a real daemon.
 */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { alerts, RULES_FILE } from "../../scripts/alerts.ts";
import { ABORT_LABEL } from "../../src/alerts/read-alerts.ts";
import { METRICS } from "../../src/monitors/metrics-list.ts";
import { prometheusMissing } from "../support/prometheus.ts";
import { promtool } from "../support/promtool.ts";

const missing = prometheusMissing();

const directory = mkdtempSync(join(tmpdir(), "mwd-rules-"));
afterAll(() => rmSync(directory, { recursive: true }));

const ROOT = join(import.meta.dir, "../..");
const PROMETHEUS = dirname(RULES_FILE);

interface Fires {
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

interface Case {
  readonly alert: string;
  readonly what: string;
  /** Values of one interval each, in promtool's notation. */
  readonly series: Readonly<Record<string, string>>;
  /** A minute by default. */
  readonly interval?: string;
  /** In intervals. */
  readonly at: number;
  /** The alert that fires; undefined for none. */
  readonly fires?: Fires;
}

const JOB = 'job="maxwells-daemon",instance="web-1"';
const ON_WEB_1 = { job: "maxwells-daemon", instance: "web-1" };
const RELEASE = 'application="shop",version="canary"';
const OF_RELEASE = { application: "shop", version: "canary" };
const daemon = (name: string, labels = "", job = JOB) =>
  `maxwells_daemon_${name}{${[labels, job].filter((each) => each !== "").join(",")}}`;
const release = (name: string, labels = "", job = JOB) =>
  daemon(name, labels === "" ? RELEASE : `${RELEASE},${labels}`, job);
const RUNNING = release("release_phase", 'phase="running"');
const WEB_2 = JOB.replace("web-1", "web-2");

/** An alert that fires does so at that time, and an interval before it does not. */
const CASES: readonly Case[] = [
  {
    ...{ alert: "MaxwellsDaemonAway", what: "a daemon is gone", at: 3 },
    series: { [`up{${JOB}}`]: "1 1 0x9" },
    fires: { labels: ON_WEB_1, summary: "Prometheus cannot fetch the metrics of the daemon web-1" },
  },
  {
    ...{ alert: "MaxwellsDaemonAway", what: "no daemon is scraped at all", at: 1 },
    series: { 'up{job="other",instance="x"}': "1x10" },
    fires: {
      labels: { job: "maxwells-daemon" },
      summary: "Prometheus cannot fetch the metrics of the daemon ",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonAway", what: "a daemon restarts", at: 5 },
    series: { [`up{${JOB}}`]: "1 1 0 1x9" },
  },
  {
    ...{ alert: "MaxwellsDaemonStoreStale", what: "two of three applications are stale", at: 2 },
    series: {
      [daemon("fresh", 'application="shop"')]: "1 0x9",
      [daemon("fresh", 'application="blog"')]: "1 0x9",
      [daemon("fresh", 'application="wiki"')]: "1x10",
    },
    fires: { labels: ON_WEB_1, summary: "web-1 cannot read its store: 2 applications are stale" },
  },
  {
    ...{ alert: "MaxwellsDaemonStoreStale", what: "all are fresh", at: 9 },
    series: { [daemon("fresh", 'application="shop"')]: "1x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonSocketGone", what: "its file is gone", at: 2 },
    series: { [daemon("listening", 'server="line unix:/a.sock"')]: "1 0x9" },
    fires: {
      labels: { ...ON_WEB_1, server: "line unix:/a.sock" },
      summary: "No proxy can connect to line unix:/a.sock of web-1",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonSocketGone", what: "the store alone is stale", at: 9 },
    series: { [daemon("listening", 'server="line"')]: "1x10", [daemon("ready")]: "0x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonConnectionsRefused", what: "one was refused", at: 3 },
    series: { [daemon("connections_refused_total", 'server="line"')]: "0 0 0 1x9" },
    fires: { labels: { ...ON_WEB_1, server: "line" }, summary: "web-1 refuses connections of line" },
  },
  {
    ...{ alert: "MaxwellsDaemonConnectionsRefused", what: "that was long ago", at: 20 },
    series: { [daemon("connections_refused_total", 'server="line"')]: "0 1x30" },
  },
  {
    ...{ alert: "MaxwellsDaemonRecordsMalformed", what: "a record is malformed", at: 6 },
    series: { [daemon("records_malformed", 'application="shop"')]: "0 1x9" },
    fires: { labels: { application: "shop" }, summary: "1 records of shop cannot be used" },
  },
  {
    ...{ alert: "MaxwellsDaemonRecordsMalformed", what: "none is", at: 9 },
    series: { [daemon("records_malformed", 'application="shop"')]: "0x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonRecordsMissing", what: "the store came back empty", at: 16 },
    series: { [daemon("records", 'application="shop"')]: "2 0x30" },
    fires: { labels: { application: "shop" }, summary: "The store has no record of shop" },
  },
  {
    ...{ alert: "MaxwellsDaemonRecordsMissing", what: "one daemon has not read the records yet", at: 29 },
    series: {
      [daemon("records", 'application="shop"')]: "0x30",
      [daemon("records", 'application="shop"', WEB_2)]: "2x30",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonRolloutsDiffer", what: "one daemon does not follow", at: 3 },
    series: {
      [release("rollout")]: "0.05 0.25x9",
      [release("rollout", "", WEB_2)]: "0.05x10",
    },
    fires: { labels: OF_RELEASE, summary: "Daemons disagree about canary of shop" },
  },
  {
    ...{ alert: "MaxwellsDaemonRolloutsDiffer", what: "the other one follows a minute later", at: 9 },
    series: {
      [release("rollout")]: "0.05 0.25x9",
      [release("rollout", "", WEB_2)]: "0.05 0.05 0.25x9",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonOutcomesClosed", what: "another program has the address", at: 3 },
    series: { [daemon("outcomes_open", 'source="udp"')]: "1 0x9" },
    fires: { labels: { ...ON_WEB_1, source: "udp" }, summary: "web-1 does not hear outcomes over udp" },
  },
  {
    ...{ alert: "MaxwellsDaemonOutcomesClosed", what: "it is open", at: 9 },
    series: { [daemon("outcomes_open", 'source="udp"')]: "1x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonOutcomesDropped", what: "a third of the reports is dropped", at: 11 },
    series: {
      [daemon("outcomes_total", 'source="udp",class="good"')]: "0+200x30",
      [daemon("outcomes_dropped_total", 'source="udp",reason="busy"')]: "0+100x30",
    },
    fires: { labels: ON_WEB_1, summary: "web-1 drops 33.33% of the reported outcomes" },
  },
  {
    ...{ alert: "MaxwellsDaemonOutcomesDropped", what: "one in two hundred is", at: 29 },
    series: {
      [daemon("outcomes_total", 'source="udp",class="good"')]: "0+199x30",
      [daemon("outcomes_dropped_total", 'source="udp",reason="busy"')]: "0+1x30",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonEvidenceShort", what: "memory is short", at: 16 },
    series: { [daemon("evidence_short")]: "0 3x30" },
    fires: {
      labels: ON_WEB_1,
      summary: "web-1 has too little memory for the evidence of 3 releases",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonEvidenceShort", what: "it is not", at: 29 },
    series: { [daemon("evidence_short")]: "0x30" },
  },
  {
    ...{ alert: "MaxwellsDaemonNoticesLost", what: "they wait", at: 11 },
    series: { [daemon("notices_waiting", 'to="hooks"')]: "0 11x30" },
    fires: { labels: { ...ON_WEB_1, to: "hooks" }, summary: "Notices of releases do not reach hooks" },
  },
  {
    ...{ alert: "MaxwellsDaemonNoticesLost", what: "one waits", at: 29 },
    series: { [daemon("notices_waiting", 'to="hooks"')]: "1x30" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseNotLed", what: "all leaders are gone", at: 3 },
    series: { [RUNNING]: "1x10", [release("release_leaders")]: "1 0x9" },
    fires: { labels: OF_RELEASE, summary: "No daemon leads the release of canary of shop" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseNotLed", what: "no daemon has -releases on", at: 2 },
    series: { [RUNNING]: "1x10" },
    fires: { labels: OF_RELEASE, summary: "No daemon leads the release of canary of shop" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseNotLed", what: "another daemon leads it", at: 9 },
    series: {
      [RUNNING]: "1x10",
      [release("release_leaders")]: "0x10",
      [release("release_leaders", "", WEB_2)]: "1x10",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseNotLed", what: "the release is over", at: 9 },
    series: { [RUNNING]: "0x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseNothingHeard", what: "reports have stopped", at: 4 },
    series: { [RUNNING]: "1x10", [release("judge_silent")]: "0 1x9" },
    fires: {
      labels: OF_RELEASE,
      summary: "Outcomes of the release of canary of shop are not reported",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseNothingHeard", what: "the release is paused", at: 9 },
    series: { [RUNNING]: "0x10", [release("judge_silent")]: "1x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseMisrouted", what: "the sign place stands", at: 1 },
    series: { [release("sign", 'name="place"')]: "0 1x9" },
    fires: {
      labels: OF_RELEASE,
      summary: "Visitors of shop are served by another version than ordered, in the release of canary",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseMisrouted", what: "another sign stands", at: 9 },
    series: { [release("sign", 'name="back"')]: "1x10", [release("sign", 'name="place"')]: "0x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseSign", what: "the sign back stands", at: 1 },
    series: { [release("sign", 'name="back"')]: "0 1x9" },
    fires: {
      labels: { ...OF_RELEASE, name: "back" },
      summary: "The sign back holds the release of canary of shop back",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseSign", what: "the sign place stands", at: 9 },
    series: { [release("sign", 'name="place"')]: "1x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseOverridden", what: "the record cannot be written", at: 2 },
    series: { [release("release_override")]: "_ 1x9" },
    fires: {
      labels: OF_RELEASE,
      summary: "canary of shop was taken back, and the record does not say so",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseOverridden", what: "it is written soon", at: 9 },
    series: { [release("release_override")]: "_ 1 stale" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseAborted", what: "a verdict aborts", at: 3 },
    series: { [release("release_aborts_total", 'reason="verdict"')]: "0 0 0 1x9" },
    fires: {
      labels: { ...OF_RELEASE, reason: "verdict" },
      summary: "The release of canary of shop was aborted: verdict",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseAborted", what: "a person aborts", at: 9 },
    series: { [release("release_aborts_total", 'reason="person"')]: "0 0 0 1x9" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseStuck", what: "writes fail", at: 6 },
    series: { [release("release_stuck")]: "0 1x9" },
    fires: {
      labels: OF_RELEASE,
      summary: "A daemon cannot go on with the release of canary of shop",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseStuck", what: "the release cannot be read", at: 5 },
    series: { [release("release_unreadable")]: "1x9" },
    fires: {
      labels: OF_RELEASE,
      summary: "A daemon cannot go on with the release of canary of shop",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseStuck", what: "all goes well", at: 9 },
    series: { [release("release_stuck")]: "0x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseWaitsTooLong", what: "a step lasts a day", at: 25, interval: "1h" },
    series: { [RUNNING]: "1x30", [release("release_since_seconds")]: "0x30" },
    fires: {
      labels: OF_RELEASE,
      summary: "The release of canary of shop has been in one step for 1d 1h 0m 0s",
    },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseWaitsTooLong", what: "the release is over", at: 25, interval: "1h" },
    series: { [RUNNING]: "0x30", [release("release_since_seconds")]: "0x30" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleasePaused", what: "it is paused", at: 31 },
    series: { [release("release_phase", 'phase="paused"')]: "0 1x60" },
    fires: { labels: OF_RELEASE, summary: "The release of canary of shop is paused" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleasePaused", what: "a person resumes it in time", at: 59 },
    series: { [release("release_phase", 'phase="paused"')]: "0 1x20 0x60" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseStepsDiffer", what: "one daemon is behind", at: 3 },
    series: { [release("release_step")]: "2 3x9", [release("release_step", "", WEB_2)]: "2x10" },
    fires: { labels: OF_RELEASE, summary: "Daemons do not see the same step of canary of shop" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleaseStepsDiffer", what: "all go on", at: 9 },
    series: { [release("release_step")]: "2 3x9", [release("release_step", "", WEB_2)]: "2 3x9" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleasesFrozen", what: "a freeze lasts a day", at: 25, interval: "1h" },
    series: { [daemon("releases_frozen")]: "0 1x30" },
    fires: { labels: {}, summary: "All releases have been frozen for a day" },
  },
  {
    ...{ alert: "MaxwellsDaemonReleasesFrozen", what: "it ends in the evening", at: 25, interval: "1h" },
    series: { [daemon("releases_frozen")]: "0 1x10 0x20" },
  },
  {
    ...{ alert: "MaxwellsDaemonCannotWrite", what: "the store is read-only", at: 6 },
    series: { [daemon("controller_ready")]: "1 0x9" },
    fires: { labels: ON_WEB_1, summary: "web-1 may not write its store, so it leads no release" },
  },
  {
    ...{ alert: "MaxwellsDaemonCannotWrite", what: "it can", at: 9 },
    series: { [daemon("controller_ready")]: "1x10" },
  },
  {
    ...{ alert: "MaxwellsDaemonWritesFail", what: "each minute one fails", at: 7 },
    series: { [daemon("controller_failures_total")]: "0 0+1x30" },
    fires: { labels: ON_WEB_1, summary: "web-1 fails again and again to lead its releases" },
  },
  {
    ...{ alert: "MaxwellsDaemonWritesFail", what: "one fails", at: 9 },
    series: { [daemon("controller_failures_total")]: "0 1x30" },
  },
];

const ALERTS = alerts();
const named = (name: string) => {
  const found = ALERTS.find(({ alert }) => alert === name);
  if (found === undefined) throw new Error(`no alert ${name}`);
  return found;
};

function expected({ alert, fires }: Case): readonly object[] {
  if (fires === undefined) return [];
  const { labels, annotations } = named(alert);
  return [
    {
      exp_labels: { ...labels, ...fires.labels },
      exp_annotations: { ...annotations, summary: fires.summary },
    },
  ];
}

/** Such as `3m`. */
const timeOf = (intervals: number, interval: string) =>
  interval.replace(/^\d+/, (count) => String(intervals * Number(count)));

function testOf(each: Case) {
  const { alert, series, at, fires, interval = "1m" } = each;
  const alertname = alert;
  const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  const before = { eval_time: timeOf(at - 1, interval), alertname, exp_alerts: [] };
  const then = { eval_time: timeOf(at, interval), alertname, exp_alerts: expected(each) };
  const alert_rule_test = fires === undefined ? [then] : [before, then];
  return {
    ...{ rule_files: [RULES_FILE], evaluation_interval: interval },
    tests: [{ interval, input_series, alert_rule_test }],
  };
}

test("each alert has a case in which it fires, and one in which it is silent", () => {
  for (const { alert } of ALERTS) {
    const own = CASES.filter((each) => each.alert === alert);
    expect([alert, own.some(({ fires }) => fires), own.some(({ fires }) => !fires)]).toEqual([
      ...[alert, true, true],
    ]);
  }
});

describe.skipIf(missing !== undefined)("the alert", () => {
  test.each(CASES.map((each) => [each.alert, each.fires ? "fires" : "is silent", each.what, each] as const))(
    "%s %s if %s",
    (alert, _, what, each) => {
      const file = join(directory, `${alert} ${what}.json`);
      writeFileSync(file, JSON.stringify(testOf(each)));
      const { status, text } = promtool(["test", "rules", file]);
      expect(text).toContain("SUCCESS");
      expect(status).toBe(0);
    },
  );
});

describe.skipIf(missing !== undefined)("promtool takes", () => {
  test("the rules, as they are and with its own lint", () => {
    const { status, text } = promtool(["check", "rules", "--lint=all", "--lint-fatal", RULES_FILE]);
    expect(text).toContain(`${ALERTS.length} rules found`);
    expect(status).toBe(0);
  });

  test("the rule on the page of monitoring, with the label that aborts", () => {
    const page = readFileSync(join(ROOT, "docs/monitoring.md"), "utf8");
    const [, rule = ""] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const rules = Bun.YAML.parse(rule) as readonly { readonly labels: Readonly<Record<string, string>> }[];
    expect(rules.map(({ labels }) => labels[ABORT_LABEL])).toEqual(["shop"]);
    const file = join(directory, "of the page.json");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "page", rules }] }));
    expect(promtool(["check", "rules", file])).toMatchObject({ status: 0 });
  });

  test("the sample of a configuration, with the files that it names", () => {
    const { status, text } = promtool(["check", "config", "prometheus.yml"], "", PROMETHEUS);
    expect(text).toContain("1 rule files found");
    expect(status).toBe(0);
    const targets = Bun.YAML.parse(readFileSync(join(PROMETHEUS, "daemons.yml"), "utf8"));
    expect(targets).toEqual([{ targets: expect.arrayContaining(["web-1.example.com:9100"]) }]);
  });
});

describe("the rules", () => {
  test("name only metrics and labels that the daemon has", () => {
    const known = new Map(METRICS.map(({ name, labels }) => [name, labels]));
    for (const { alert, expr } of ALERTS) {
      for (const [, name = "", , labels = ""] of expr.matchAll(/\b(maxwells_daemon_\w+)(\{([^}]*)\})?/g)) {
        expect(known.keys().toArray(), alert).toContain(name);
        for (const [, label] of labels.matchAll(/(\w+)(?:!?=)/g))
          expect(known.get(name), alert).toContain(label ?? "");
      }
    }
  });

  test("have a severity, and the reason of each time is a comment", () => {
    const text = readFileSync(RULES_FILE, "utf8");
    for (const { alert, labels, for: lasts } of ALERTS) {
      expect(["critical", "warning"]).toContain(labels.severity);
      const own = text.slice(text.indexOf(`- alert: ${alert}\n`)).split("\n      - alert:")[0] ?? "";
      if (lasts === undefined) expect(own, alert).toContain('# No "for": ');
      else expect(own, alert).toMatch(/^ +# .*\n +for: /m);
    }
  });

  test("each have a section on the page of monitoring, and no section is left over", () => {
    const page = readFileSync(join(ROOT, "docs/monitoring.md"), "utf8");
    const sections = Array.from(page.matchAll(/^### `(MaxwellsDaemon\w+)`$/gm), ([, name]) => name ?? "");
    expect(sections).toEqual(ALERTS.map(({ alert }) => alert));
    for (const { alert, annotations } of ALERTS) {
      expect(annotations.runbook).toBe(`docs/monitoring.md#${alert.toLowerCase()}`);
    }
  });
});
