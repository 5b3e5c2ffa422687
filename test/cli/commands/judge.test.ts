import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Random } from "../../support/random.ts";
import index from "../../vectors/judge-examples/index.json";
import { run, temporaryDirectory } from "../run.ts";

const EXAMPLES = join(import.meta.dir, "../../vectors/judge-examples");

const PLAN = [
  { at: 0, rollout: 0.5 },
  { at: 900, rollout: null },
];

/** Runs `judge` with files of these texts. */
async function judged(release: unknown, outcomes: string, ...argv: string[]) {
  using directory = temporaryDirectory();
  const paths = [directory.path("release.json"), directory.path("outcomes.jsonl")] as const;
  writeFileSync(paths[0], typeof release === "string" ? release : JSON.stringify(release));
  writeFileSync(paths[1], outcomes);
  const { status, stdout, stderr } = await run(["judge", ...paths, ...argv]);
  return { status, stdout, stderr: stderr.replaceAll(`${directory.path("")}/`, "") };
}

const lines = (outcomes: readonly object[]) => outcomes.map((each) => `${JSON.stringify(each)}\n`).join("");

/** Visitors without errors, each at two times. */
function soundVisitors(count: number): object[] {
  const random = new Random(5);
  const all = Array.from({ length: count }, () => {
    const u = random.fraction();
    return { u, location: u < 0.5 ? "canary" : "master", status: 200, ms: 20, brought: true };
  });
  return [20, 200, 500].flatMap((t) => all.map((each) => ({ t, ...each })));
}

