/** The reporting by the daemon's counts alone: a silent daemon, and silent proxies among those that ask. */

import { expect, test } from "bun:test";
import type { ProbesPage } from "../../../src/admin/probes.ts";
import { judgeCounts } from "../../../src/doctor/reporting/counted.ts";
import { emptyServerCounts } from "../../../src/metrics.ts";

type Counts = Readonly<Record<string, number>>;

function judge(decisions: number, answers: Counts, heard: Counts) {
  const servers = Object.entries(answers).map(([protocol, success]) => ({
    ...emptyServerCounts({
      protocol,
      address: { kind: "unix", path: `/run/${protocol}` },
      listens: true,
      leasesTo: null,
    }),
    success,
  }));
  const placed = [{ location: "master", reason: "drawn", count: decisions }];
  const page: ProbesPage = {
    ...{ address: null, doors: {}, dropped: [], probes: [] },
    heard: (["udp", "otlp", "line", "http"] as const).map((source) => {
      return { source, class: "good" as const, count: heard[source] ?? 0 };
    }),
  };
  return judgeCounts({ servers, applications: [{ decisions: placed, reported: [] }] }, page);
}

test("few decisions prove nothing", () => {
  expect(judge(12, { line: 12 }, {}).verdict).toBe("skipped");
});

test("many decisions without a report are a warning", () => {
  const { verdict, summary, remedy } = judge(5_000, { line: 5_000 }, {});
  expect([verdict, summary]).toEqual([
    "warn",
    "no proxy reports: since the daemon started: 5000 decisions, 0 reports of outcomes",
  ]);
  expect(remedy).toContain("-url");
});

test("proxies that ask over HTTP and report over none of its doors are named, beside nginx that reports over the line", () => {
  const { verdict, summary } = judge(2_000, { line: 2_000, http: 1_000 }, { line: 1_000 });
  expect(verdict).toBe("warn");
  expect(summary).toStartWith("the proxies that ask over http unix:/run/http (1000 answers) seem to report");
});

test("proxies that ask over the line and do not report over it are named, if others may be the reporters", () => {
  expect(judge(2_000, { line: 1_000, http: 1_000 }, { udp: 1_000 }).summary).toStartWith(
    "the proxies that ask over line unix:/run/line (1000 answers) seem to report nothing",
  );
  expect(judge(1_000, { line: 1_000 }, { udp: 1_000 }).verdict).toBe("pass");
});

test("reports over the line do not count as questions for decisions", () => {
  expect(judge(1_000, { line: 5_000, http: 1_000 }, { line: 4_950, udp: 900 }).verdict).toBe("pass");
});
