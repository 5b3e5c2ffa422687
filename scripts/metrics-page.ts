/** Makes docs/metrics.md: every row of the table, the reasons, queries for Prometheus, and the alerts. */

import { otlpAttribute } from "../src/monitors/metric.ts";
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

/** The variables of OpenTelemetry that the daemon honours. */
const OTLP_VARIABLES: readonly (readonly [names: string, meaning: string])[] = [
  [
    "`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`",
    "the collector; the second one is the whole address, with its path",
  ],
  [
    "`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_METRICS_HEADERS`",
    "headers of each request, such as `authorization=Bearer%20KEY`. Their values are secrets: no flag has them, and the log hides them",
  ],
  ["`OTEL_METRIC_EXPORT_INTERVAL`", "milliseconds between two requests; 60000 if not set"],
  [
    "`OTEL_METRIC_EXPORT_TIMEOUT`",
    "milliseconds until a part is given up; 30000 if not set, and at most the interval",
  ],
  [
    "`OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_EXPORTER_OTLP_METRICS_TIMEOUT`",
    "milliseconds for all attempts to send a part; 10000 if not set",
  ],
  ["`OTEL_EXPORTER_OTLP_COMPRESSION`", "`gzip` or `none`"],
  [
    "`OTEL_EXPORTER_OTLP_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_KEY`",
    "files for TLS: the authority of the collector's certificate, and the daemon's own certificate and key",
  ],
  [
    "`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`",
    "`cumulative`: the sum since the daemon began. `delta`: the growth since the last time, as Datadog and Dynatrace want it",
  ],
  [
    "`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`",
    "attributes of the daemon, such as `deployment.environment.name=production`",
  ],
  [
    "`OTEL_METRICS_EXPORTER=none`, `OTEL_SDK_DISABLED=true`",
    "nothing is sent, unless `-otlp` names a collector",
  ],
  [
    "`OTEL_EXPORTER_OTLP_PROTOCOL`",
    "with `grpc` nothing is sent, unless `-otlp` names a collector: the daemon does not speak gRPC",
  ],
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
  const otlp = METRICS.flatMap(({ name, labels, otlp }) => {
    if (otlp === undefined) return [];
    const attributes = Object.keys(otlp.attributes ?? {}).concat(labels);
    const cells = [
      code(otlp.name),
      otlp.kind,
      attributes.map((label) => code(otlpAttribute(label, otlp))).join(", "),
    ];
    return [[...cells, code(otlp.unit), code(name)]];
  });
  const aborts = Object.entries(ABORT_REASON_TEXTS).map(([reason, meaning]) => [code(reason), meaning]);
  const reasons = Object.entries(REASONS).map(([reason, meaning]) => [code(reason), meaning]);
  return `# Metrics

<!-- Made from src/monitors/metrics-list.ts by \`npm run docs\`; edit that. -->

Prometheus can fetch the daemon's counts, and the daemon sends them as DogStatsD and to OpenTelemetry. None of
them changes the version that a visitor gets: for a request, the daemon only adds to numbers in its memory. If
a monitor is slow, absent or failing, only the log shows it. [Words](words.md) explains lease, arc and the
other terms.

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

## OpenTelemetry

Sent by OTLP over HTTP (\`http/protobuf\`), once a minute, to \`-otlp URL\`. That is a collector of OpenTelemetry,
or any program that takes OTLP. [integrations/opentelemetry](../integrations/opentelemetry/README.md) has a
configuration for a collector.

\`\`\`sh
maxwells-daemon -otlp http://127.0.0.1:4318
\`\`\`

The path \`/v1/metrics\` is added if the address does not end with it. Without \`-otlp\`, the variables of
OpenTelemetry count, as in other programs: if OTEL_EXPORTER_OTLP_ENDPOINT is set, the daemon sends its metrics
there. \`-otlp none\` turns that off. The log names the address and the setting that it comes from.

${markdownTable(["variable", "meaning"], OTLP_VARIABLES)}

${markdownTable(["name", "type", "attributes", "unit", "the same as"], otlp)}

- Names, units and attributes follow the semantic conventions. If a collector hands the metrics on to
  Prometheus, a metric has the same name there as in the table of Prometheus above. A fraction of 1 also ends
  in \`_ratio\`. Labels begin with \`maxwells_daemon_\`.
- The resource has \`service.name\`, \`service.version\`, \`service.instance.id\`, \`host.name\`, \`process.pid\`,
  \`process.creation.time\`, and name and version of the runtime. \`service.instance.id\` is new at each start;
  OTEL_RESOURCE_ATTRIBUTES can fix it.
- If the collector is gone, slow or refuses the metrics, the daemon gives up this minute, and tries again in
  the next one. The log says so once, with the reason, and once more when metrics arrive again. Nothing is
  kept in a queue. A sum then has a gap in time, and loses nothing.
- With \`delta\`, growth that the collector did not take is sent the next time. If only the answer was lost, the
  collector has it twice.
- The daemon follows no redirect, and reads at most 4 MiB of an answer.
- At its end the daemon sends once more, and waits for that at most half a second.
- A daemon without a collector does not load the code of OpenTelemetry.

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
