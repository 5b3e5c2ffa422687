/** The verbs of a person, through the real command line on a real file. */

import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { recordOf, releaseFile } from "../release-file.ts";
import { run } from "../run.ts";

const PROMOTED = { state: "promoted", step: 4, wrote: [1, 0.25] } as const;

/** The records of each state. */
const STATES = {
  none: { rollout: 0 },
  running: recordOf(),
  paused: recordOf({ state: "paused" }),
  promoted: recordOf(PROMOTED),
  aborted: recordOf({ state: "aborted", wrote: [0, 0.25] }),
  finished: recordOf({ state: "finished", step: 4, wrote: [0, 0.25] }),
  // A person or another program wrote these, and no controller has seen it yet.
  "set to 0%": recordOf({}, { rollout: 0 }),
  "set to 1%": recordOf({}, { rollout: 0.01 }),
  "of a newer program": { rollout: 0.05, release: { format: 2 } },
} as const;

const VERBS = {
  promote: ["promote", "-to", "25%"],
  "promote -resume": ["promote", "-to", "25%", "-resume"],
  pause: ["pause"],
  resume: ["resume"],
  abort: ["abort"],
  undo: ["undo"],
  finish: ["finish", "-deployed", "v42"],
} as const;

/** In each cell: the status, the state and the rollout after it, and the status of a repetition. */
const TABLE: Readonly<Record<keyof typeof STATES, Readonly<Record<keyof typeof VERBS, string>>>> = {
  none: {
    promote: "1 none 0, 1",
    "promote -resume": "1 none 0, 1",
    pause: "1 none 0, 1",
    resume: "1 none 0, 1",
    abort: "0 none 0, 0",
    undo: "1 none 0, 1",
    finish: "0 none 0, 0",
  },
  running: {
    promote: "0 running 0.25, 0",
    "promote -resume": "0 running 0.25, 0",
    pause: "0 paused 0.05, 0",
    resume: "0 running 0.05, 0",
    abort: "0 aborted 0, 0",
    undo: "0 aborted 0, 1",
    finish: "1 running 0.05, 1",
  },
  paused: {
    promote: "1 paused 0.05, 1",
    "promote -resume": "0 running 0.25, 0",
    pause: "0 paused 0.05, 0",
    resume: "0 running 0.05, 0",
    abort: "0 aborted 0, 0",
    undo: "0 aborted 0, 1",
    finish: "1 paused 0.05, 1",
  },
  promoted: {
    promote: "0 promoted 1, 0",
    "promote -resume": "0 promoted 1, 0",
    pause: "0 promoted 1, 0",
    resume: "0 promoted 1, 0",
    abort: "0 aborted 0, 0",
    undo: "0 aborted 0, 1",
    finish: "0 finished 0, 0",
  },
  aborted: {
    promote: "1 aborted 0, 1",
    "promote -resume": "1 aborted 0, 1",
    pause: "1 aborted 0, 1",
    resume: "1 aborted 0, 1",
    abort: "0 aborted 0, 0",
    undo: "1 aborted 0, 1",
    finish: "0 aborted 0, 0",
  },
  finished: {
    promote: "1 finished 0, 1",
    "promote -resume": "1 finished 0, 1",
    pause: "1 finished 0, 1",
    resume: "1 finished 0, 1",
    abort: "0 finished 0, 0",
    undo: "1 finished 0, 1",
    finish: "0 finished 0, 0",
  },
  "set to 0%": {
    promote: "1 running 0, 1",
    "promote -resume": "1 running 0, 1",
    pause: "1 running 0, 1",
    resume: "1 running 0, 1",
    abort: "0 aborted 0, 0",
    undo: "0 aborted 0, 1",
    finish: "0 running 0, 0",
  },
  "set to 1%": {
    promote: "1 running 0.01, 1",
    "promote -resume": "4 running 0.01, 4",
    pause: "0 paused 0.01, 0",
    resume: "0 running 0.01, 0",
    abort: "0 aborted 0, 0",
    undo: "0 aborted 0, 1",
    finish: "1 running 0.01, 1",
  },
  "of a newer program": {
    promote: "1 none 0.05, 1",
    "promote -resume": "1 none 0.05, 1",
    pause: "1 none 0.05, 1",
    resume: "1 none 0.05, 1",
    abort: "0 none 0, 0",
    undo: "0 none 0, 0",
    finish: "1 none 0.05, 1",
  },
};

