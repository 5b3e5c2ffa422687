/** `release` that looks, watches and waits, through the real command line. */

import { describe, expect, test } from "bun:test";
import { NOTHING_HEARD_SENTENCE } from "../../../src/evidence/silence.ts";
import type { Release } from "../../../src/releases/release.ts";
import { StoreError } from "../../../src/stores/store.ts";
import { freezeFields } from "../../../src/verbs/freeze.ts";
import { KEY, OTHER_KEY, releaseOf } from "../../releases/world.ts";
import { eventually } from "../../support/eventually.ts";
import { recordOf, releaseFile } from "../release-file.ts";
import { SINCE, World } from "../release-world.ts";
import { run } from "../run.ts";

const LOG = releaseOf().log;

const ABORTED = { state: "aborted", wrote: [0, 0.25], seq: 5 } as const;

describe("release", () => {
  test("shows the release that goes on, from the file alone", async () => {
    using file = releaseFile({ canary: recordOf({ since: SINCE() }), blue: 0 });
    const { status, stdout, stderr } = await file.run("release");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toStartWith(
      "release 7 (v42) running, step 2/4, at 5%; it waits for time: 29m more\n" +
        "steps     ✔ 1%  ● 5%  ○ 25%  ○ 100%\nrollout   5%, ",
    );
    expect((await file.run("release", "canary")).stdout).toStartWith("release 7 (v42) running");
  });

  test("shows the newest one if none goes on, and two if two go on", async () => {
    using world = await World.make(releaseOf({ ...ABORTED, since: SINCE() }));
    world.put(releaseOf({ ...ABORTED, id: 8, of: "v43", key: OTHER_KEY }), {}, "blue");
    expect((await world.run("release")).stdout).toStartWith("release 8 (v43) aborted");
    expect((await world.run("release", "canary")).stdout).toStartWith("release 7 (v42) aborted");
    world.put(releaseOf({ since: SINCE() }));
    world.put(releaseOf({ id: 9, key: OTHER_KEY, since: SINCE() }), {}, "blue");
    const { stdout } = await world.run("release");
    expect(stdout.match(/^release \d+/gm)).toEqual(["release 9", "release 7"]);
    expect(await world.run("release", "-watch")).toMatchObject({ status: 2, stdout: "" });
  });

  test("knows the daemons that lead, and a freeze", async () => {
    using world = await World.make();
    await world.present("web-1");
    world.store.put("~releases", "freeze", freezeFields(true, "ada@web-1", new Date(), "Friday"));
    const { stdout } = await world.run("release");
    expect(stdout).toContain("\nled by    web-1\nfrozen    by ada@web-1 since ");
  });

  test("is a document for a program", async () => {
    using world = await World.make();
    await world.present("web-1");
    const { status, stdout } = await world.run("release", "-o", "json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout).releases).toMatchObject([
      {
        ...{ application: "app", version: "canary", id: 7, key: KEY, of: "v42", state: "running", step: 2 },
        ...{ seq: 4, rollout: 0.05, offset: 0.25, isOver: false, leaders: ["web-1"], by: "web-2" },
        steps: [{ rollout: 0.01, wait: "10m" }, { rollout: 0.05 }, { rollout: 0.25 }, { rollout: 1 }],
        waits: [
          { kind: "time", state: "waiting", ofMs: 1_800_000 },
          { kind: "ok", state: "waiting", ofMs: null },
        ],
        judge: { kind: "watch", blocks: ["no outcome is reported"], isSilent: true, outcomes: 0, signs: [] },
        sentence: "release 7 of app: step 2/4, canary 1% → 5% for 30m+ok",
      },
    ]);
  });

  test.each([
    ["no release", { canary: 0 }, "app has had no release", "release canary default -of NAME"],
    ["no release of this version", { canary: recordOf() }, "blue of app has had no release", "release blue"],
    [
      "a release of a newer program",
      { canary: { rollout: 0.05, release: { format: 2 } } },
      "cannot be read",
      "abort",
    ],
  ])("says so if there is %s", async (what, records, text, remedy) => {
    using file = releaseFile(records);
    const words = what.includes("version") ? ["release", "blue"] : ["release"];
    const { status, stdout, stderr } = await file.run(...words);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(text);
    expect(stderr).toContain(remedy);
  });

  test("names the application that was probably meant", async () => {
    using file = releaseFile({ canary: 0 });
    const { status, stderr } = await file.run("release", "-application", "apps");
    expect(status).toBe(1);
    expect(stderr).toContain("has no records of apps; did you mean app?");
  });

  test.each([
    [["-watch", "-wait"], "name -watch or -wait, and not both"],
    [["-timeout", "3h"], "-timeout belongs to -wait"],
    [["-wait", "-timeout", "25d"], "write a duration from 1s to 24d"],
    [["-wait", "3h"], "-wait takes no time; write -wait -timeout 3h"],
    [["-application", "a", "-application", "b"], "name one with -application: a, b"],
  ])("refuses %j", async (flags, text) => {
    const { status, stderr } = await run(["release", "-store", "constant:0", ...flags]);
    expect(status).toBe(2);
    expect(stderr).toContain(text);
  });
});

