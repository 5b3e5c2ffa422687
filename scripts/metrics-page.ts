/** Makes docs/metrics.md: every row of the table, the reasons, queries for Prometheus, and the alerts. */

import { FAILURES, METRICS } from "../src/monitors/metrics-list.ts";
import { ABORT_REASON_TEXTS } from "../src/overview/abort-reasons.ts";
import { REASONS } from "../src/placement.ts";
import { alerts } from "./alerts.ts";

export interface Example {
  readonly title: string;
  readonly query: string;
}

export const EXAMPLES: readonly Example[] = [
  {
    title: "The share of visitors that canary serves; compare it with `maxwells_daemon_rollout`",
    query: [
      'sum by (application) (rate(maxwells_daemon_decisions_total{location="canary"}[5m]))',
      "  / sum by (application) (rate(maxwells_daemon_decisions_total[5m]))",
    ].join("\n"),
  },
  {
    title: "The same share for visitors that proxies place under a lease, from the proxies' reports",
    query: [
      'sum by (application) (rate(maxwells_daemon_reported_total{location="canary"}[5m]))',
      "  / sum by (application) (rate(maxwells_daemon_reported_total[5m]))",
    ].join("\n"),
  },
  {
    title: "The time within which the daemon answers 99 of 100 requests",
    query:
      "histogram_quantile(0.99, sum by (le) (rate(maxwells_daemon_decision_duration_seconds_bucket[5m])))",
  },
  {
    title: "The releases that run, once each: each daemon has them, so take the largest value",
    query: 'max by (application, version) (maxwells_daemon_release_phase{phase="running"}) == 1',
  },
];

/** The page docs/metrics.md. */
export function metricsPage(): string {
  const prometheus = METRICS.map(({ name, type, labels, unit, help }) => [
    code(name),
    type,
    labels.map(code).join(", "),
    unit,
    help,
  ]);
  const statsd = METRICS.flatMap((metric) =>
    (metric.statsd ?? []).map(({ name, tags, unit = metric.unit, of2016 }) => [
      code(name),
      metric.type,
      tags.map(code).join(", "),
      unit,
      of2016 ? "yes" : "",
      code(metric.name),
    ]),
  );
  const aborts = Object.entries(ABORT_REASON_TEXTS).map(([reason, meaning]) => [code(reason), meaning]);
  const reasons = Object.entries(REASONS).map(([reason, meaning]) => [code(reason), meaning]);
  return `# Metrics

<!-- Made from src/monitors/metrics-list.ts by \`npm run docs\`; edit that. -->

Prometheus can fetch the daemon's counts, and the daemon sends them as DogStatsD. Neither changes the version
that a visitor gets: for a request, the daemon only adds to numbers in its memory. If a monitor is slow,
absent or failing, only the log shows it. [Words](words.md) explains lease, arc and the other terms.

## Prometheus

At \`/metrics\` of the admin listener. A counter never falls while the daemon runs, even if a version disappears
from the store and comes back.

${markdownTable(["name", "type", "labels", "unit", "meaning"], prometheus)}

The admin listener is on loopback and has no login. It answers to addresses, to \`localhost\` and to names of
\`-admin-host\`. If a Prometheus on another machine must fetch the page, put nginx in front and leave the
listener on loopback:

\`\`\`nginx
server {
    listen 9100;
    location = /metrics {
        allow 10.0.0.5;   # the machine of Prometheus
        deny all;
        proxy_pass http://127.0.0.1:6293;
    }
}
\`\`\`

## DogStatsD

Sent over UDP to \`-statsd HOST:PORT\` (127.0.0.1:8125 by default; \`none\` turns it off). The daemon resolves a
name every ten seconds. If no statsd listens on the same machine, the kernel refuses the packets, and the log
says so once. If you gave \`-statsd\` an address, the log repeats it every hour. The daemon adds up the counts
that it could not send, and sends them later.

${markdownTable(["name", "type", "tags", "unit", "as in 2016", "the same as"], statsd)}

The column *as in 2016* marks the names that [the daemon of 2016](from-2016.md) sent with every request. Now
the daemon adds the counts up and sends them once a second, with the same meaning:

- The line of a counter has its growth since the line before.
- The line of a histogram has no exact time, but the middle of a range of times. Its sample rate shows the
  number of requests in this range:
  \`maxwellsdaemon.server.delay:0.0075|h|@0.001\` is a thousand requests that took 5 to 10 µs.
- The tag \`location\` is as in 2016. All other tags are new, also those of names from 2016.
- \`maxwellsdaemon.handler.failure\` counts decisions with the reasons ${FAILURES.map(code).join(", ")}.
- \`maxwellsdaemon.snapshot.age\` is not sent before the first snapshot.
- The daemon does not read \`DD_…\` variables of the environment.

## Reasons

${markdownTable(["reason", "meaning"], reasons)}

## Reasons of aborts

The label \`reason\` of \`maxwells_daemon_release_aborts_total\`. It is never the text of a person; \`history\` has
that.

${markdownTable(["reason", "meaning"], aborts)}

## Questions to ask, in PromQL

${EXAMPLES.map(exampleText).join("\n\n")}

## Alerts

[integrations/prometheus/rules.yml](../integrations/prometheus/rules.yml) has an alert for each of these. Its
expressions are there alone. [Monitoring](monitoring.md) says how to use the file, what follows for visitors,
and what to do.

${markdownTable(["alert", "it has lasted", "severity"], alertRows())}

Each daemon has the state of each release in its snapshots, also a daemon with \`-releases off\`. So rules about
releases take the largest value of all daemons. There are series for the release that goes on; if none does,
for the last release of the application. An application without a release has none.
`;
}

function alertRows(): string[][] {
  return alerts().map(({ alert, for: lasts, labels }) => {
    return [`[${code(alert)}](monitoring.md#${alert.toLowerCase()})`, lasts ?? "", labels.severity];
  });
}

function exampleText({ title, query }: Example): string {
  return `${title}:\n\n\`\`\`promql\n${query}\n\`\`\``;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}