describe.each(Object.entries(TABLE))("a release that is %s", (state, row) => {
  test.each(Object.entries(row))("%s: %s", async (verb, expected) => {
    using store = releaseFile({ canary: STATES[state as keyof typeof STATES] });
    const argv = VERBS[verb as keyof typeof VERBS];
    const first = await store.run(...argv);
    const { rollout, release } = store.record() as { rollout: number; release?: { state?: string } };
    const text = store.text();
    const second = await store.run(...argv);
    expect(`${first.status} ${release?.state ?? "none"} ${rollout}, ${second.status}`).toBe(expected);
    expect(store.text(), "a repetition writes nothing").toBe(text);
    for (const { status, stdout, stderr } of [first, second]) {
      expect(status === 0 ? stderr : stdout).toBe("");
      expect(status === 0 ? stdout : stderr).not.toMatch(/undefined|NaN/);
    }
  });
});

describe("each verb", () => {
  test("keeps the other fields of the record, and leaves its author, its time and its reason", async () => {
    using store = releaseFile({ canary: recordOf(), blue: { rollout: 0, note: 1 } });
    expect((await store.run("abort", "-m", "INC-42")).status).toBe(0);
    expect(store.record()).toMatchObject({
      ...{ rollout: 0, offset: 0.25, team: "checkout", why: "INC-42", updatedBy: `ada@${hostname()}` },
      history: [{ rollout: 0.05, offset: 0.25 }],
    });
    expect(store.release()).toMatchObject({ state: "aborted", reason: "INC-42", seq: 5, wrote: [0, 0.25] });
    expect(store.release().log.at(-1)?.[5]).toBe(`ada@${hostname()}`);
    expect(store.record("blue")).toEqual({ rollout: 0, note: 1 });
  });

  test("tells a program the same as JSON", async () => {
    using store = releaseFile({ canary: recordOf() });
    const { stdout } = await store.run("pause", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ written: true, code: "paused", application: "app", version: "canary", conflicts: 0 },
      ...{ rollout: { before: 0.05, after: 0.05 }, release: { state: "paused", id: 7 } },
      text: "release 7 of app paused at step 2/4: canary stays at 5%",
    });
    const again = await store.run("pause", "-o", "json");
    expect(JSON.parse(again.stdout)).toMatchObject({ written: false, code: "paused" });
    const failed = await store.run("resume", "-application", "shop", "-o", "json");
    expect({ ...failed, stderr: "" }).toEqual({ status: 1, stdout: "", stderr: "" });
  });

  test.each(["promote", "pause", "resume", "abort", "undo"])("%s is about one application", async (verb) => {
    using store = releaseFile({ canary: recordOf() });
    const before = store.text();
    const { status, stderr } = await store.typed(verb, "-application", "app", "-application", "shop");
    expect(status).toBe(2);
    expect(stderr).toContain(`${verb} is about one application at a time`);
    expect(stderr).toContain("name one with -application: app, shop; nothing was written");
    expect(store.text()).toBe(before);
  });
});

describe("the version that is meant", () => {
  const OVER = recordOf({ state: "aborted", wrote: [0, 0.25] });

  test("is the only one with a release that is not over", async () => {
    using store = releaseFile({ canary: OVER, blue: recordOf({ id: 3 }), maintenance: 1 });
    expect((await store.run("abort")).stdout).toBe("release 3 of app aborted at step 2/4: blue 5% → 0%\n");
    // The one with the last id is not the one that was ended last.
    expect((await store.run("abort", "blue")).stdout).toBe("release 3 of app is aborted already\n");
  });

  test("must be named if there are two", async () => {
    using store = releaseFile({ canary: recordOf(), blue: recordOf({ id: 8 }) });
    const before = store.text();
    const { status, stderr } = await store.run("abort");
    expect(status).toBe(2);
    expect(stderr).toContain("app has 2 versions that may be meant; nothing was written");
    expect(stderr).toContain("maxwells-daemon abort canary -application app\n");
    expect(stderr).toContain("maxwells-daemon abort blue -application app\n");
    // The advice goes no further than the step that was seen.
    expect((await store.run("promote", "-expect-step", "2")).stderr).toContain(
      "maxwells-daemon promote canary -expect-step 2 -application app\n",
    );
    expect(store.text()).toBe(before);
    expect((await store.run("abort", "blue")).stdout).toStartWith("release 8 of app aborted");
  });

  test("without a release is the one with visitors, and the answer says how to take them back", async () => {
    using store = releaseFile({ canary: 0, blue: 0.25 });
    const { status, stdout } = await store.run("abort");
    expect(status).toBe(0);
    expect(stdout).toBe(
      "blue of app has no release, and blue stays at 25%\n" +
        "  to take everyone back: maxwells-daemon set blue 0% -application app\n",
    );
  });

  test.each<[readonly string[], string]>([
    [["canray"], "app has no version canray; did you mean canary?"],
    [["canary", "-application", "websit"], "has no records of websit"],
  ])(
    "is never a misspelt one, because a misspelt abort must not look like one that is done: %j",
    async (words, reason) => {
      using store = releaseFile({ canary: recordOf() });
      const before = store.text();
      const { status, stderr } = await store.run("abort", ...words);
      expect(status).toBe(1);
      expect(stderr).toContain(reason);
      expect(store.text()).toBe(before);
    },
  );

  test("cannot be a wild name", async () => {
    using store = releaseFile({ canary: recordOf() });
    expect((await store.run("abort", "a/b")).stderr).toContain('"a/b" cannot be a version');
  });
});

