import { expect, test } from "bun:test";
import { hostname } from "node:os";
import { recordOf, releaseFile } from "../release-file.ts";
import { run } from "../run.ts";

const WHO = `ada@${hostname()}`;

test("freeze holds back the releases, shows it, and ends", async () => {
  using store = releaseFile({ canary: recordOf(), blue: recordOf({ id: 8, state: "paused" }) });
  const off = await store.run("freeze");
  expect(off).toEqual({
    ...{ status: 0, stderr: "" },
    stdout: "releases are not frozen\n  release 7 of app is running, at step 2/4, canary at 5%\n",
  });
  const on = await store.run("freeze", "on", "-m", "Black Friday");
  expect(on.stdout).toMatch(/^releases are frozen by .+ since 20.+Z: Black Friday\n/);
  expect(on.stdout).toContain("  release 7 of app waits, at step 2/4, canary at 5%\n");
  const text = store.text();
  const again = await store.run("freeze", "on");
  expect(again.stdout).toContain(": Black Friday already; nothing was written\n");
  expect(again.status).toBe(0);
  expect(store.text()).toBe(text);
  const shown = await store.run("freeze", "-o", "json");
  expect(JSON.parse(shown.stdout)).toMatchObject({
    ...{ isFrozen: true, by: WHO, why: "Black Friday", written: false, store: store.address },
    releases: [{ application: "app", version: "canary", id: 7, step: 2, rollout: 0.05 }],
  });
  expect((await store.run("freeze", "off")).stdout).toStartWith("releases are not frozen\n");
  expect((await store.run("freeze", "off")).stdout).toStartWith(
    "releases are not frozen; nothing was written\n",
  );
});

test("freeze leaves the records of applications alone, and no daemon takes it for an arc", async () => {
  using store = releaseFile({ canary: recordOf() });
  const before = store.record();
  await store.run("freeze", "on");
  expect(store.record()).toEqual(before);
  const { stdout } = await store.run("get", "-application", "~releases", "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject([{ version: "freeze", rollout: 0 }]);
});

test("freeze says how many more releases there are, and that a store is read-only", async () => {
  using store = releaseFile({ canary: 0 });
  const apps = Array.from({ length: 25 }, (_, index) => [`app${index}`, { canary: recordOf() }]);
  store.write(Object.fromEntries(apps));
  expect((await store.run("freeze")).stdout).toContain("\n  and 5 more\n");
  const { status, stderr } = await run(["freeze", "on", "-store", "constant:0.05"]);
  expect(status).toBe(1);
  expect(stderr).toContain("is read-only; nothing was written");
});

test("freeze knows only on and off", async () => {
  using store = releaseFile({ canary: 0 });
  const { status, stderr } = await store.run("freeze", "onn");
  expect(status).toBe(2);
  expect(stderr).toContain('"onn": write one of on, off');
});
