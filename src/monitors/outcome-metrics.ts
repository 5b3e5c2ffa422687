/** The metrics of outcomes: what proxies and applications report, and what of it does not count. */

import type { Metric } from "./metric.ts";

export const OUTCOME_METRICS: readonly Metric[] = [
  {
    name: "maxwells_daemon_outcomes_total",
    type: "counter",
    unit: "reports",
    otlp: { name: "maxwells_daemon.outcomes", unit: "{report}", kind: "counter" },
    labels: ["source", "class"],
    help:
      "Reports of outcomes, by their door (udp, otlp, line, http) and class. The class is good or error. It is left if the " +
      "visitor went away, and undecided if the daemon did not decide the request.",
    *read({ outcomes }) {
      for (const { source, class: kind, count } of outcomes.allHeard()) {
        yield { labels: { source, class: kind }, value: count };
      }
    },
  },
  {
    name: "maxwells_daemon_outcomes_dropped_total",
    type: "counter",
    unit: "reports",
    otlp: { name: "maxwells_daemon.outcomes_dropped", unit: "{report}", kind: "counter" },
    labels: ["source", "reason"],
    help:
      "Reports that do not count, by reason. The reason begins with unreadable if the report cannot be read. It is foreign if " +
      "the sender may not report, and busy or kernel if the daemon had no time. The log has examples.",
    *read({ outcomes }) {
      for (const { source, reason, count } of outcomes.allDropped()) {
        yield { labels: { source, reason }, value: count };
      }
    },
  },
  {
    name: "maxwells_daemon_outcomes_open",
    type: "gauge",
    unit: "0 or 1",
    otlp: { name: "maxwells_daemon.outcomes_open", unit: "{door}", kind: "updowncounter" },
    labels: ["source"],
    help: "1 while the daemon has the address at which it hears outcomes, -outcomes; 0 while another program has it.",
    *read({ outcomes }) {
      for (const [source, isOpen] of outcomes.doors) yield { labels: { source }, value: Number(isOpen) };
    },
  },
  {
    name: "maxwells_daemon_evidence_bytes",
    type: "gauge",
    unit: "bytes",
    otlp: { name: "maxwells_daemon.evidence", unit: "By", kind: "updowncounter" },
    labels: [],
    help: "The memory of the evidence of all releases that are under way. 0 without a release.",
    read: ({ evidence }) => (evidence === undefined ? [] : [{ labels: {}, value: evidence.bytes }]),
  },
  {
    name: "maxwells_daemon_evidence_short",
    type: "gauge",
    unit: "releases",
    otlp: { name: "maxwells_daemon.evidence_short", unit: "{release}", kind: "updowncounter" },
    labels: [],
    help:
      "Releases of which this daemon counts a part of the new visitors only, because the memory for evidence is short. It " +
      "finds a bad version later there, and says ok later.",
    read: ({ evidence }) => (evidence === undefined ? [] : [{ labels: {}, value: evidence.shortReleases }]),
  },
];
