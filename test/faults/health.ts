/** What must hold after everything that a client, a disk or a network can do: it answers, and its memory is back. */

import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import type { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";

/**
 * How much more a daemon may keep after trouble than before. Most of these tests leave up to 28 MB, and no more when they
 * are run again and again; after two hundred slow readers it was up to 56 MB until the next full collection.
 */
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What "memory stays bounded" means for a daemon under attack, at any moment: what may wait for slow readers (16 MB),
 * and what two hundred of them sent in one burst (0.4 MB each) until it is collected, twice over.
 */
export const RESIDENT_BYTES_MAX = 256 * 1024 * 1024;

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/**
 * Asserts that the daemon answers correctly (its store must have canary at 0.25), holds no connection but the one
 * that asks, and has given its memory back.
 *
 * @param beforeBytes its resident memory before the trouble
 */
export async function expectHealthy(
  home: DaemonHome,
  daemon: DaemonProcess,
  beforeBytes: number,
): Promise<void> {
  const client = await LineClient.connect({ path: home.socket });
  try {
    expect(await client.ask("0.1")).toEqual({ assignment: "0.1", location: "canary" });
    expect(await client.ask("0.9")).toEqual({ assignment: "0.9", location: "master" });
    await eventually(
      async () => (await daemon.state()).servers[0]?.connections === 1,
      "connections are gone",
    );
    await eventually(async () => {
      // Garbage is collected by whoever makes new garbage, so it is given some work.
      client.send("0.1 key=a\n".repeat(2_000));
      await client.lines(4_000);
      return residentBytes(daemon.pid) < beforeBytes + GROWTH_BYTES_MAX;
    }, "memory is back");
  } finally {
    client.close();
  }
}
