/**
 * If visitors do not get the store's rollouts, `/readyz` says so, the log says so once, and the process stays
 * alive.
 */

import { afterEach, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../cli/run.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";

let home: DaemonHome;
let daemon: DaemonProcess;

afterEach(async () => {
  await daemon.end();
  home.remove();
});

async function page(path: string): Promise<string> {
  const [, admin] = / runs .*admin=(\S+)/.exec(daemon.log) ?? [];
  const response = await fetch(`${admin}${path}`);
  return `${response.status} ${await response.text()}`;
}

test("if a socket's directory is gone, the log says so once, and the daemon listens there again when it is back", async () => {
  const flags: string[] = [];
  home = new DaemonHome({ flags });
  const directory = join(home.directory, "run");
  const path = join(directory, "second.sock");
  flags.push("-listen", `unix:${path}`);
  mkdirSync(directory);
  daemon = await home.start();
  expect(await page("/readyz")).toBe("200 ready\n");
  rmSync(directory, { recursive: true });
  await eventually(async () => (await page("/readyz")).startsWith("503"), "a status of not ready");
  expect(await page("/readyz")).toContain(`no proxy can reach line unix:${path}: the file ${path} is gone`);
  expect(await page("/healthz")).toBe("200 ok\n");
  const [, admin = ""] = / runs .*admin=http:\/\/(\S+)/.exec(daemon.log) ?? [];
  const status = await run(["status", "-admin", admin]);
  expect(status.status).toBe(1);
  expect(status.stdout).toContain(`NO: no proxy can reach line unix:${path}: the file ${path} is gone`);
  expect((await run(["status", "-admin", admin, "-admin", admin])).status).toBe(1);
  await Bun.sleep(3_500);
  expect(daemon.log.split("no proxy can connect")).toHaveLength(2);
  expect(daemon.log).not.toMatch(/\.[0-9a-f]{8}\.new/);
  expect(daemon.log).toContain("remedy=");
  mkdirSync(directory);
  await eventually(async () => (await page("/readyz")).startsWith("200"), "a status of ready");
  expect(daemon.log).toContain("listens there again");
}, 30_000);

test("if the store is lost for too long, the daemon is not ready but alive", async () => {
  home = new DaemonHome({ flags: ["-unhealthy", "500ms"] });
  daemon = await home.start();
  expect(await page("/readyz")).toBe("200 ready\n");
  rmSync(home.storePath);
  await eventually(async () => (await page("/readyz")).startsWith("503"), "a status of not ready");
  expect(await page("/readyz")).toBe(
    "503 not ready: the store has been unreadable for longer than -unhealthy for website\n",
  );
  expect(await page("/healthz")).toBe("200 ok\n");
  home.write({ canary: 0.5 });
  await eventually(async () => (await page("/readyz")).startsWith("200"), "a status of ready");
}, 30_000);
