/** A full disk under the log and the state directory. */

import { expect, test } from "bun:test";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { hasSmallDisks, mountSmallDisk, unmount } from "../support/disk.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { expectHealthy, residentBytes } from "./health.ts";

/** Enough changes that their lines in the log need more room than its last page has. */
const CHANGES = 60;

// Only root can mount a disk of a known small size.
test.skipIf(!hasSmallDisks())(
  "on a full disk the daemon answers, follows the store, warns, and recovers; the log counts its lost lines",
  async () => {
    const home = new DaemonHome({ records: { canary: 0.25 } });
    const disk = join(home.directory, "disk");
    mkdirSync(disk);
    expect(mountSmallDisk(disk)).toBeTrue();
    const logPath = join(disk, "daemon.log");
    const logFile = () => readFileSync(logPath, "utf8");
    const full = new DaemonHome({
      records: { canary: 0.25 },
      flags: ["-logfile", logPath, "-state-dir", join(disk, "state")],
    });
    let daemon: DaemonProcess | undefined;
    try {
      daemon = await full.start();
      const running = daemon;
      const beforeBytes = residentBytes(daemon.pid);
      const filler = join(disk, "filler");
      fill(filler);
      const client = await LineClient.connect({ path: full.socket });
      for (let change = 1; change <= CHANGES; change++) {
        const rollout = 0.5 + change / 1_000;
        full.write({ canary: rollout });
        await daemon.follows("canary", rollout);
        expect(await client.ask("0.3")).toEqual({ assignment: "0.3", location: "canary" });
        expect(await client.ask("0.9")).toEqual({ assignment: "0.9", location: "master" });
      }
      client.close();
      await eventually(
        () => / warn +the snapshot could not be saved.*ENOSPC/.test(running.log),
        "a complaint",
      );

      rmSync(filler);
      full.write({ canary: 0.25, maintenance: 1 });
      await daemon.follows("canary", 0.25);
      await eventually(() => /canary=0.25@0 maintenance=1@0/.test(logFile()), "new lines in the log file");
      // Every change is in the file or counts as lost.
      const written = logFile().match(/canary=0\.5\d+@0/g)?.length ?? 0;
      const lost = Number(/lines of the log were lost.* lines=(\d+)/.exec(logFile())?.[1]);
      expect(written + lost).toBeGreaterThanOrEqual(CHANGES);
      expect(written).toBeLessThan(CHANGES);
      await eventually(() => existsSync(join(disk, "state/maintenance/website")), "the maintenance file");
      const saved = join(disk, "state/snapshot/website.json");
      await eventually(() => /0\.25/.test(readFileSync(saved, "utf8")), "the snapshot");
      await expectHealthy(full, daemon, beforeBytes);
    } finally {
      await daemon?.end();
      unmount(disk);
      full.remove();
      home.remove();
    }
  },
  30_000,
);

/** Fills the disk to the last byte. */
function fill(path: string): void {
  const descriptor = openSync(path, "w");
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(1024));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
  } finally {
    closeSync(descriptor);
  }
}
