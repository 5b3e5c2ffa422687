/** A release, with the daemon as a process of its own. */

import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { move } from "../../src/releases/machine.ts";
import { readRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { nowIn } from "../../src/verbs/look.ts";
import { planOf, START } from "../releases/world.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";

const homes: DaemonHome[] = [];
const daemons: DaemonProcess[] = [];

function makeHome(): DaemonHome {
  const home = new DaemonHome({ records: { canary: 0 }, flags: ["-releases", "on", "-name", "web-1"] });
  homes.push(home);
  return home;
}

async function started(home: DaemonHome): Promise<DaemonProcess> {
  const daemon = await home.start();
  daemons.push(daemon);
  return daemon;
}

afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.end("SIGKILL");
  for (const home of homes.splice(0)) home.remove();
});

/** Starts a release, as a command does. */
function start(home: DaemonHome, plan: string): void {
  const snapshot = new Map([["canary", { value: recordIn(home), revision: "" }]]);
  const request = { verb: "release", replace: false, seenKey: null, reason: undefined } as const;
  const outcome = move(
    nowIn(snapshot, "canary"),
    { ...request, start: { ...START, plan: planOf(plan) } },
    { nowMs: Date.now(), tx: START.key, author: "ada@web-1" },
  );
  if (outcome.kind !== "write" || outcome.release === null) throw new Error(JSON.stringify(outcome));
  const { rollout, offset, release } = outcome;
  home.write({ canary: { rollout, offset, release: releaseField(release) } });
}

function recordIn(home: DaemonHome): Record<string, unknown> {
  const value = JSON.parse(readFileSync(home.storePath, "utf8"))[home.application].canary;
  return typeof value === "number" ? { rollout: value } : value;
}

function releaseIn(home: DaemonHome): Release {
  const found = readRelease(recordIn(home)["release"]);
  if (found.kind !== "release") throw new Error(JSON.stringify(found));
  return found.release;
}

test("a release of three short steps goes from 1% to 100% by itself", async () => {
  const home = makeHome();
  const daemon = await started(home);
  start(home, "1%:1s,50%:2s,100%:1h");
  await eventually(() => releaseIn(home).state === "promoted", "the last step", 20_000);
  const { log } = releaseIn(home);
  expect(log.map(([, , state, step, rollout, by]) => [state, step, rollout, by])).toEqual([
    ["running", 1, 0.01, "ada@web-1"],
    ["running", 2, 0.5, "web-1"],
    ["promoted", 3, 1, "web-1"],
  ]);
  const [first = 0, second = 0, third = 0] = log.map(([, atMs]) => atMs);
  expect(second - first).toBeGreaterThanOrEqual(1_000);
  expect(third - second).toBeGreaterThanOrEqual(2_000);
  await daemon.follows("canary", 1);
  expect(await daemon.end()).toBe(0);
  for (const step of [1, 2, 3]) expect(daemon.log).toContain(`step ${step}/3`);
});

test("a daemon that is killed and started again goes on", async () => {
  const home = makeHome();
  const first = await started(home);
  start(home, "1%:3s,100%:1h");
  await first.follows("canary", 0.01);
  await first.end("SIGKILL");
  await started(home);
  await eventually(() => releaseIn(home).state === "promoted", "the last step", 20_000);
  const [began = 0, ended = 0] = releaseIn(home).log.map(([, atMs]) => atMs);
  expect(ended - began).toBeGreaterThanOrEqual(3_000);
});

test("a verdict of an earlier process keeps its visitors at master, before the store or the saved snapshot is read", async () => {
  const home = makeHome();
  const first = await started(home);
  start(home, "100%:1h");
  await first.follows("canary", 1);
  await eventually(() => existsSync(join(home.stateDirectory, "snapshot/website.json")), "the snapshot");
  const { key } = releaseIn(home);
  const saved = join(home.stateDirectory, "releases/website.json");
  await eventually(() => existsSync(saved), "the highest state");
  await first.end();
  home.loseStore();
  // The file of the highest state names the store in the same way.
  const { store } = JSON.parse(readFileSync(saved, "utf8"));
  mkdirSync(join(home.stateDirectory, "overrides"));
  const override = {
    store,
    application: "website",
    version: "canary",
    key,
    reason: "errors",
    atMs: Date.now(),
  };
  const file = join(home.stateDirectory, `overrides/${key}.json`);
  writeFileSync(file, JSON.stringify(override));
  const second = await home.startStale();
  daemons.push(second);
  expect(await home.ask("0.5")).toBe("master");
  // A person ends it by removing the file.
  rmSync(file);
  await eventually(async () => (await home.ask("0.5")) === "canary", "the canary again");
});
