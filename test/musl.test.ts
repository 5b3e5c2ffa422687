/** The archive for musl, in a root directory without glibc: the program, and a daemon behind a real nginx. */

import "./support/long.ts";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM_VERSION } from "../src/cli/command.ts";
import { DaemonProcess } from "./support/daemon-process.ts";
import { MuslRoot, muslMissing } from "./support/musl-root.ts";
import { nginxMissing } from "./support/nginx.ts";
import { packageNamed, packagesDirectory } from "./support/packages.ts";
import { Site } from "./support/site.ts";

const PATIENCE_MS = 240_000;

const missing = muslMissing() ?? nginxMissing();
if (missing !== undefined) console.warn(`skipped: the program for musl: ${missing}`);

describe.skipIf(missing !== undefined)("on a machine with musl and without glibc", () => {
  let root: MuslRoot;
  const stops: (() => unknown)[] = [];

  beforeAll(async () => {
    root = new MuslRoot(packageNamed(await packagesDirectory(), "-musl.tar.gz"));
    stops.push(() => root.remove());
  }, PATIENCE_MS);

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const run = (...words: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(root.command(...words), { stderr: "pipe" });
    return { status: exitCode, said: `${stdout}${stderr}` };
  };
  const daemon = async () => {
    const flags = [
      ...["-config", "none", "-application", "website", "-store", "file:/run/rollouts.json"],
      ...["-socket", "/run/daemon.sock", "-state-dir", "/run/state", "-admin", "127.0.0.1:0"],
      ...["-http", "127.0.0.1:0", "-logfile", "none", "-statsd", "none", "-outcomes", "127.0.0.1:0"],
    ];
    const started = await DaemonProcess.of(
      Bun.spawn(root.command(...flags), { stdin: "ignore", stdout: "ignore", stderr: "pipe" }),
    );
    stops.push(() => started.end("SIGKILL"));
    return started;
  };

  test("the program starts, and is the whole program", () => {
    expect(run("version")).toEqual({
      status: 0,
      said: expect.stringContaining(`maxwells-daemon ${PROGRAM_VERSION} (bun ${Bun.version}`),
    });
    // The clients of stores are loaded lazily.
    expect(run("get", "-store", "postgres://127.0.0.1:9/rollouts").said).toContain("ECONNREFUSED");
  });

  test(
    "a daemon answers nginx, and the next one takes its socket over: visitors notice nothing",
    async () => {
      const share = join(root.directory, "run");
      writeFileSync(join(share, "rollouts.json"), '{ "website": { "canary": 0.25, "maintenance": 0 } }');
      const first = await daemon();
      const site = await Site.start(join(share, "daemon.sock"), join(share, "site"));
      stops.push(() => site.stop());
      const stop = new AbortController();
      const visits = site.visit(stop.signal);
      await site.waitForVisits(50);
      const second = await daemon();
      expect(await first.end()).toBe(0);
      await site.waitForVisits(site.visits + 50);
      stop.abort();
      await visits;
      expect(site.wrong).toEqual([]);
      await second.follows("canary", 0.25);
      // It calls libc itself for datagrams and for the user at the other end of a socket.
      expect(second.log).not.toMatch(/warn|error/);
      expect(await second.end()).toBe(0);
    },
    PATIENCE_MS,
  );
});