describe("judge", () => {
  test("answers soon for a plan of a thousand years, and for a line of spaces without an end", async () => {
    const plan = [
      { at: 0, rollout: 0.5 },
      { at: 3e10, rollout: null },
    ];
    const outcome = { u: 0.1, location: "canary", status: 500, ms: 20 };
    const text = `${" ".repeat(300_000)}\n${lines([
      { t: 20, ...outcome },
      { t: 2e10, ...outcome, u: 0.2 },
    ])}{`;
    const { stderr } = await judged({ plan }, text);
    expect(stderr).toContain("line 4 of outcomes.jsonl");
    const whole = await judged({ plan }, text.slice(0, -1), "-o", "json");
    expect(JSON.parse(whole.stdout).coins.errors.flat()).toContain(1);
  }, 10_000);

  test.each(index.releases)("says of $file what the reference says, to the line", async (example) => {
    const { plan, offset, slowBoundsMs, file, reference } = example;
    using directory = temporaryDirectory();
    const path = directory.path("release.json");
    writeFileSync(path, JSON.stringify({ plan, offset, slowBoundsMs }));
    const { status, stdout } = await run(["judge", path, join(EXAMPLES, file), "-o", "json"]);
    const { abort, signs, passes, coins } = JSON.parse(stdout);
    const expected = reference.abort;
    expect(status).toBe(0);
    expect({ signs, passes, coins }).toEqual({
      signs: reference["signs raised"],
      passes: reference.passes,
      coins: reference["coins at the end"],
    });
    if (expected === null) expect(abort).toBe(null);
    else {
      const { line, t, metric, logTotal } = abort;
      expect({ line, t, metric }).toEqual({ line: expected.line, t: expected.t, metric: expected.metric });
      expect(logTotal).toBeCloseTo(expected.logTotal, 6);
    }
  });

  test("tells people why, with the figures of that moment", async () => {
    const example = index.releases.find(({ file }) => file.startsWith("14"));
    using directory = temporaryDirectory();
    const path = directory.path("release.json");
    writeFileSync(path, JSON.stringify(example));
    const { stdout } = await run(["judge", path, join(EXAMPLES, example?.file ?? "")]);
    expect(stdout).toStartWith(
      "the judge would have aborted this release at line 788, at 284.46 s (4m44s):\n" +
        "  5 of the 18 visitors who met errors were the canary's, 1 in 20 expected: ",
    );
    expect(stdout).toContain("step 2, 25%: the judge did not pass it\n");
    expect(stdout).toMatch(/^errors +8 \+ 32 +27 \+ 29 +54 \+ 15 +23 \+ 6$/m);
  });

  test("passes a step of a sound canary, at a whole minute", async () => {
    const { stdout } = await judged({ plan: PLAN }, lines(soundVisitors(2_500)), "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject({ abort: null, signs: {}, passes: [{ step: 1, t: 300 }] });
    const short = await judged({ plan: PLAN }, lines(soundVisitors(500)));
    expect(short.stdout).toContain("step 1, 50%: the judge did not pass it\n");
  });

  test("reads times of any beginning, gzip, and outcomes with little in them", async () => {
    const beginS = 1_764_417_600.5;
    const plan = PLAN.map(({ at, rollout }) => ({ at: at + beginS, rollout }));
    const failing = Array.from({ length: 20 }, (_, each) => ({
      ...{ t: beginS + 30 + each, u: each / 50, status: 500 },
    }));
    using directory = temporaryDirectory();
    const paths = [directory.path("release.json"), directory.path("outcomes.jsonl.gz")] as const;
    writeFileSync(paths[0], JSON.stringify({ plan }));
    writeFileSync(paths[1], gzipSync(`\n${lines(failing)}\n`));
    const { stdout } = await run(["judge", ...paths, "-o", "json"]);
    const { abort } = JSON.parse(stdout);
    expect(abort.metric).toBe("errors");
    expect(abort.t).toBe(beginS + 30 + abort.line - 2);
  });

  const good = { t: 20, u: 0.1, location: "canary", status: 200, ms: 5 };

  test.each([
    [{ ...good, t: "now" }, '"t" must be a number of seconds'],
    [{ ...good, u: 1 }, '"u" must be an assignment, a number from 0 to less than 1'],
    [{ ...good, location: "a b" }, '"location" must be the name of a version, or master'],
    [
      { ...good, status: 1_000 },
      '"status" must be the status of an answer, such as 200, or 0 if the visitor left',
    ],
    [{ ...good, ms: -1 }, '"ms" must be a number of milliseconds'],
    [{ ...good, brought: 1 }, '"brought" and "forced" must be true or false'],
    ["nonsense", "it is not a JSON object"],
  ])("names the line of a wrong outcome (%j)", async (outcome, wrong) => {
    const text = typeof outcome === "string" ? outcome : JSON.stringify(outcome);
    const { status, stderr } = await judged({ plan: PLAN }, `${JSON.stringify(good)}\n\n${text}\n`);
    expect([status, stderr]).toEqual([
      2,
      `maxwells-daemon: line 3 of outcomes.jsonl cannot be used: ${wrong}\n` +
        "  read maxwells-daemon help judge for the form of both files\n",
    ]);
  });

  test.each([
    ["[]", "it is not a JSON object"],
    [{ plan: [] }, 'its "plan" must be a list of steps such as { "at": 0, "rollout": 0.05 }'],
    [{ plan: [{ at: 0 }] }, 'step 1 of its "plan" has no "rollout" from 0 to 1'],
    [
      { plan: [...PLAN].reverse() },
      'step 1 of its "plan" has the rollout null, which ends the release, too early',
    ],
    [{ plan: [{ at: 9, rollout: 0.1 }, ...PLAN] }, 'step 2 of its "plan" begins before the step before it'],
    [{ plan: [{ at: 0, rollout: null }] }, 'its "plan" ends before the first step'],
    [{ plan: PLAN, offset: 1 }, 'its "offset" must be a number from 0 to less than 1'],
    [
      { plan: PLAN, slowBoundsMs: [5, 4] },
      'its "slowBoundsMs" must be a list of at most 3 ascending numbers',
    ],
  ])("says what is wrong with a release (%j)", async (release, wrong) => {
    const { status, stderr } = await judged(release, "");
    expect([status, stderr]).toEqual([
      2,
      `maxwells-daemon: release.json cannot be used: ${wrong}\n` +
        "  read maxwells-daemon help judge for the form of both files\n",
    ]);
  });

  test("says that a file is not there, is not gzip, or has nothing to judge", async () => {
    using directory = temporaryDirectory();
    const path = directory.path("release.json");
    writeFileSync(path, JSON.stringify({ plan: PLAN }));
    const gone = await run(["judge", path, directory.path("gone")]);
    expect([gone.status, gone.stderr]).toEqual([1, expect.stringContaining("gone cannot be read: ENOENT")]);
    writeFileSync(directory.path("text.gz"), "plain text");
    const text = await run(["judge", path, directory.path("text.gz")]);
    expect([text.status, text.stderr]).toEqual([1, expect.stringContaining("text.gz cannot be read: ")]);
    const empty = await judged({ plan: PLAN }, "\n");
    expect([empty.status, empty.stderr]).toEqual([
      ...[0, "maxwells-daemon: outcomes.jsonl has no outcome, so there is nothing to judge\n"],
    ]);
    const late = await judged({ plan: PLAN }, lines([{ ...good, t: 9_999 }]));
    expect(late.stderr).toContain("has no outcome within the times of the release");
  });
});
