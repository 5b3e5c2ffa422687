/** The files that took longest are named at the end of a run. */

import { expect, test } from "bun:test";
import { longestLines } from "../../scripts/test/longest.ts";

const run = (file: string, wallMs: number, pattern?: string) => ({
  ...{ file, wallMs, pattern, processorMs: 1_500 },
  ...{ passed: 1, failed: 0, failures: [] },
});

test("the longest file comes first, with its part, and the processor time of all is summed", () => {
  const runs = [
    run("test/a.test.ts", 900),
    run("test/b.test.ts", 61_000, "nginx"),
    run("test/c.test.ts", 20),
  ];
  expect(longestLines(runs, 2)).toEqual([
    "── the longest of 3 files; all of them used 4.5 s of a processor",
    "      s   cpu s",
    "   61.0     1.5  test/b.test.ts: nginx",
    "    0.9     1.5  test/a.test.ts",
  ]);
});
