/**
 * The state of a healthy daemon after every fault of a client, a disk or a network: it answers, and its
 * memory is back.
 */

import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import type { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";

/**
 * The memory that a daemon may keep after a fault, in bytes. Most of these tests leave up to 28 MB, and no
 * more if they run again and again. After two hundred slow readers it was up to 56 MB until the next full
 * collection.
 */
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The bound of resident memory for a daemon under attack, at any moment, in bytes. Slow readers may have 16
 * MB waiting. Two hundred of them may send 0.4 MB each in one burst, which stays until it is collected. The
 * bound allows all of this twice.
 */
export const RESIDENT_BYTES_MAX = 256 * 1024 * 1024;

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/**
 * Asserts three things. The daemon answers correctly (its store must have canary at 0.25). It holds no
 * connection except the one that asks. It has given its memory back.
 *
 * @param beforeBytes the daemon's resident memory before the fault
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
      "the end of all other connections",
    );
    await eventually(async () => {
      // The daemon collects garbage only while it makes new garbage, so it gets some work.
      client.send("0.1 key=a\n".repeat(2_000));
      await client.lines(4_000);
      return residentBytes(daemon.pid) < beforeBytes + GROWTH_BYTES_MAX;
    }, "the return of the memory");
  } finally {
    client.close();
  }
}
