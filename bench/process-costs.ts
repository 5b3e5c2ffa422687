/** The costs of a process, as the kernel counts them. */

import { readFileSync } from "node:fs";

/** The clock ticks of /proc/PID/stat, in which the kernel counts a process's time. */
const TICK_MS = 10;

/** The processor time that a process has used. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process. */
export function residentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return (Number(kib) * 1024) / 1e6;
}