describe("promote", () => {
  test("law 14: without a terminal it needs the step or the share", async () => {
    using store = releaseFile({ canary: recordOf() });
    const before = store.text();
    const { status, stderr } = await store.run("promote");
    expect(status).toBe(2);
    expect(stderr).toContain("-expect-step 2 or -to 25%");
    expect(store.text()).toBe(before);
    expect((await store.typed("promote")).status).toBe(0);
    expect(store.release().step).toBe(3);
  });

  test("law 14: with the step that it started from, a repetition does not go two steps", async () => {
    using store = releaseFile({ canary: recordOf() });
    expect((await store.run("promote", "-expect-step", "2")).stdout).toStartWith(
      "release 7 of app: step 3/4, canary 5% → 25% for 1h+ok<2h",
    );
    const { status, stderr } = await store.run("promote", "-expect-step", "2");
    expect(status).toBe(4);
    expect(stderr).toContain("release 7 of app is at step 3/4, canary at 25%, and not at step 2");
    expect(store.release().step).toBe(3);
  });

  test("goes only to the share that is named", async () => {
    using store = releaseFile({ canary: recordOf() });
    const { status, stderr } = await store.run("promote", "-to", "50%");
    expect(status).toBe(4);
    expect(stderr).toContain("the next step of release 7 of app is 25%, and not 50%");
    expect(store.release().step).toBe(2);
  });

  test("of operators who promote at the same moment, one wins and each other one is told", async () => {
    using store = releaseFile({ canary: recordOf() });
    const runs = await Promise.all(
      Array.from({ length: 4 }, () => store.run("promote", "-expect-step", "2")),
    );
    expect(runs.map(({ status }) => status).sort()).toEqual([0, 4, 4, 4]);
    expect(store.release().step).toBe(3);
  });

  test("says what it skipped: the rest of the time, ok, checks, a window, a freeze", async () => {
    const since = new Date(Date.now() - 60_000).toISOString();
    const plan = "1%:10m,5%:30m+ok+check(load),25%:1h,100%:1d";
    // A window that opens only for a minute on the day before yesterday's weekday.
    const day = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"][(new Date().getUTCDay() + 5) % 7];
    const windows = [`${day} 00:00-00:01 UTC`];
    using store = releaseFile({ canary: recordOf({ since, plan, windows }) });
    store.write({
      app: { canary: store.record() },
      "~releases": { freeze: { rollout: 0, frozen: true } },
    });
    const { stdout } = await store.run("promote", "-expect-step", "2");
    expect(stdout).toBe(
      "release 7 of app: step 3/4, canary 5% → 25% for 1h " +
        "(the rest of 30m, ok, check(load), the window and the freeze were skipped)\n",
    );
    // Other people have set the window and the freeze, so the history keeps that.
    const { stdout: history } = await store.run("history", "canary");
    expect(history).toContain("the window and the freeze were skipped");
  });

  test("keeps the reason beside a freeze that it skipped, and says nothing without one", async () => {
    using store = releaseFile({ canary: recordOf() });
    await store.run("promote", "-expect-step", "2", "-m", "looks good");
    expect(store.record()).toMatchObject({ why: "looks good" });
    store.write({
      app: { canary: store.record() },
      "~releases": { freeze: { rollout: 0, frozen: true } },
    });
    await store.run("promote", "-expect-step", "3", "-m", "INC-42");
    expect(store.record()).toMatchObject({ why: "INC-42; the freeze was skipped" });
  });

  test.each([["0"], ["33"], ["two"], ["-1"]])("-expect-step %s is refused", async (step) => {
    using store = releaseFile({ canary: recordOf() });
    const { status, stderr } = await store.run("promote", `-expect-step=${step}`);
    expect(status).toBe(2);
    expect(stderr).toContain("write a step from 1 to 32");
  });
});

test("a store that cannot be written says so", async () => {
  const { status, stderr } = await run(["abort", "-store", "constant:0.05"]);
  expect(status).toBe(1);
  expect(stderr).toContain("is read-only; nothing was written");
});
