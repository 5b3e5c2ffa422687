/** A daemon as operators run it, with the most applications that it may serve, on one file. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { APPLICATIONS_MAX } from "../../src/settings/application.ts";
import "../support/alone.ts";
import { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";

const NAMES = Array.from({ length: APPLICATIONS_MAX }, (_, index) => `app-${index}`);
const LAST = `app-${APPLICATIONS_MAX - 1}`;

const READY_MS = 15_000;
const ENDED_MS = 3_000;
const MEMORY_BYTES_MAX = 400e6;

const home = new DaemonHome();
let daemon: DaemonProcess;

function write(rollouts: Readonly<Record<string, number>>): void {
  const path = `${home.storePath}.new`;
  const documents = NAMES.map((name) => [name, { canary: rollouts[name] ?? 0.5 }]);
  writeFileSync(path, JSON.stringify(Object.fromEntries(documents)));
  renameSync(path, home.storePath);
}

async function start(): Promise<DaemonProcess> {
  const config = join(home.directory, "daemon.toml");
  writeFileSync(config, `application = ${JSON.stringify(NAMES)}\n`);
  const flags = home.command.flatMap((flag) =>
    flag === "-application" || flag === home.application ? [] : [flag],
  );
  const command = flags.map((flag, index) => (flags[index - 1] === "-config" ? config : flag));
  return DaemonProcess.of(Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" }));
}

async function locationsOf(names: readonly string[]): Promise<string[]> {
  const client = await LineClient.connect({ path: home.socket });
  try {
    const locations: string[] = [];
    for (const name of names) locations.push((await client.ask(`0.25 application=${name}`)).location);
    return locations;
  } finally {
    client.close();
  }
}

beforeAll(async () => {
  write({});
  daemon = await start();
}, READY_MS);

afterAll(async () => {
  await daemon?.end("SIGKILL");
  home.remove();
});

test("every application is served, and each decision counts under its own application", async () => {
  expect(new Set(await locationsOf(NAMES))).toEqual(new Set(["canary"]));
  const { applications } = await daemon.state();
  expect(applications).toHaveLength(NAMES.length);
  for (const { name, fresh, decisions } of applications) {
    expect([name, fresh, decisions]).toEqual([
      name,
      true,
      [{ location: "canary", reason: "rollout", count: 1 }],
    ]);
  }
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "latin1"))?.[1];
  expect(Number(kib) * 1024).toBeLessThan(MEMORY_BYTES_MAX);
}, 60_000);

test("a change of one application is followed, and the log names no other", async () => {
  const before = daemon.log.length;
  write({ [LAST]: 0.125 });
  await eventually(async () => (await locationsOf([LAST]))[0] === "master", "the changed rollout");
  expect(await locationsOf(["app-0"])).toEqual(["canary"]);
  const told = daemon.log.slice(before).trim().split("\n");
  expect(told).toEqual([
    expect.stringContaining(`rollouts changed application=${LAST} arcs="canary=0.125@0"`),
  ]);
});

test("a file that is half written is one line of the log, and the last values still count", async () => {
  const before = daemon.log.length;
  const whole = readFileSync(home.storePath);
  writeFileSync(home.storePath, whole.subarray(0, whole.length / 2));
  await eventually(() => daemon.log.length > before, "a line of the log");
  await Bun.sleep(500);
  const told = daemon.log.slice(before).trim().split("\n");
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/the store could not be read applications=\d+ .*malformed/);
  expect(await locationsOf(["app-0", LAST])).toEqual(["canary", "master"]);
  write({ [LAST]: 0.125 });
  await eventually(() => daemon.log.includes("the store answers again"), "the store's return in the log");
});

test("the daemon ends in time, and while the store is away the next one starts from the saved values", async () => {
  const saved = (name: string) => join(home.stateDirectory, "snapshot", `${name}.json`);
  await eventually(
    () => NAMES.every((name) => existsSync(saved(name))),
    "a saved snapshot of each application",
    30_000,
  );
  await eventually(
    () => readFileSync(saved(LAST), "utf8").includes("0.125"),
    "the change in the saved snapshot",
  );
  const beganAtMs = performance.now();
  expect(await daemon.end()).toBe(0);
  expect(performance.now() - beganAtMs).toBeLessThan(ENDED_MS);
  renameSync(home.storePath, `${home.storePath}.away`);
  daemon = await start();
  expect(await locationsOf(["app-0", "app-5000", LAST])).toEqual(["canary", "canary", "master"]);
}, 60_000);
