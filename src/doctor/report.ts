/** What a doctor says: the documented shape for programs (docs/doctor.md), and a page for people. */

import { aligned, oneLine } from "../text.ts";
import type { Finding, Verdict } from "./check.ts";
import type { RunningProxy } from "./proxies.ts";

export interface CheckReport extends Finding {
  readonly id: string;
  readonly title: string;
  readonly tookMs: number;
}

export interface Report {
  /** Of this program. */
  readonly version: string;
  /** Without user, password and query; null without `-url`. */
  readonly url: string | null;
  /** Whether a daemon or the site answered at all. */
  readonly isAnybodyThere: boolean;
  readonly proxies: readonly RunningProxy[];
  readonly checks: readonly CheckReport[];
}

const VERDICTS: readonly Verdict[] = ["pass", "warn", "fail", "skipped"];

/** The report as JSON has it. */
export function reportJson({ version, url, proxies, checks }: Report) {
  return {
    version,
    url,
    counts: countsOf(checks),
    proxies: proxies.map(({ workers: _, ...shown }) => shown),
    checks: checks.map(({ remedy = null, ...check }) => ({ ...check, remedy })),
  };
}

/** The report as people read it: a line a check, and below each one that is not well, what to do. */
export function reportPage({ checks, url }: Report): string {
  const idWidth = Math.max(...checks.map(({ id }) => id.length));
  const lines = checks.map(({ verdict, id, title, summary, remedy }) => {
    const head = `${word(verdict).padEnd(4)}  ${id.padEnd(idWidth)}  `;
    const indent = " ".repeat(head.length);
    const more = remedy === undefined ? [] : [`${indent}do: ${oneLine(remedy)}`];
    const first = verdict === "pass" ? title : verdict === "skipped" ? `not looked at: ${summary}` : summary;
    const second = verdict === "pass" ? [`${indent}${oneLine(summary)}`] : [];
    return [`${head}${oneLine(first)}`, ...second, ...more].map((line) => `${line}\n`).join("");
  });
  const counts = Object.entries(countsOf(checks)).map(
    ([verdict, count]) => `${count} ${TOTALS[verdict as Verdict]}`,
  );
  const hint =
    url === null
      ? "\nName the address that visitors come to, and doctor sends some: -url http://127.0.0.1/\n"
      : "";
  return `${lines.join("")}\n${aligned([[counts.join(", ")]])}${hint}`;
}

const TOTALS: Readonly<Record<Verdict, string>> = {
  pass: "passed",
  warn: "to look at",
  fail: "failed",
  skipped: "not looked at",
};

function word(verdict: Verdict): string {
  if (verdict === "fail") return "FAIL";
  return verdict === "skipped" ? "–" : verdict;
}

export function countsOf(checks: readonly CheckReport[]): Record<Verdict, number> {
  const counts = { pass: 0, warn: 0, fail: 0, skipped: 0 };
  for (const verdict of VERDICTS)
    counts[verdict] = checks.filter((check) => check.verdict === verdict).length;
  return counts;
}
