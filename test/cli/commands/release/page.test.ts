/** The page of a release, as a terminal of 80 columns shows it. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { releaseLines } from "../../../../src/cli/commands/release/page.ts";
import { painted } from "../../../../src/cli/commands/release/paint.ts";
import type { Release, Transition } from "../../../../src/releases/release.ts";
import { BEGAN_MS } from "../../../releases/world.ts";
import { type Scene, shownAt } from "./shown.ts";

const page = (scene: Scene, width = 80) =>
  releaseLines(shownAt(scene), width, [])
    .map(({ text }) => `${text}\n`)
    .join("");

/** The release as a transition at 12:15 left it. */
function ended(state: Release["state"], step: number, rollout: number, more: Partial<Release> = {}) {
  const log: Transition[] = [
    [4, BEGAN_MS, "running", 2, 0.05, "web-2"],
    [5, BEGAN_MS + 900_000, state, step, rollout, "ada@web-1"],
  ];
  return {
    state,
    step,
    log,
    seq: 5,
    since: "2026-11-29T12:15:00.000Z",
    wrote: [rollout, 0.25],
    ...more,
  } as const;
}

/** The frame of a scene: the text of a file. */
const frame = (name: string) => readFileSync(join(import.meta.dir, "frames", `${name}.txt`), "utf8");

