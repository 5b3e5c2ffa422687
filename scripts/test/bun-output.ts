/** Reads the last lines of `bun test`. */

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
