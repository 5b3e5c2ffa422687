/** `resume -despite-override`: a person ends the override of this machine's daemon. */

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KEY, OTHER_KEY } from "../../releases/world.ts";
import { recordOf, releaseFile } from "../release-file.ts";
import { temporaryDirectory } from "../run.ts";

/** A state directory with the overrides of two releases. */
function stateDirectory() {
  const directory = temporaryDirectory();
  const path = directory.path("state");
  const file = (key: string) => join(path, "overrides", `${key}.json`);
  mkdirSync(join(path, "overrides"), { recursive: true });
  for (const key of [KEY, OTHER_KEY]) writeFileSync(file(key), "{}");
  return { path, file, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

describe("resume -despite-override", () => {
  test.each(["running", "paused"] as const)(
    "ends the override of a release that is %s, and of no other",
    async (state) => {
      using directory = stateDirectory();
      using store = releaseFile({ canary: recordOf({ state }) });
      const resume = ["resume", "-despite-override", "-state-dir", directory.path] as const;
      const { status, stderr } = await store.run(...resume);
      expect(status).toBe(0);
      expect(stderr).toContain(
        "the override of release 7 of app has ended; the daemon of this machine serves canary",
      );
      expect(store.release().state).toBe("running");
      expect([existsSync(directory.file(KEY)), existsSync(directory.file(OTHER_KEY))]).toEqual([false, true]);
      const again = await store.run(...resume, "-o", "json");
      expect(again.stderr).toContain("/overrides has no override of release 7 of app");
      expect(JSON.parse(again.stdout)).toMatchObject({ code: "running", overrideEnded: false });
    },
  );

  test("leaves the override of a release that cannot be resumed", async () => {
    using directory = stateDirectory();
    using store = releaseFile({ canary: recordOf({ state: "aborted", wrote: [0, 0.25] }) });
    const { status } = await store.run("resume", "-despite-override", "-state-dir", directory.path);
    expect(status).toBe(1);
    expect(existsSync(directory.file(KEY))).toBe(true);
  });

  test("says if the file cannot be removed, and that the release goes on", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.path("overrides"), "no directory");
    using store = releaseFile({ canary: recordOf({ state: "paused" }) });
    const state = directory.path("overrides").replace(/\/overrides$/, "");
    const { status, stderr } = await store.run("resume", "-despite-override", "-state-dir", state);
    expect(status).toBe(1);
    expect(stderr).toContain("release 7 of app resumed: step 2/4");
    expect(stderr).toContain("but its override could not be removed");
    expect(stderr).toContain(`remove ${KEY}.json in ${state}/overrides as the daemon's user`);
  });

  test("needs a state directory", async () => {
    using store = releaseFile({ canary: recordOf({ state: "paused" }) });
    const { status } = await store.run("resume", "-despite-override", "-state-dir", "none");
    expect(status).toBe(2);
    expect(store.release().state).toBe("paused");
  });
});