describe("release -wait", () => {
  test.each<[number, Partial<Release>, string]>([
    [0, { state: "promoted", step: 4, wrote: [1, 0.25] }, "promoted: step 4/4"],
    [0, { state: "finished", step: 4, wrote: [0, 0.25] }, "finished: canary"],
    [9, { state: "aborted", wrote: [0, 0.25] }, "aborted at step 2/4: canary 5% → 0%"],
    [6, { state: "paused" }, "paused at step 2/4: canary stays at 5%"],
  ])("ends with %d when it sees the state %j", async (status, changes, text) => {
    using world = await World.make();
    const waiting = world.run("release", "-wait");
    const { state = "running", step = 2, wrote = [0.05, 0.25] } = changes;
    const at = Date.now();
    const log: Release["log"] = [
      [4, at, "running", 2, 0.05, "web-2"],
      [5, at + 1_000, state, step, wrote[0], "web-1"],
    ];
    await world.looked();
    world.put(releaseOf({ ...changes, seq: 5, log }));
    const ended = await waiting;
    expect(ended).toMatchObject({ status, stderr: "" });
    expect(ended.stdout).toStartWith("release 7 of app");
    expect(ended.stdout).toContain(text);
    expect(ended.stdout.split("\n")).toHaveLength(2);
    // A second one finds it so.
    expect(await world.run("release", "-wait")).toEqual(ended);
  });

  test("ends with 9 if another writer set it to 0%, although no controller has seen it", async () => {
    using world = await World.make();
    world.put(releaseOf(), { rollout: 0 });
    expect(await world.run("release", "-wait")).toEqual({
      status: 9,
      stdout: "release 7 of app aborted at step 2/4 by another writer: canary 5% → 0%\n",
      stderr: "",
    });
  });

  test("ends with 7 if another release took its place, or it is gone", async () => {
    using world = await World.make();
    const replaced = world.run("release", "-wait");
    await world.looked();
    world.put(releaseOf({ id: 8, of: "v43", key: OTHER_KEY }));
    expect(await replaced).toMatchObject({
      status: 7,
      stdout: "release 8 of app (v43) took the place of release 7 of app (v42)\n",
    });
    const gone = world.run("release", "-wait");
    await world.looked();
    world.store.put("app", "canary", { rollout: 0, release: null });
    expect(await gone).toMatchObject({
      status: 7,
      stdout: "release 8 of app (v43) is gone from the record of canary of app\n",
    });
  });

  test("ends with 5 when its time is over", async () => {
    using world = await World.make();
    expect(await world.run("release", "-wait", "-timeout", "1s")).toEqual({
      status: 5,
      stdout: "release 7 of app (v42) still goes on after 1s: step 2/4, canary at 5%\n",
      stderr: "",
    });
    const { status, stdout } = await world.run("release", "-wait", "-timeout", "1s", "-o", "json");
    expect(status).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({ exit: 5, state: "running", step: 2, key: KEY });
  });

  test("waits on while the store does not answer, and says so", async () => {
    using world = await World.make();
    const read = world.store.read.bind(world.store);
    const waiting = world.run("release", "-wait", "-timeout", "5s");
    await world.looked();
    let failures = 0;
    world.store.read = () => {
      failures++;
      return Promise.reject(new StoreError("unavailable", "no answer"));
    };
    await eventually(() => {
      // The command may not watch the store yet when the first push comes.
      if (failures === 0) world.store.put("app", "blue", { rollout: 0 });
      return failures > 2;
    }, "two failed looks");
    world.store.read = read;
    world.put(releaseOf({ ...ABORTED, log: [[5, Date.now(), "aborted", 2, 0, "web-1"]] }));
    const { status, stderr } = await waiting;
    expect(status).toBe(9);
    expect(stderr).toBe(
      "maxwells-daemon: no answer; the release goes on as its record says; still waiting\n" +
        "maxwells-daemon: the store answers again\n",
    );
  });

  test("ends with 3 if the store does not answer at the beginning", async () => {
    expect((await run(["release", "-wait", "-store", "redis://127.0.0.1:1"])).status).toBe(3);
  });
});

