/** The dashboard of one application. */

import { type DashboardRow, OF_APPLICATION as OF } from "./row.ts";

const DECISIONS = `rate(maxwells_daemon_decisions_total{${OF}}[$__rate_interval])`;
const REPORTED = `rate(maxwells_daemon_reported_total{${OF}}[$__rate_interval])`;

export const APPLICATION: DashboardRow = {
  uid: "maxwells-daemon-application",
  title: "maxwells-daemon: an application",
  description: "A release of one application: its step, the canary beside the control group, and the shares.",
  variables: {
    job: { label: "Job", query: "label_values(maxwells_daemon_build_info, job)" },
    application: {
      label: "Application",
      query: 'label_values(maxwells_daemon_fresh{job=~"$job"}, application)',
    },
  },
  sections: [
    {
      title: "The release",
      panels: [
        {
          ...{ title: "State", kind: "numbers", width: 6, namesOnly: true },
          description: "The state of the release that goes on, or else of the last one.",
          queries: [
            {
              expr: `max by (version, phase) (maxwells_daemon_release_phase{${OF}}) == 1`,
              legend: "{{version}} {{phase}}",
            },
          ],
        },
        {
          ...{ title: "Step", kind: "numbers", width: 5 },
          description: "The step of the release, and the number of steps of its plan.",
          queries: [
            { expr: `max by (version) (maxwells_daemon_release_step{${OF}})`, legend: "{{version}}" },
            { expr: `max by (version) (maxwells_daemon_release_steps{${OF}})`, legend: "of" },
          ],
        },
        {
          ...{ title: "In this state for", kind: "numbers", width: 4, unit: "s" },
          description: "The time since the last change of the release's state, step or rollout.",
          queries: [
            {
              expr: `time() - max by (version) (maxwells_daemon_release_since_seconds{${OF}})`,
              legend: "{{version}}",
            },
          ],
        },
        {
          ...{ title: "Daemons that lead it", kind: "numbers", width: 3 },
          description:
            "0 means that the release does not go forward, and that a bad version is not taken back.",
          queries: [
            { expr: `sum by (version) (maxwells_daemon_release_leading{${OF}})`, legend: "{{version}}" },
          ],
          words: { 0: { text: "NONE", isBad: true } },
        },
        {
          ...{ title: "Outcomes", kind: "numbers", width: 3 },
          description: "If outcomes are not reported, the judge is blind.",
          queries: [
            { expr: `max by (version) (maxwells_daemon_judge_silent{${OF}})`, legend: "{{version}}" },
          ],
          words: { 0: { text: "heard", isBad: false }, 1: { text: "NOT HEARD", isBad: true } },
        },
        {
          ...{ title: "Signs", kind: "numbers", width: 3 },
          description: "The signs that hold the release back until a person clears them.",
          queries: [
            {
              expr: `sum by (version) (max by (version, name) (maxwells_daemon_sign{${OF}}))`,
              legend: "{{version}}",
            },
          ],
          ...{ limit: 1, words: { 0: { text: "none", isBad: false } } },
        },
      ],
    },
    {
      title: "The canary beside the control group",
      panels: [
        {
          ...{ title: "Harm and not worse", kind: "lines", width: 12, unit: "percentunit", limit: 1 },
          description:
            "The logarithms of the judge's evidence, as parts of their limits. Harm at 100 % is an abort. Not worse at 100 % " +
            "meets one condition of ok. These are not probabilities.",
          queries: [
            { expr: `max by (version) (maxwells_daemon_judge_harm{${OF}})`, legend: "{{version}} harm" },
            {
              expr: `max by (version) (maxwells_daemon_judge_not_worse{${OF}})`,
              legend: "{{version}} not worse",
            },
          ],
        },
        {
          ...{ title: "Visitors who met something bad", kind: "lines", width: 12 },
          description:
            "In this release, each visitor once, by metric and side. Compare the sides with the share of the canary, and not with " +
            "each other.",
          queries: [
            {
              expr: `max by (version, metric, arm) (maxwells_daemon_judge_coins{${OF}})`,
              legend: "{{arm}} {{metric}}",
            },
          ],
        },
        {
          ...{ title: "Visitors that count for ok", kind: "lines", width: 12 },
          description: "Visitors of both versions in this step. It begins again with each step.",
          queries: [
            { expr: `max by (version) (maxwells_daemon_judge_visitors{${OF}})`, legend: "{{version}}" },
          ],
        },
        {
          ...{ title: "Outcomes heard", kind: "lines", width: 12, unit: "ops", isStacked: true },
          description:
            "Reports of outcomes in a second, by class. They are of all applications, because a report is counted before it is read.",
          queries: [
            {
              expr: 'sum by (class) (rate(maxwells_daemon_outcomes_total{job=~"$job"}[$__rate_interval]))',
              legend: "{{class}}",
            },
          ],
        },
      ],
    },
    {
      title: "Shares and decisions",
      panels: [
        {
          ...{ title: "Share: ordered and seen", kind: "lines", width: 12, unit: "percentunit" },
          description:
            "The share that the record orders, and the share of the decisions. Proxies that decide by themselves are seen only if " +
            "they report.",
          queries: [
            { expr: `max by (version) (maxwells_daemon_rollout{${OF}})`, legend: "{{version}} ordered" },
            {
              expr: [
                `sum by (location) (${DECISIONS} or ${REPORTED})`,
                `  / on () group_left () sum(${DECISIONS} or ${REPORTED})`,
              ].join("\n"),
              legend: "{{location}} seen",
            },
          ],
        },
        {
          ...{ title: "Decisions by location", kind: "lines", width: 6, unit: "reqps", isStacked: true },
          description: "Decisions in a second, with those that proxies make by themselves and report.",
          queries: [{ expr: `sum by (location) (${DECISIONS} or ${REPORTED})`, legend: "{{location}}" }],
        },
        {
          ...{ title: "Decisions by reason", kind: "lines", width: 6, unit: "reqps", isStacked: true },
          description: "The daemon's own decisions in a second. docs/metrics.md explains the reasons.",
          queries: [{ expr: `sum by (reason) (${DECISIONS})`, legend: "{{reason}}" }],
        },
      ],
    },
    {
      title: "The daemons and their store",
      panels: [
        {
          ...{ title: "Age of the snapshot", kind: "lines", width: 8, unit: "s" },
          description:
            "The time since each daemon asked the store. Beyond -unhealthy all visitors go to master.",
          queries: [
            {
              expr: `max by (instance) (maxwells_daemon_snapshot_age_seconds{${OF}})`,
              legend: "{{instance}}",
            },
          ],
        },
        {
          ...{ title: "Lease", kind: "lines", width: 8, unit: "s" },
          description:
            "The time for which proxies may still use the shares if the store is not read any more.",
          queries: [
            { expr: `min by (instance) (maxwells_daemon_lease_seconds{${OF}})`, legend: "{{instance}}" },
          ],
        },
        {
          ...{ title: "Reads of the store", kind: "lines", width: 8, unit: "ops" },
          description: "Reads in a second, by result.",
          queries: [
            {
              expr: `sum by (result) (rate(maxwells_daemon_store_reads_total{${OF}}[$__rate_interval]))`,
              legend: "{{result}}",
            },
          ],
        },
      ],
    },
  ],
};
