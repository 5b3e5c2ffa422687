/** A full disk for the log and the state directory. */

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess, eventually } from "../support/daemon-process.ts";
import { LineClient } from "../support/line.ts";
import { expectHealthy, residentBytes } from "./health.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot && process.env["CI"]) throw new Error("CI has to run as root, to mount a small disk");

// Mounting a file system of a few pages takes root; elsewhere there is no disk that is surely full.
test.skipIf(!isRoot)(
  "on a full disk the daemon answers, follows the store, says so, and recovers",
  async () => {
    const home = new DaemonHome({ records: { canary: 0.25 } });
    const disk = join(home.directory, "disk");
    mkdirSync(disk);
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]).exitCode).toBe(0);
    const logPath = join(disk, "daemon.log");
    const full = new DaemonHome({
      records: { canary: 0.25 },
      flags: ["-logfile", logPath, "-state-dir", join(disk, "state")],
    });
    let daemon: DaemonProcess | undefined;
    try {
      daemon = await full.start();
      const beforeBytes = residentBytes(daemon.pid);
      const filler = join(disk, "filler");
      try {
        writeFileSync(filler, Buffer.alloc(128 * 1024));
      } catch {
        // The disk is full now, as it should be.
      }
      full.write({ canary: 0.5, maintenance: 1 });
      await daemon.follows("canary", 0.5);
      const client = await LineClient.connect({ path: full.socket });
      expect(await client.ask("0.3")).toEqual({ assignment: "0.3", location: "canary" });
      client.close();
      const running = daemon;
      await eventually(
        () => / warn +the snapshot could not be saved.*ENOSPC/.test(running.log),
        "a complaint",
      );

      rmSync(filler);
      full.write({ canary: 0.25 });
      await daemon.follows("canary", 0.25);
      await eventually(
        () => /canary=0.25@0/.test(readFileSync(logPath, "utf8").split("\n").slice(-3).join("\n")),
        "the log file goes on",
      );
      await expectHealthy(full, daemon, beforeBytes);
    } finally {
      await daemon?.end();
      Bun.spawnSync(["umount", "-l", disk]);
      full.remove();
      home.remove();
    }
  },
  30_000,
);