describe("release -watch", () => {
  test("prints a line a change into a pipe, and ends with the release", async () => {
    using world = await World.make();
    let step = 0;
    const { status, stdout, stderr } = await world.seen(["release", "-watch"], (all) => {
      if (step === 0 && all.includes("led by")) {
        step = 1;
        void world.present("web-1").then(() => world.store.put("app", "blue", { rollout: 0 }));
      }
      if (step === 1 && all.includes("led by web-1")) {
        step = 2;
        const log: Release["log"] = [
          [4, Date.now(), "running", 2, 0.05, "web-2"],
          [5, Date.now() + 1, "running", 3, 0.25, "web-1"],
          [6, Date.now() + 2, "aborted", 3, 0, "ada@web-1"],
        ];
        world.put(releaseOf({ ...ABORTED, seq: 6, step: 3, log, reason: "INC-42" }));
      }
    });
    expect({ status, stderr }).toEqual({ status: 9, stderr: "" });
    expect(stdout).not.toContain("\u001b");
    expect(stdout.replaceAll(/^\S+Z /gm, "")).toBe(
      `release 7 of app (v42) is running: step 2/4, canary at 5%
waits for time, ok
${NOTHING_HEARD_SENTENCE}
led by no daemon
led by web-1
release 7 of app: step 3/4, canary 5% → 25% for 1h+ok<2h, by web-1
release 7 of app aborted at step 3/4: canary 25% → 0%, by ada@web-1: INC-42
release 7 of app aborted at step 3/4: canary 25% → 0%: INC-42
`,
    );
  });

  test("prints a line of JSON a change, and one if the store is silent", async () => {
    using world = await World.make();
    const read = world.store.read.bind(world.store);
    let lines = 0;
    const { status, stdout } = await world.seen(["release", "-watch", "-o", "json"], (all, interrupt) => {
      lines = all.split("\n").length - 1;
      if (lines === 1) {
        world.store.read = () => Promise.reject(new StoreError("unavailable", "no answer"));
        world.store.put("app", "blue", { rollout: 0 });
      }
      if (lines === 2) {
        world.store.read = read;
        world.put(releaseOf({ step: 3, wrote: [0.25, 0.25], seq: 5 }));
      }
      if (lines === 3) interrupt();
    });
    expect(status).toBe(130);
    const documents = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(documents).toMatchObject([
      { step: 2, isSilent: false, rollout: 0.05 },
      { step: 2, isSilent: true, rollout: 0.05 },
      { step: 3, isSilent: false, rollout: 0.25 },
    ]);
  });

  test("draws frames on a terminal, each over the one before, until Ctrl-C", async () => {
    using world = await World.make();
    const { status, stdout } = await world.seen(
      ["release", "-watch"],
      (all, interrupt) => {
        if (all.split("\u001b[?2026h").length > 4) interrupt();
      },
      { isTerminal: true },
    );
    expect(status).toBe(130);
    const [, ...frames] = stdout.split("\u001b[?2026h");
    expect(frames[0]).toStartWith("\u001b[?25l\u001b[2J\u001b[Hrelease 7 (v42) ");
    // Only the first one clears the screen. Each one leaves the cursor visible.
    expect(frames.slice(1).filter((frame) => !frame.startsWith("\u001b[?25l\u001b[Hrelease 7"))).toEqual([]);
    const end = "\u001b[J\u001b[?25h\u001b[?2026l";
    expect(frames.filter((frame) => !frame.trimEnd().endsWith(end))).toEqual([]);
    expect(stdout).not.toContain("\u001b[?1049h");
  });

  test("draws the silence of the store, and the end", async () => {
    using world = await World.make();
    const read = world.store.read.bind(world.store);
    let isSilent = false;
    const { status, stdout } = await world.seen(
      ["release", "-watch"],
      (all) => {
        if (!isSilent) {
          isSilent = true;
          world.store.read = () => Promise.reject(new StoreError("unavailable", "no answer"));
          world.store.put("app", "blue", { rollout: 0 });
        } else if (all.includes("STORE")) {
          world.store.read = read;
          world.put(releaseOf({ ...ABORTED, log: [...LOG, [5, Date.now(), "aborted", 2, 0, "web-1"]] }));
        }
      },
      { isTerminal: true },
    );
    expect(status).toBe(9);
    expect(stdout).toContain(
      "STORE     the store does not answer since 1 s; the release goes on as its record",
    );
    expect(stdout).toEndWith("release 7 of app aborted at step 2/4: canary 5% → 0%\n");
  });

  test("goes on while a release fades, and ends when it has", async () => {
    const over = { state: "finished", step: 4 } as const;
    const fading: Release["log"] = [...LOG, [5, Date.now(), "finished", 4, 1, "ada@web-1"]];
    using world = await World.make(
      releaseOf({ ...over, seq: 6, wrote: [0.5, 0.25], fade: [1, Date.now(), 600_000], log: fading }),
    );
    const { status, stdout } = await world.seen(["release", "-watch"], (all) => {
      const log: Release["log"] = [...fading, [7, Date.now() + 1, "finished", 4, 0, "web-1"]];
      if (all.includes("led by")) world.put(releaseOf({ ...over, wrote: [0, 0.25], seq: 7, log }));
    });
    expect(status).toBe(0);
    expect(stdout).toContain("Z release 7 of app (v42) is finished: step 4/4, canary at 50%\n");
    expect(stdout).toMatch(/Z release 7 of app has faded: canary \d+% → 0%, by web-1\n/);
  });

  test("prints lines on a dumb terminal", async () => {
    using world = await World.make();
    const { status, stdout } = await world.seen(
      ["release", "-watch"],
      (all, interrupt) => {
        if (all.includes("led by")) interrupt();
      },
      { isTerminal: true, TERM: "dumb" },
    );
    expect(status).toBe(130);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("Z release 7 of app (v42) is running: step 2/4, canary at 5%\n");
  });
});

