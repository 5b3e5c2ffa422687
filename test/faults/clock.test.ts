/**
 * A clock that jumps: a real daemon under libfaketime, whose time of day changes while it runs. Ages are
 * measured by the monotonic clock, which goes on as it does on a real machine.
 */

import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { expectHealthy, residentBytes } from "./health.ts";

const LIBRARY = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
  .map((directory) => `${directory}/faketime/libfaketime.so.1`)
  .find(existsSync);
if (LIBRARY === undefined && process.env["CI"]) throw new Error("CI needs Debian's package faketime");

function start(home: DaemonHome, timestampFile: string, flags: string[] = []): Promise<DaemonProcess> {
  const env = {
    ...process.env,
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: timestampFile,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  return DaemonProcess.of(
    Bun.spawn([...home.command, ...flags], { env, stdin: "ignore", stdout: "ignore", stderr: "pipe" }),
  );
}

async function locationOf(home: DaemonHome, assignment: string): Promise<string> {
  const client = await LineClient.connect({ path: home.socket });
  try {
    return (await client.ask(assignment)).location;
  } finally {
    client.close();
  }
}

// Only libfaketime (Debian: faketime) can give a process another clock.
test.skipIf(LIBRARY === undefined)(
  "law 3: if the time of day jumps by a year, either way, no answer changes",
  async () => {
    const home = new DaemonHome({ records: { canary: 0.25 } });
    const timestampFile = join(home.directory, "time");
    writeFileSync(timestampFile, "+0");
    const daemon = await start(home, timestampFile, ["-unhealthy", "20s"]);
    try {
      const beforeBytes = residentBytes(daemon.pid);
      for (const jump of ["+365d", "-365d", "+0"]) {
        writeFileSync(timestampFile, jump);
        const { applications } = await daemon.state();
        expect(applications[0]?.fresh).toBe(true);
        await expectHealthy(home, daemon, beforeBytes);
        // The daemon still reads the store.
        home.write({ canary: 0.5 });
        await daemon.follows("canary", 0.5);
        home.write({ canary: 0.25 });
        await daemon.follows("canary", 0.25);
      }
      const years = new Set(daemon.log.match(/^\d{4}/gm));
      expect(years.size).toBeGreaterThan(1);
    } finally {
      await daemon.end();
      home.remove();
    }
  },
  20_000,
);

test.skipIf(LIBRARY === undefined)(
  "law 3: a saved snapshot from the future is not trusted after a restart",
  async () => {
    const home = new DaemonHome({ records: { canary: 0.25 } });
    const timestampFile = join(home.directory, "time");
    writeFileSync(timestampFile, "+1d");
    const saved = join(home.stateDirectory, "snapshot", "website.json");
    try {
      const first = await start(home, timestampFile);
      await eventually(() => existsSync(saved), "the saved snapshot");
      await first.end();
      expect(JSON.parse(readFileSync(saved, "utf8")).records.canary.rollout).toBe(0.25);

      // The store is away, and the clock was corrected to a day before the saved reading.
      writeFileSync(home.storePath, "{ half");
      writeFileSync(timestampFile, "+0");
      const second = Bun.spawn([...home.command], {
        env: { ...process.env, LD_PRELOAD: LIBRARY, FAKETIME_TIMESTAMP_FILE: timestampFile },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      });
      try {
        await eventually(
          () =>
            locationOf(home, "0.1").then(
              (location) => location === "master",
              () => false,
            ),
          "an answer of master",
        );
      } finally {
        second.kill();
        await second.exited;
      }
    } finally {
      home.remove();
    }
  },
  20_000,
);