describe("the page of a release", () => {
  test("has its steps, its time, all that it waits for, and the way back", () => {
    const traffic = { visitors: 2_900, oneIn: 480, canaryFails: 1 };
    expect(page({ traffic })).toBe(frame("running"));
  });

  test("says loudly that nothing is reported, and only once the step has lasted", () => {
    expect(page({ traffic: { visitors: 0 } })).toBe(frame("silence"));
    expect(page({ traffic: { visitors: 0 }, minutes: 0.4 })).not.toContain("SILENCE");
  });

  test("says that the judge suspects the canary, of which metric, and that ok waits for it", () => {
    expect(page({ traffic: { visitors: 2_900, oneIn: 48, canaryFails: 10 } })).toBe(frame("suspicion"));
  });

  test("has each raised sign with its meaning, and the command that clears it", () => {
    const traffic = { visitors: 900, signs: ["back", "split"] } as const;
    expect(page({ traffic })).toBe(frame("signs"));
    const cleared = [["split", "ada@web-1", "a bot"]] as const;
    const text = page({ traffic, release: { cleared } });
    expect(text).not.toContain("raised the sign split");
    expect(text).toContain("raised the sign back");
  });

  test("says so if the store does not show the evidence", () => {
    expect(page({})).toContain(
      `          ok: the evidence cannot be read here; the status of a daemon that
          leads it has it
`,
    );
  });

  test("has no word of the judge while only one version has visitors", () => {
    const release = {
      wrote: [0, 0.25],
      arcs: [
        [BEGAN_MS - 600_000, 0.05, 0.25],
        [BEGAN_MS, 0, 0.25],
      ],
    } as const;
    expect(page({ release, traffic: { visitors: 0 } })).not.toMatch(/^(?:errors|SILENCE) /m);
  });

  test("says each thing that holds it back, and what a person can do", () => {
    const plan = "1%:10m,5%:30m+ok<2h+approve+check(load),100%:1d";
    const scene: Scene = {
      release: { plan, reason: "new checkout", windows: ["mon 09:00-16:00 Europe/Berlin"] },
      leaders: [],
      freeze: { isFrozen: true, by: "ada@web-1", at: "2026-11-29T12:15:00.000Z", why: "Black Friday" },
      news: [
        { kind: "presence", name: "web-3", beat: 1, atMs: BEGAN_MS, seq: 4 },
        { kind: "override", name: "web-3", reason: "errors" },
      ],
    };
    expect(page({ ...scene, traffic: { visitors: 500 } })).toBe(frame("held-back"));
  });

  test("says who must act if all that it waits for is true", () => {
    const due: Scene = { minutes: 31, release: { plan: "1%:10m,5%:30m,100%:1d" } };
    expect(page(due)).toContain("waits for a controller, which goes on within seconds: all else is true\n");
    expect(page({ ...due, leaders: [] })).toContain(
      `waits for a controller: all else is true
          or for a person, to go on by hand to 100%:
            maxwells-daemon promote -expect-step 2 -application website
`,
    );
  });

  test("of a paused release has the pause, its author, its reason, and the way on", () => {
    expect(page({ release: ended("paused", 2, 0.05, { reason: "lunch" }) })).toBe(frame("paused"));
  });

  test("shows another writer's change before any controller has seen it", () => {
    expect(page({ record: { rollout: 0.07 }, others: { blue: 0.1 } })).toBe(frame("foreign"));
    expect(page({ record: { rollout: 0 } })).toStartWith(
      "release 7 (v42) aborted, step 2/5, at 0%, by another writer\nsteps     ✔ 1%  ✘ 5%",
    );
  });

  test("of a promoted release says when to finish it, and how", () => {
    const release = { state: "promoted", step: 5, wrote: [1, 0.25] } as const;
    expect(page({ release, minutes: 180 })).toBe(frame("promoted"));
  });

  test("of a release that is over has the end, and no way back", () => {
    expect(page({ release: ended("aborted", 3, 0, { reason: "INC-42" }), minutes: 2_000 })).toBe(
      frame("aborted"),
    );
    expect(page({ release: ended("finished", 5, 0) })).toStartWith(
      "release 7 (v42) finished, at 0%, by ada@web-1, 12:15:00 UTC\nsteps     ✔ 1%  ✔ 5%  ✔ 25%  ✔ 50%  ✔ 100%\n",
    );
  });

  test("shows a fade, and the daemons that lower it", () => {
    const release = { ...ended("finished", 5, 0.62), fade: [1, BEGAN_MS, 1_800_000] as const };
    expect(page({ release })).toContain(
      `rollout   62%, going down to 0% until 12:30:00 UTC
waits for the end of its way down
led by    web-1, web-2
`,
    );
  });

  test("of what this program cannot read says so", () => {
    expect(page({ release: { plan: "1%:10m,5%:moon,100%:1d" }, leaders: undefined })).toStartWith(
      `release 7 (v42) running, step 2, at 5%; it waits for a newer version of this
program, because this one cannot read its plan
rollout   5%, since 12:00:00 UTC (18m)
waits for a newer version of this program, because this one cannot read its plan
led by    unknown: this store does not show which daemons lead
`,
    );
    expect(page({ record: { rollout: "5%" } })).toContain(
      "rollout   0%, because the record is malformed: get says what is wrong with it\n",
    );
  });

  test.each([80, 60, 40])("keeps within %d columns, whatever the names and the plan", (width) => {
    const steps = Array.from({ length: 31 }, (_, index) => `${index + 1}%:1m`);
    const release = { plan: [...steps, "100%:1d"].join(","), of: `registry/画像/website@${"0".repeat(90)}` };
    const leaders = Array.from({ length: 9 }, (_, index) => `web-${index}-${"x".repeat(40)}`);
    const lines = releaseLines(shownAt({ release, leaders }), width, []);
    expect(lines.filter(({ text }) => Bun.stringWidth(text) > width)).toEqual([]);
    expect(lines.map(({ text }) => text).join("\n")).toMatch(/and\s+3 more/);
    expect(lines.filter(({ text }) => / {1,2}[✔●○]$/.test(text))).toEqual([]);
  });

  test("lets no name drive the terminal", () => {
    const evil = "\u001b[2J\u202e";
    const text = page({
      release: ended("paused", 2, 0.05, { of: evil, reason: evil, plan: "1%:10m,5%:1m,100%" }),
      ...{ leaders: [evil], others: { [`v${evil}`]: 0.5 } },
      freeze: { isFrozen: true, by: evil, at: evil, why: evil },
      news: [{ kind: "override", name: evil, reason: evil }],
    });
    expect(text).toMatch(/^[\n\P{Cc}]*$/u);
    expect(text).not.toMatch(/\p{Bidi_Control}/u);
  });
});

describe("colours", () => {
  const stdout = { write() {}, isTerminal: true };
  const head = (env: Readonly<Record<string, string>>, out = stdout) =>
    releaseLines(shownAt(), 80, [])
      .slice(0, 2)
      .map((line) => painted(line, { env, stdout: out }))
      .join("\n");

  test("show the state and the steps on a terminal", () => {
    const esc = "\u001b[";
    expect(head({ TERM: "xterm" })).toBe(
      `release 7 (v42) ${esc}1m${esc}32mrunning${esc}0m, step 2/5, at 5%; it waits for time: 12m more\n` +
        `steps     ${esc}32m✔${esc}0m 1%  ${esc}1m●${esc}0m 5%  ○ 25%  ○ 50%  ○ 100%`,
    );
  });

  test.each([
    ["NO_COLOR", { NO_COLOR: "1" }, true],
    ["a dumb terminal", { TERM: "dumb" }, true],
    ["a pipe", {}, false],
  ])("are left out: %s", (_, env, isTerminal) => {
    expect(head(env, { ...stdout, isTerminal })).not.toContain("\u001b");
  });
});