describe("release -clear", () => {
  test("clears a sign once, and the release keeps it with its reason", async () => {
    using world = await World.make();
    const cleared = await world.run("release", "-clear", "split", "-m", "a bot");
    expect(cleared).toEqual({
      status: 0,
      stdout: "release 7 of app: a sign was cleared, and holds it back no longer; canary stays at 5%\n",
      stderr: "",
    });
    const again = await world.run("release", "-clear", "split", "-m", "again");
    expect(again).toMatchObject({ status: 0, stdout: "release 7 of app has this sign cleared already\n" });
    expect((await world.run("release")).stdout).toMatch(/^cleared {3}the sign split, by ada@\S+: a bot$/m);
    const { stdout } = await world.run("release", "-o", "json");
    expect(JSON.parse(stdout).releases[0]).toMatchObject({
      ...{ state: "running", step: 2, seq: 5, since: expect.any(String) },
      cleared: [{ sign: "split", why: "a bot" }],
    });
  });

  test.each([
    [["-clear", "split"], "-clear needs the reason"],
    [["-clear", "split", "-m", "x", "-watch"], "does nothing else"],
    [["-clear", "split", "-m", "x", "-of", "v42"], "does nothing else"],
    [["-clear", "Split!", "-m", "x"], "write the name of a sign: split, back, place, crowd"],
    [["-clear", "level", "-m", "x"], "write the name of a sign: split, back, place, crowd"],
  ])("refuses %j", async (flags, text) => {
    const { status, stderr } = await run(["release", "-store", "constant:0", ...flags]);
    expect(status).toBe(2);
    expect(stderr).toContain(text);
  });
});
