/** The report of doctor: JSON of a documented shape for programs (docs/doctor.md), and a page for people. */

import { oneLine } from "../text/one-line.ts";
import type { Finding, Verdict } from "./finding.ts";
import type { RunningProxy } from "./machine/proxies.ts";

export interface CheckReport extends Finding {
  readonly id: string;
  readonly title: string;
  readonly tookMs: number;
}

export interface DoctorReport {
  /** The version of this program. */
  readonly version: string;
  /** Without user, password and query; null without `-url`. */
  readonly url: string | null;
  /** Whether a daemon or the site answered at all. */
  readonly isAnybodyThere: boolean;
  readonly proxies: readonly RunningProxy[];
  readonly checks: readonly CheckReport[];
}

/** The report in the documented shape. */
export function reportJson({ version, url, proxies, checks }: DoctorReport) {
  return {
    version,
    url,
    counts: countsOf(checks),
    proxies: proxies.map(({ workers: _, pids: __, ...shown }) => shown),
    checks: checks.map(({ remedy = null, consequence: _, ...check }) => ({ ...check, remedy })),
  };
}

/** The page for people: causes first, then failures, warnings, passed checks and skipped checks. */
export function reportPage({ checks, url }: DoctorReport): string {
  const idWidth = Math.max(...checks.map(({ id }) => id.length));
  const lines = [...checks].sort((a, b) => rank(a) - rank(b)).map((check) => checkLines(check, idWidth));
  const counts = Object.entries(countsOf(checks)).map(
    ([verdict, count]) => `${count} ${TOTALS[verdict as Verdict]}`,
  );
  const hint =
    url === null
      ? "\nTo see what visitors get, name the address that they come to: -url http://127.0.0.1/\n"
      : "";
  return `${lines.join("")}\n${counts.join(", ")}\n${hint}`;
}

function checkLines({ verdict, id, title, summary, remedy }: CheckReport, idWidth: number): string {
  const head = `${WORDS[verdict]}  ${id.padEnd(idWidth)}  `;
  const texts = {
    pass: [title, summary],
    warn: [summary, `do: ${remedy}`],
    fail: [summary, `do: ${remedy}`],
    skipped: [`not run, because ${summary}`],
  }[verdict];
  return texts
    .map((text, index) => `${index === 0 ? head : " ".repeat(head.length)}${oneLine(text)}\n`)
    .join("");
}

function rank({ verdict, consequence }: CheckReport): number {
  return consequence === undefined ? ["fail", "warn", "pass", "skipped"].indexOf(verdict) : -1;
}

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: "pass",
  warn: "warn",
  fail: "FAIL",
  skipped: "skip",
};

const TOTALS: Readonly<Record<Verdict, string>> = {
  pass: "passed",
  warn: "warned",
  fail: "failed",
  skipped: "skipped",
};

export function countsOf(checks: readonly CheckReport[]): Record<Verdict, number> {
  const counts = { pass: 0, warn: 0, fail: 0, skipped: 0 };
  for (const { verdict } of checks) counts[verdict]++;
  return counts;
}
