/** `set`, `remove` and `copy` of records that have a release, through the real command line on real files. */

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { recordOf, releaseFile } from "../release-file.ts";
import { run, temporaryDirectory } from "../run.ts";

const PROMOTED = { state: "promoted", step: 4, wrote: [1, 0.25] } as const;

describe("set", () => {
  test.each<[string, object]>([
    ["running", recordOf()],
    ["paused", recordOf({ state: "paused" })],
    ["promoted", recordOf(PROMOTED)],
  ])("law 11: 0%% aborts a release that is %s, with the same write", async (_, canary) => {
    using store = releaseFile({ canary: { ...canary } });
    const { status, stdout, stderr } = await store.run("set", "canary", "0%", "-m", "INC-42");
    expect(status).toBe(0);
    expect(stdout).toContain("→ 0% (0)");
    expect(stderr).toMatch(/^maxwells-daemon: release 7 of app is aborted by this, at step \d\/4\n$/);
    expect(store.record()).toMatchObject({ rollout: 0, offset: 0.25, team: "checkout", why: "INC-42" });
    expect(store.release()).toMatchObject({ state: "aborted", reason: "INC-42", seq: 5, wrote: [0, 0.25] });
    const text = store.text();
    expect((await store.run("set", "canary", "0%")).stdout).toContain("already; nothing was written");
    expect(store.text()).toBe(text);
  });

  test("law 14: 0% is written whatever other writers do meanwhile", async () => {
    using store = releaseFile({ canary: recordOf() });
    const others = Array.from({ length: 8 }, (_, index) =>
      store.run(...(index % 2 === 0 ? ["pause"] : ["resume"])),
    );
    const { status } = await store.run("set", "canary", "0%");
    await Promise.all(others);
    expect(status).toBe(0);
    expect(store.record()).toMatchObject({ rollout: 0 });
    expect(store.release().state).toBe("aborted");
  });

  test("a lower rollout pauses the release with the same write", async () => {
    using store = releaseFile({ canary: recordOf() });
    const { status, stderr } = await store.run("set", "canary", "3%");
    expect(status).toBe(0);
    expect(stderr).toBe(
      "maxwells-daemon: release 7 of app is paused by this, at step 2/4, because 3% is not its share; " +
        "to go on at the last step not above it: maxwells-daemon resume -application app\n",
    );
    expect(store.release()).toMatchObject({ state: "paused", reason: "foreign-change", wrote: [0.03, 0.25] });
    expect((await store.run("set", "canary", "2%")).stderr).toContain("release 7 of app stays paused");
    expect((await store.run("resume")).stdout).toBe(
      "release 7 of app resumed: step 1/4, canary 2% → 1% for 10m\n",
    );
  });

  test.each<[string, object, readonly string[], string, readonly string[]]>([
    [
      "a running release",
      recordOf(),
      ["25%"],
      "release 7 of app is running, at step 2/4, canary at 5%; nothing was written",
      [
        "to go to the next step, 25%: maxwells-daemon promote -to 25% -application app",
        "to leave its plan, end it first: maxwells-daemon abort -application app",
      ],
    ],
    [
      "a paused release",
      recordOf({ state: "paused" }),
      ["7%"],
      "release 7 of app is paused, at step 2/4, canary at 5%; nothing was written",
      [
        "to go on: maxwells-daemon resume -application app",
        "to go to the next step: maxwells-daemon promote -resume -expect-step 2 -application app",
      ],
    ],
    [
      "a release with a lower rollout that no controller has seen",
      recordOf({}, { rollout: 0.02 }),
      ["5%"],
      "release 7 of app is paused, at step 2/4, canary at 2%; nothing was written",
      ["to go on: maxwells-daemon resume -application app"],
    ],
    [
      "a release with a plan of a newer program",
      recordOf({ plan: "5%:moon,100%" }),
      ["7%"],
      "release 7 of app is running, at step 2, canary at 5%; nothing was written",
      ["to leave its plan, end it first: maxwells-daemon abort -application app"],
    ],
    [
      "another offset",
      recordOf(),
      ["5%", "-offset", "0.5"],
      "release 7 of app is running, at step 2/4, canary at 5%; nothing was written",
      ["a release keeps its visitors, so it keeps its offset; to end it first: maxwells-daemon abort"],
    ],
    [
      "a release of a newer program",
      { rollout: 0.05, release: { format: 2 } },
      ["25%"],
      'the release of canary of app cannot be read: its field "format" is of a newer program; nothing was written',
      ["to take everyone back: maxwells-daemon set canary 0% -application app"],
    ],
  ])("refuses to raise %s, and names the verb", async (_, canary, words, text, remedies) => {
    using store = releaseFile({ canary: { ...canary } });
    const before = store.text();
    const { status, stdout, stderr } = await store.run("set", "canary", ...words);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toStartWith(`maxwells-daemon: ${text}\n`);
    for (const remedy of remedies) expect(stderr).toContain(`  ${remedy}`);
    expect(store.text()).toBe(before);
    // No flag changes it.
    expect((await store.run("set", "canary", ...words, "-new", "-overlap")).status).toBe(1);
  });

  test("ends a fade, upwards too, because a person may need the version at once", async () => {
    const fade = { state: "finished", step: 4, wrote: [0.5, 0.25], fade: [1, 0, 600_000] } as const;
    using store = releaseFile({ canary: recordOf(fade) });
    const { status, stderr } = await store.run("set", "canary", "100%");
    expect(status).toBe(0);
    expect(stderr).toContain("release 7 of app fades no more; canary stays at 100%");
    expect(store.release().fade).toBeUndefined();
  });

  test("of another version says that the release pauses", async () => {
    using store = releaseFile({ canary: recordOf(), blue: { rollout: 0, offset: 0.5 } });
    const { status, stderr } = await store.run("set", "blue", "10%");
    expect(status).toBe(0);
    expect(stderr).toContain("release 7, which is of canary, pauses while blue has visitors");
    expect(store.release().state).toBe("running");
  });

  test("REL-10: -new begins no record with the release of another one", async () => {
    using store = releaseFile({ canary: recordOf({ state: "aborted", wrote: [0, 0.25] }) });
    expect((await store.run("set", "blue", "10%", "-new")).status).toBe(0);
    expect(store.record("blue")).not.toHaveProperty("release");
  });
});

