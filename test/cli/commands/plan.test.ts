import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { run, temporaryDirectory } from "../run.ts";

const AT = ["-at", "2026-12-03T14:55Z"];

const FILE = `
[plans.checkout]
steps = ["0.05%:10m", "5%:30m+ok<2h", "50%:approve+check(load)", "100%:1d"]
windows = ["mon-thu 09:00-16:00 Europe/Berlin"]
slow = ["400ms"]
offset = 0.125
`;

/** Runs `plan` with a configuration file of this text. */
async function planWith(file: string, ...argv: string[]) {
  using directory = temporaryDirectory();
  const path = directory.path("md.toml");
  writeFileSync(path, file);
  return run(["plan", ...argv, "-config", path]);
}

describe("plan", () => {
  test("shows the timetable of a line, from the time that -at gives", async () => {
    const { status, stdout } = await run(["plan", "1%:10m, 10%:1h+ok<2h, 100%:24h", ...AT]);
    expect(status).toBe(0);
    expect(stdout).toBe(`a plan without a name: 3 steps, 100% after 1h10m at least
  1%:10m,10%:1h+ok<2h,100%:1d

step  rollout  earliest start        earliest end          waits for
1     1%       2026-12-03T14:55:00Z  2026-12-03T15:05:00Z  10m
2     10%      2026-12-03T15:05:00Z  2026-12-03T16:05:00Z  1h, and ok within 2h
3     100%     2026-12-03T16:05:00Z  2026-12-04T16:05:00Z  1d
`);
  });

  test("begins now without -at", async () => {
    const before = Date.now();
    const { stdout } = await run(["plan", "1%:10m,100%:1d", "-o", "json"]);
    const startMs = Date.parse(
      (JSON.parse(stdout) as { steps: { startsAt: string }[] }).steps[0]?.startsAt ?? "",
    );
    expect(startMs).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000);
    expect(startMs).toBeLessThanOrEqual(Date.now());
  });

  test("shows a named plan with its settings, and waits for its windows", async () => {
    const { status, stdout } = await planWith(FILE, "checkout", ...AT);
    expect(status).toBe(0);
    expect(stdout).toBe(`plan checkout: 4 steps, 100% after 40m at least
  0.05%:10m,5%:30m+ok<2h,50%:approve+check(load),100%:1d

step  rollout  earliest start        earliest end          waits for
1     0.05%    2026-12-03T14:55:00Z  2026-12-07T08:00:00Z  10m, and a window
2     5%       2026-12-07T08:00:00Z  2026-12-07T08:30:00Z  30m, and ok within 2h
3     50%      2026-12-07T08:30:00Z  2026-12-07T08:30:00Z  approval, and check(load)
4     100%     2026-12-07T08:30:00Z  2026-12-08T08:30:00Z  1d

inconclusive  pause
windows       mon-thu 09:00-16:00 Europe/Berlin
slow          400ms
failsafe      master
offset        0.125

Traefik's slices are 0.1% each, so it cannot serve 0.05% exactly.
`);
  });

  test("shows the plan default without a word, and lists the others", async () => {
    const { status, stdout } = await planWith(FILE);
    expect(status).toBe(0);
    expect(stdout).toStartWith("plan default: 5 steps, 100% after 2h40m at least\n  1%:10m,5%:30m+ok,");
    expect(stdout).toEndWith(
      "other plans; maxwells-daemon plan NAME shows one:\n" +
        "  checkout  0.05%:10m,5%:30m+ok<2h,50%:approve+check(load),100%:1d\n",
    );
  });

  test("gives programs the same as JSON", async () => {
    const { stdout } = await planWith(FILE, "checkout", "-o", "json", ...AT);
    expect(JSON.parse(stdout)).toMatchObject({
      name: "checkout",
      plan: "0.05%:10m,5%:30m+ok<2h,50%:approve+check(load),100%:1d",
      leastMs: 2_400_000,
      windows: ["mon-thu 09:00-16:00 Europe/Berlin"],
      steps: [
        { step: 1, rollout: 0.0005, startsAt: "2026-12-03T14:55:00Z", endsAt: "2026-12-07T08:00:00Z" },
        { step: 2, wait: { minMs: 1_800_000, ok: { boundMs: 7_200_000 }, approve: false, checks: [] } },
        { step: 3, wait: { minMs: 0, approve: true, checks: ["load"] } },
        { step: 4, rollout: 1 },
      ],
    });
    expect(JSON.parse((await planWith(FILE, "-o", "json")).stdout)).toMatchObject({
      name: "default",
      others: [{ name: "checkout" }],
    });
  });

  test("names every mistake of a line with its column, and ends with 2", async () => {
    const line = "1%:10,5%:ok+ok,50%:1h";
    const { status, stdout, stderr } = await run(["plan", line]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr.split("\n").map((each) => each.slice(0, 40))).toEqual([
      "maxwells-daemon: 3 problems in the plan ",
      '  column 4: "10": write a duration with ',
      '  column 13: "ok": a step has only one o',
      "  column 16: the last step is 50%; end t",
      "  read maxwells-daemon help plan",
      "",
    ]);
    const json = await run(["plan", line, "-o", "json"]);
    expect(json.status).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      text: line,
      problems: [{ column: 4 }, { column: 13 }, { column: 16 }],
    });
  });

  test("refuses an unknown name with the nearest one, and a wrong time", async () => {
    const { status, stderr } = await planWith(FILE, "chekout");
    expect({ status, stderr }).toMatchObject({ status: 2 });
    expect(stderr).toContain('"chekout": no plan has this name; did you mean checkout?');
    expect((await planWith(FILE, "zzzzzz")).stderr).toContain("the plans are default, checkout");
    for (const time of ["2026-12-01T09:00", "tomorrow", "2026-13-01T09:00Z", ""]) {
      expect(await run(["plan", "-at", time])).toMatchObject({ status: 2 });
    }
  });

  test("names every mistake of the file, and check does so too; get reads the file all the same", async () => {
    const wrong = `${FILE}[plans.other]\nsteps = "1%:10m"\nslow = 5\n`;
    const { status, stderr } = await planWith(wrong);
    expect(status).toBe(2);
    expect(stderr).toContain("md.toml: plans.other.steps: column 1: the last step is 1%;");
    expect(stderr).toContain("md.toml: plans.other.slow: write a string");
    using directory = temporaryDirectory();
    const path = directory.path("md.toml");
    writeFileSync(path, wrong);
    expect((await run(["check", "-config", path])).stderr).toContain("plans.other.steps");
    expect((await run(["get", "-config", path, "-store", "constant:0.5"])).status).toBe(0);
  });
});

test("check shows the plans of the file, each with its line", async () => {
  using directory = temporaryDirectory();
  const path = directory.path("md.toml");
  writeFileSync(path, FILE);
  const { stdout } = await run(["check", "-config", path]);
  expect(stdout).toMatch(/^plans\.checkout +0\.05%:10m,.*,100%:1d +file .*md\.toml: plans$/m);
  expect(stdout).not.toContain("plans.default");
});
