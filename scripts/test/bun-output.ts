/** Reads the output of `bun test`. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The last such line counts, because a program that a test starts may print one too. */
function last(output: string, word: string): number {
  const lines = [...output.matchAll(new RegExp(`^ *(\\d+) ${word}$`, "gm"))];
  return Number(lines.at(-1)?.[1] ?? 0);
}

/**
 * @param output what one process of `bun test` wrote to stderr
 * @param status how it ended; a process that ended badly and named no failure has failed once
 */
export function countsOf(output: string, status: number): Counts {
  const failed = last(output, "fail");
  return {
    passed: last(output, "pass"),
    failed: status !== 0 && failed === 0 ? 1 : failed,
    skipped: last(output, "skip"),
  };
}

/** A line after which the report of the next case begins: the last line of a case, or the name of a file. */
const ENDS_REPORT = /^\((?:pass|fail|skip|todo)\) |^(?:::group::)?\S+\.test\.ts:$/;

/** A failed case's name. The time after it differs when bun lists the failed cases again at the end. */
const FAILED = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/;

/** Lines for GitHub's log viewer, which bun writes there. They would count twice. */
const FOR_GITHUB = /^::(?:error|endgroup)\b/;

/** The report of a failed case has this many lines at most: the error, and then its name. */
const REPORT_LINES_MAX = 40;

/** The lines are cut to this length, because a program's log may have very long ones. */
const LINE_LENGTH_MAX = 400;

/** This many failed cases of one file are reported at most. */
const REPORTS_MAX = 5;

/**
 * The names of the failed cases, each after its error. If the process ended badly and named none, the last
 * lines of its output.
 *
 * @param output what one process of `bun test` wrote to stderr
 */
export function failuresOf(output: string): readonly string[] {
  const lines = output
    .trimEnd()
    .split("\n")
    .filter((line) => !FOR_GITHUB.test(line));
  const reports = new Map<string, string>();
  let begin = 0;
  for (const [index, line] of lines.entries()) {
    if (!ENDS_REPORT.test(line)) continue;
    const [, name] = FAILED.exec(line) ?? [];
    if (name !== undefined && !reports.has(name)) reports.set(name, reportOf(lines.slice(begin, index + 1)));
    begin = index + 1;
  }
  if (reports.size === 0) return [reportOf(lines)];
  const more = reports.size - REPORTS_MAX;
  const shown = [...reports.values()].slice(0, REPORTS_MAX);
  return more <= 0 ? shown : [...shown, `and more failed cases: ${more}`];
}

function reportOf(lines: readonly string[]): string {
  return lines
    .slice(-REPORT_LINES_MAX)
    .map((line) => line.slice(0, LINE_LENGTH_MAX))
    .join("\n");
}
