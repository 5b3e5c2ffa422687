/** The page docs/metrics.md: every row of the table, the reasons, and what to ask Prometheus. */

import { FAILURES, METRICS } from "../src/monitors/metrics-list.ts";
import { REASONS } from "../src/placement.ts";

const EXAMPLES: readonly { readonly title: string; readonly query: string }[] = [
  {
    title:
      "Alert: the snapshot is older than `-unhealthy`, or was never read, so everyone is at master, except in versions that hold",
    query: "maxwells_daemon_fresh == 0",
  },
  {
    title: "Alert: a record cannot be used, and counts as 0 %",
    query: "maxwells_daemon_records_malformed > 0",
  },
  {
    title:
      "Alert: the store has no record of an application: its name is misspelt, or the store came back empty",
    query: "maxwells_daemon_records == 0",
  },
  {
    title: "Alert: not ready, or gone",
    query: 'maxwells_daemon_ready == 0 or up{job="maxwells-daemon"} == 0',
  },
  {
    title: "The share of visitors that canary serves, to be held against `maxwells_daemon_rollout`",
    query: [
      'sum by (application) (rate(maxwells_daemon_decisions_total{location="canary"}[5m]))',
      "  / sum by (application) (rate(maxwells_daemon_decisions_total[5m]))",
    ].join("\n"),
  },
  {
    title: "The same of visitors that proxies place by themselves, under a lease, as they report it",
    query: [
      'sum by (application) (rate(maxwells_daemon_reported_total{location="canary"}[5m]))',
      "  / sum by (application) (rate(maxwells_daemon_reported_total[5m]))",
    ].join("\n"),
  },
  {
    title: "Alert: daemons of the fleet disagree about a rollout",
    query: [
      "max by (application, version) (maxwells_daemon_rollout)",
      "  - min by (application, version) (maxwells_daemon_rollout) > 0",
    ].join("\n"),
  },
  {
    title: "The time within which 99 of 100 requests are answered",
    query:
      "histogram_quantile(0.99, sum by (le) (rate(maxwells_daemon_decision_duration_seconds_bucket[5m])))",
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
  const reasons = Object.entries(REASONS).map(([reason, meaning]) => [code(reason), meaning]);
  return `# Metrics

<!-- Made from src/monitors/metrics-list.ts by \`npm run docs\`; edit that. -->

What the daemon counts can be fetched by Prometheus and is sent as DogStatsD. Neither changes an answer: the path of a
request only bumps numbers, and a monitor that is slow, absent or failing is noticed by the log alone.

## Prometheus

At \`/metrics\` of the admin listener. Counters never fall while the daemon runs, also when a version disappears from
the store and comes back.

${markdownTable(["name", "type", "labels", "unit", "meaning"], prometheus)}

The admin listener is on loopback, has no login, and answers to addresses, to \`localhost\` and to names of \`-admin-host\`. To let
a Prometheus on another machine fetch the page, put nginx before it, and leave the listener as it is:

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

Sent over UDP to \`-statsd HOST:PORT\` (127.0.0.1:8125 by default; \`none\` turns it off). A name is resolved every
ten seconds. A statsd that takes nothing is told in the log once, and again every hour if it was asked for by name; what
could not be sent goes out later, added up.

${markdownTable(["name", "type", "tags", "unit", "as in 2016", "the same as"], statsd)}

The daemon of 2016 sent these names with every request. They now go out added up, once a second, with the same meaning:

- A counter's line carries how much it has grown; what the socket refused goes out with the next second.
- The histogram's line carries the middle of a bucket, and in its sample rate how many observations it stands for:
  \`maxwellsdaemon.server.delay:0.0075|h|@0.001\` is a thousand requests that took 5 to 10 µs.
- \`location\` is tagged as it was; the other tags are new.
- \`maxwellsdaemon.handler.failure\` counts decisions with the reasons ${FAILURES.map(code).join(", ")}.
- \`maxwellsdaemon.snapshot.age\` is not sent before the first snapshot.
- \`DD_…\` variables of the environment are not read.

## Reasons

${markdownTable(["reason", "meaning"], reasons)}

## Questions to ask, in PromQL

${EXAMPLES.map(({ title, query }) => `${title}:\n\n\`\`\`promql\n${query}\n\`\`\``).join("\n\n")}
`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}
