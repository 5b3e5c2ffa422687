/** The files that took longest, because a run should stay short, and one slow file at its end holds it up. */

import type { FileRun } from "./tally.ts";

const MS_A_SECOND = 1_000;
const COLUMN = 7;

/**
 * The lines of a table: the seconds of each file, and those of a processor that it used with its programs.
 * The longest file comes first.
 *
 * @param most this number of files at most
 */
export function longestLines(runs: readonly FileRun[], most: number): string[] {
  const longest = [...runs].sort((a, b) => b.wallMs - a.wallMs).slice(0, most);
  const processorMs = runs.reduce((sum, run) => sum + run.processorMs, 0);
  return [
    `── the longest of ${runs.length} files; all of them used ${seconds(processorMs)} s of a processor`,
    `${"s".padStart(COLUMN)} ${"cpu s".padStart(COLUMN)}`,
    ...longest.map((run) => {
      const times = [run.wallMs, run.processorMs].map((ms) => seconds(ms).padStart(COLUMN));
      return `${times.join(" ")}  ${run.file}${run.pattern === undefined ? "" : `: ${run.pattern}`}`;
    }),
  ];
}

function seconds(ms: number): string {
  return (ms / MS_A_SECOND).toFixed(1);
}
