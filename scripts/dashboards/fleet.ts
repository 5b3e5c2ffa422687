/** The dashboard of all daemons. */

import { type DashboardRow, OF_FLEET as OF } from "./row.ts";

/** A line at zero for each daemon, because a count that never occurred has no series. */
const ZERO = `0 * max by (instance) (maxwells_daemon_ready{${OF}})`;
const rate = (metric: string) => `rate(${metric}{${OF}}[$__rate_interval])`;

const YES = { text: "yes", isBad: false };
const NO = { text: "NO", isBad: true };

export const FLEET: DashboardRow = {
  uid: "maxwells-daemon-fleet",
  title: "maxwells-daemon: the fleet",
  description: "All daemons: whether they answer, how old their data is, who leads, and what they drop.",
  variables: {
    job: { label: "Job", query: "label_values(maxwells_daemon_build_info, job)" },
  },
  sections: [
    {
      title: "The daemons",
      panels: [
        {
          ...{ title: "Answers", kind: "states", width: 8, words: { 0: NO, 1: YES } },
          description:
            "Whether Prometheus can fetch the metrics of the daemon. If not, its visitors are at master.",
          queries: [{ expr: `max by (instance) (up{${OF}})`, legend: "{{instance}}" }],
        },
        {
          ...{ title: "Ready", kind: "states", width: 8, words: { 0: NO, 1: YES } },
          description: "Whether each snapshot is fresh, and each socket is there.",
          queries: [{ expr: `max by (instance) (maxwells_daemon_ready{${OF}})`, legend: "{{instance}}" }],
        },
        {
          ...{ title: "Proxies can connect", kind: "states", width: 8, words: { 0: NO, 1: YES } },
          description:
            "Each server of each daemon. NO: the file of its socket is gone, or is another program's.",
          queries: [
            {
              expr: `min by (instance, server) (maxwells_daemon_listening{${OF}})`,
              legend: "{{instance}} {{server}}",
            },
          ],
        },
        {
          ...{ title: "Oldest data", kind: "lines", width: 12, unit: "s" },
          description:
            "The age of the oldest snapshot of each daemon. Beyond -unhealthy, visitors of that application go to master.",
          queries: [
            {
              expr: `max by (instance) (maxwells_daemon_snapshot_age_seconds{${OF}})`,
              legend: "{{instance}}",
            },
          ],
        },
        {
          ...{ title: "Stale applications", kind: "lines", width: 12 },
          description: "Applications whose visitors are all at master, because the store cannot be read.",
          queries: [
            {
              expr: `sum by (instance) (maxwells_daemon_fresh{${OF}} == bool 0)`,
              legend: "{{instance}}",
            },
          ],
        },
        {
          ...{ title: "Versions", kind: "numbers", width: 24, namesOnly: true },
          description: "The versions of the daemons.",
          queries: [
            {
              expr: `count by (version, runtime) (maxwells_daemon_build_info{${OF}})`,
              legend: "{{version}}, {{runtime}}",
            },
          ],
        },
      ],
    },
    {
      title: "Releases",
      panels: [
        {
          ...{ title: "Releases under way", kind: "table", width: 12 },
          description: "All releases that are running, paused or promoted.",
          columns: ["application", "version", "phase"],
          queries: [
            {
              expr: `max by (application, version, phase) (maxwells_daemon_release_phase{${OF},phase=~"running|paused|promoted"}) == 1`,
              legend: "",
            },
          ],
        },
        {
          ...{ title: "Leaders", kind: "table", width: 12 },
          description: "The daemons that lead each release. One leader is enough.",
          columns: ["application", "version", "instance"],
          queries: [
            {
              expr: `max by (application, version, instance) (maxwells_daemon_release_leading{${OF}}) == 1`,
              legend: "",
            },
          ],
        },
        {
          ...{ title: "Step that each daemon sees", kind: "lines", width: 12 },
          description: "A daemon that sees an older step does not follow the store.",
          queries: [
            {
              expr: `max by (instance, application, version) (maxwells_daemon_release_step{${OF}})`,
              legend: "{{instance}} {{application}} {{version}}",
            },
          ],
        },
        {
          ...{ title: "Can write", kind: "states", width: 6, words: { 0: NO, 1: YES } },
          description: "Whether each daemon with -releases on can write its store.",
          queries: [
            { expr: `max by (instance) (maxwells_daemon_controller_ready{${OF}})`, legend: "{{instance}}" },
          ],
        },
        {
          ...{ title: "Frozen", kind: "numbers", width: 6 },
          description: "A freeze holds all releases back.",
          queries: [{ expr: `max(maxwells_daemon_releases_frozen{${OF}})`, legend: "releases" }],
          words: { 0: { text: "no", isBad: false }, 1: { text: "FROZEN", isBad: true } },
        },
      ],
    },
    {
      title: "Visitors and reports",
      panels: [
        {
          ...{ title: "Decisions", kind: "lines", width: 8, unit: "reqps" },
          description: "The decisions of each daemon in a second.",
          queries: [
            {
              expr: `sum by (instance) (${rate("maxwells_daemon_decisions_total")})`,
              legend: "{{instance}}",
            },
          ],
        },
        {
          ...{ title: "Time to decide, 99 of 100", kind: "lines", width: 8, unit: "s" },
          description: "99 of 100 requests are answered within this time.",
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (instance, le) (${rate("maxwells_daemon_decision_duration_seconds_bucket")}))`,
              legend: "{{instance}}",
            },
          ],
        },
        {
          ...{ title: "Connections", kind: "lines", width: 8 },
          description: "Connections that are open, by server.",
          queries: [
            {
              expr: `sum by (instance, server) (maxwells_daemon_connections{${OF}})`,
              legend: "{{instance}} {{server}}",
            },
          ],
        },
        {
          ...{ title: "Connections refused", kind: "lines", width: 8, unit: "ops" },
          description:
            "Connections that were closed at once because of a limit. Their visitors are at master.",
          queries: [
            {
              expr: `sum by (instance, server) (${rate("maxwells_daemon_connections_refused_total")})`,
              legend: "{{instance}} {{server}}",
            },
          ],
        },
        {
          ...{ title: "Outcomes heard", kind: "lines", width: 8, unit: "ops" },
          description: "Reports of outcomes in a second, by their door.",
          queries: [
            {
              expr: `sum by (instance, source) (${rate("maxwells_daemon_outcomes_total")})`,
              legend: "{{instance}} {{source}}",
            },
          ],
        },
        {
          ...{ title: "Outcomes dropped", kind: "lines", width: 8, unit: "ops" },
          description: "Reports that do not count, by reason. docs/monitoring.md says what to do.",
          queries: [
            {
              expr: `sum by (instance, reason) (${rate("maxwells_daemon_outcomes_dropped_total")}) or ${ZERO}`,
              legend: "{{instance}} {{reason}}",
            },
          ],
        },
      ],
    },
    {
      title: "Resources",
      panels: [
        {
          ...{ title: "Memory", kind: "lines", width: 6, unit: "bytes" },
          description: "Resident memory, and the part of it for the evidence of releases.",
          queries: [
            { expr: `max by (instance) (process_resident_memory_bytes{${OF}})`, legend: "{{instance}}" },
            {
              expr: `max by (instance) (maxwells_daemon_evidence_bytes{${OF}})`,
              legend: "{{instance}} evidence",
            },
          ],
        },
        {
          ...{ title: "Processor", kind: "lines", width: 6, unit: "percentunit" },
          description: "The part of one processor.",
          queries: [
            { expr: `max by (instance) (${rate("process_cpu_seconds_total")})`, legend: "{{instance}}" },
          ],
        },
        {
          ...{ title: "Open files", kind: "lines", width: 6 },
          description: "File descriptors, of which each connection has one.",
          queries: [{ expr: `max by (instance) (process_open_fds{${OF}})`, legend: "{{instance}}" }],
        },
        {
          ...{ title: "Notices that wait", kind: "lines", width: 6 },
          description: "Notices of releases that an address has not taken yet.",
          queries: [
            {
              expr: `sum by (instance, to) (maxwells_daemon_notices_waiting{${OF}}) or ${ZERO}`,
              legend: "{{instance}} {{to}}",
            },
          ],
        },
      ],
    },
  ],
};
