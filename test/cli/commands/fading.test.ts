/** `undo` and `finish`, at once and with `-over`, through the real command line on a real file. */

import { describe, expect, test } from "bun:test";
import { recordOf, releaseFile } from "../release-file.ts";
import { run, withoutFlags } from "../run.ts";

const PROMOTED = recordOf({ state: "promoted", step: 4, wrote: [1, 0.25], failsafe: "hold", was: "master" });
const FINISH = ["finish", "-deployed", "v42"] as const;

/** A fade that began `agoMs` ago, and takes an hour. */
function fading(state: "aborted" | "finished", agoMs: number) {
  const rollout = 0.9;
  return recordOf({ state, step: 4, wrote: [rollout, 0.25], fade: [1, Date.now() - agoMs, 3_600_000] });
}

describe("finish", () => {
  test("needs the name of the software, and the order is in the advice", async () => {
    using store = releaseFile({ canary: PROMOTED });
    const before = store.text();
    const without = await store.run("finish");
    expect(without.status).toBe(2);
    expect(without.stderr).toContain("deploy it to them first, and then name it, such as -deployed v42");
    const other = await store.run("finish", "-deployed", "v43");
    expect(other.status).toBe(4);
    expect(other.stderr).toContain("release 7 of app is a release of v42, and not of v43");
    expect(other.stderr).toContain("first deploy v42 to master's servers, while canary serves everyone;");
    expect(store.text()).toBe(before);
  });

  test("ends at once, and puts the failsafe back", async () => {
    using store = releaseFile({ canary: { ...PROMOTED, failsafe: "hold" } });
    const { stdout } = await store.run(...FINISH, "-m", "deployed by hand");
    expect(stdout).toBe("release 7 of app finished: canary 100% → 0%\n");
    expect(store.record()).toMatchObject({ rollout: 0, failsafe: "master", why: "deployed by hand" });
  });

  test("is refused before the promotion, and the advice names the way", async () => {
    using store = releaseFile({ canary: recordOf() });
    const { status, stderr } = await store.run(...FINISH);
    expect(status).toBe(1);
    expect(stderr).toContain("only a promoted release can be finished");
    expect(stderr).toContain("to go on: maxwells-daemon promote -expect-step 2 -application app");
  });
});

describe("-over", () => {
  test.each([
    [FINISH, "finished", "release 7 of app finished: canary 100% → 0% over 2s\n"],
    [["undo"], "aborted", "release 7 of app aborted at step 4/4: canary 100% → 0% over 2s\n"],
  ] as const)("%j lowers evenly while no daemon runs", async (verb, state, first) => {
    using store = releaseFile({ canary: PROMOTED });
    const { status, stdout } = await store.run(...verb, "-over", "2s");
    expect(status).toBe(0);
    expect(stdout).toBe(`${first}release 7 of app has faded: canary is at 0%\n`);
    expect(store.record()).toMatchObject({ rollout: 0 });
    const release = store.release();
    expect(release).toMatchObject({ state });
    expect(release.fade).toBeUndefined();
    expect(release.arcs.length, "it went down in steps").toBeGreaterThan(3);
  });

  test("tells a program one document, at the end", async () => {
    using store = releaseFile({ canary: PROMOTED });
    const { stdout } = await store.run(...FINISH, "-over", "1s", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ written: true, code: "fading", version: "canary" },
      text: "release 7 of app has faded: canary is at 0%",
    });
  });

  test("has no effect on a release that is not promoted, because that one ends at once", async () => {
    using store = releaseFile({ canary: recordOf() });
    const { stdout, stderr } = await store.run("undo", "-over", "10m");
    expect(stdout).toBe("release 7 of app aborted at step 2/4: canary 5% → 0%\n");
    expect(stderr).toContain("only a promoted release fades, so -over had no effect");
  });

  test.each([["500ms"], ["91d"], ["10"]])("%s is refused", async (text) => {
    using store = releaseFile({ canary: PROMOTED });
    expect((await store.run("undo", "-over", text)).status).toBe(2);
  });
});

describe("Ctrl-C during a fade", () => {
  test("once leaves the rollout as it is, and says how to go on", async () => {
    using store = releaseFile({ canary: PROMOTED });
    const printed = await run([...FINISH, "-over", "1h", "-store", store.address], {}, undefined, {
      onPrint: (_, interrupt) => setTimeout(interrupt, 20),
    });
    const { status, stderr } = withoutFlags(printed, store.address);
    expect(status).toBe(5);
    const { rollout } = store.record() as { rollout: number };
    expect(rollout).toBeGreaterThan(0.99);
    expect(stderr).toContain(
      `canary stays at ${rollout * 100}%; to take everyone back at once, press Ctrl-C again`,
    );
    expect(stderr).toContain("to go on: maxwells-daemon finish canary -deployed v42 -application app\n");
    expect(stderr).toContain(
      "to take everyone back at once: maxwells-daemon abort canary -application app\n",
    );
    expect(store.release()).toMatchObject({ state: "finished", fade: [1, expect.any(Number), 3_600_000] });
  });

  test("twice takes everyone back at once", async () => {
    using store = releaseFile({ canary: PROMOTED });
    const { status, stdout } = await run(["undo", "-over", "1h", "-store", store.address], {}, undefined, {
      onPrint: (text, interrupt) => void (text.includes("over 1h") && setTimeout(interrupt, 20)),
      onWarn: (text, interrupt) => void (text.includes("Ctrl-C again") && setTimeout(interrupt, 20)),
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/release 7 of app has faded: canary [\d.]+% → 0%\n$/);
    expect(store.record()).toMatchObject({ rollout: 0 });
    expect(store.release().fade).toBeUndefined();
  });
});

describe("a fade that an earlier command has left", () => {
  test.each([
    ["undo", ["undo"], "aborted"],
    ["finish", FINISH, "finished"],
  ] as const)("goes on with the same verb, %s", async (_, verb, state) => {
    using store = releaseFile({ canary: fading(state, 3_599_000) });
    const { status, stdout } = await store.run(...verb);
    expect(status).toBe(0);
    expect(stdout).toBe(
      `release 7 of app is ${state} already, and fades: canary at 90%\nrelease 7 of app has faded: canary is at 0%\n`,
    );
    expect(store.record()).toMatchObject({ rollout: 0 });
  });

  test("is not taken over by the other verb", async () => {
    using store = releaseFile({ canary: fading("finished", 0) });
    const { status, stderr } = await store.run("undo");
    expect(status).toBe(1);
    expect(stderr).toContain("release 7 of app is finished, so there is nothing to undo");
  });

  test("ends at 0 with abort", async () => {
    using store = releaseFile({ canary: fading("finished", 0) });
    expect((await store.run("abort")).stdout).toBe("release 7 of app has faded: canary 90% → 0%\n");
    expect(store.record()).toMatchObject({ rollout: 0 });
  });
});
