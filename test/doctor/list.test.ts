/** The order of the checks: a cause comes before its consequences, and doctor's page names every check. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Check } from "../../src/doctor/check.ts";
import { DaemonSide } from "../../src/doctor/daemon-side.ts";
import { causing, fail, pass, warn } from "../../src/doctor/finding.ts";
import { CHECKS } from "../../src/doctor/list.ts";
import { reportPage } from "../../src/doctor/report.ts";
import { runChecks } from "../../src/doctor/run.ts";

test("the page's table has every check, in the order in which they run", () => {
  const page = readFileSync(join(import.meta.dir, "../../docs/doctor.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, id]) => id);
  expect(rows).toEqual(CHECKS.map(({ id }) => id));
});

test("every cause that a check follows is itself a check, and the checks of the site follow access to the socket", () => {
  const ids = CHECKS.map(({ id }) => id);
  for (const { id, follows = [] } of CHECKS) {
    for (const cause of follows) expect([id, ids.includes(cause)]).toEqual([id, true]);
  }
  for (const id of ["split", "sticky", "forged", "outage"]) {
    expect(CHECKS.find((check) => check.id === id)?.follows).toContain("socket-access");
  }
});

/** Runs these checks without a daemon and without a site. */
async function runOf(...checks: Check[]) {
  const options = {
    ...{ probes: 10, mayBreak: false, allowForce: false, stateDirectory: null, proxies: [] },
    storeFlags: [],
    tell: () => {},
    random: () => 0.5,
  };
  return runChecks(options, new DaemonSide(null, null, undefined), undefined, checks);
}

function check(id: string, follows: readonly string[], finding: ReturnType<typeof pass>): Check {
  return { id, title: `title of ${id}`, follows, run: async () => finding };
}

test("a consequence is skipped and names its earliest cause; a failure without consequences skips no check", async () => {
  const { checks } = await runOf(
    check("machine", [], fail("broken", "mend it")),
    check("first", ["machine"], causing(warn("odd", "look"), "nothing is there")),
    check("second", [], causing(fail("worse", "mend it"), "it is gone")),
    check("third", ["second", "first"], pass("well")),
    check("fourth", ["third", "machine"], pass("well")),
  );
  expect(checks.map(({ id, verdict, summary }) => [id, verdict, summary])).toEqual([
    ["machine", "fail", "broken"],
    ["first", "warn", "odd"],
    ["second", "fail", "worse"],
    ["third", "skipped", "nothing is there (see first)"],
    ["fourth", "pass", "well"],
  ]);
});

test("the page has causes first, then failures, warnings, passed and skipped checks, and counts each kind", async () => {
  const found = await runOf(
    check("good", [], pass("well")),
    check("odd", [], warn("odd", "look")),
    check("bad", [], fail("broken", "mend it")),
    check("cause", [], causing(fail("worse", "mend it first"), "it is gone")),
    check("late", ["cause"], pass("well")),
  );
  expect(reportPage({ version: "0", url: "http://127.0.0.1/", ...found })).toBe(
    [
      "FAIL  cause  worse",
      "             do: mend it first",
      "FAIL  bad    broken",
      "             do: mend it",
      "warn  odd    odd",
      "             do: look",
      "pass  good   title of good",
      "             well",
      "skip  late   not run, because it is gone (see cause)",
      "",
      "1 passed, 1 warned, 2 failed, 1 skipped",
      "",
    ].join("\n"),
  );
});