describe("remove", () => {
  test("refuses while a release is under way, also with -force, and names the verb", async () => {
    using store = releaseFile({ canary: recordOf() });
    const before = store.text();
    for (const words of [[], ["-force"]]) {
      const { status, stderr } = await store.run("remove", "canary", ...words);
      expect(status).toBe(1);
      expect(stderr).toStartWith(
        "maxwells-daemon: release 7 of app is running, at step 2/4, canary at 5%; nothing was removed\n",
      );
      expect(stderr).toContain("to end it first: maxwells-daemon abort -application app");
    }
    expect(store.text()).toBe(before);
    await store.run("abort");
    expect((await store.run("remove", "canary")).status).toBe(0);
  });
});

function twoFiles(from: unknown, to: unknown) {
  const directory = temporaryDirectory();
  const [source, target] = [directory.path("from.json"), directory.path("to.json")];
  writeFileSync(source, JSON.stringify(from));
  writeFileSync(target, JSON.stringify(to));
  return {
    copy: (...argv: string[]) => run(["copy", "-store", `file:${source}`, "-to", `file:${target}`, ...argv]),
    read: () => JSON.parse(readFileSync(target, "utf8")) as unknown,
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

describe("copy", () => {
  const { release, ...rest } = recordOf();

  test("REL-10: leaves a release in its store, and says so if it is under way", async () => {
    const over = recordOf({ state: "aborted", wrote: [0, 0.25] });
    using files = twoFiles({ app: { canary: recordOf(), blue: over } }, {});
    const { status, stdout } = await files.copy();
    expect(status).toBe(0);
    expect(stdout).toContain(
      "copied with the present rollout alone: app/canary; its release is still under way",
    );
    expect(files.read()).toEqual({
      app: { canary: rest, blue: { rollout: 0, offset: 0.25, team: "checkout" } },
    });
    const again = await files.copy("-o", "json");
    expect(JSON.parse(again.stdout)).toMatchObject({ written: 0, same: 2, released: ["app/canary"] });
  });

  test("keeps the old release of the target's record", async () => {
    const over = recordOf({ state: "aborted", wrote: [0, 0.25] });
    using files = twoFiles({ app: { canary: 0.25 } }, { app: { canary: over } });
    expect((await files.copy("-overwrite")).status).toBe(0);
    expect(files.read()).toMatchObject({ app: { canary: { rollout: 0.25, release: { id: 7 } } } } as never);
  });

  test("leaves alone a record whose release is under way there, also with -overwrite", async () => {
    const there = { app: { canary: recordOf() } };
    using files = twoFiles({ app: { canary: 0.25 } }, there);
    const { status, stdout } = await files.copy("-overwrite");
    expect(status).toBe(4);
    expect(stdout).toContain("left alone, because a release is under way there: app/canary; abort it first");
    expect(files.read()).toEqual(JSON.parse(JSON.stringify(there)));
  });
});
