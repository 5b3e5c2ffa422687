/** The memory of the evidence: of a full release, of a quiet one, of many full ones, and after their end. */

import { join } from "node:path";
import type { EvidenceHeap } from "./evidence-heap.ts";
import { limitRow, type Row } from "./report.ts";

const HEAP = join(import.meta.dir, "evidence-heap.ts");

const MB = 1_000_000;
const KB = 1_000;

/** More outcomes than fill all tables of a release. */
const FLOOD = 200_000;

/** The outcomes of a quiet release. Each is of another visitor. */
const FEW = 250;

const MANY = 100;
const FLOOD_OF_MANY = 20_000;

const FULL_MB_AT_MOST = 8;
const QUIET_KB_AT_MOST = 64;
const ALL_MB_AT_MOST = 64;

/** Objects that the collector finds later, and the program's own code. */
const LEFT_MB_AT_MOST = 1;

export async function benchEvidenceMemory(): Promise<Row[]> {
  const full = await heapOf(1, FLOOD);
  const quiet = await heapOf(1, FEW);
  const many = await heapOf(MANY, FLOOD_OF_MANY);
  const resident = ({ resident, residentAfter }: EvidenceHeap) =>
    `the process ${mb(resident)} MB more, after the end ${mb(residentAfter)} MB`;
  const what = "memory of evidence";
  return [
    limitRow(`${what}: tables of a full release`, full.greatest / MB, "MB", "by length", FULL_MB_AT_MOST),
    limitRow(`${what}: heap of a full release`, full.heap / MB, "MB", resident(full), FULL_MB_AT_MOST),
    limitRow(`${what}: a quiet release`, quiet.tables / KB, "KB", "by length", QUIET_KB_AT_MOST),
    limitRow(`${what}: tables of ${MANY} full releases`, many.tables / MB, "MB", "by length", ALL_MB_AT_MOST),
    limitRow(`${what}: heap of ${MANY} full releases`, many.heap / MB, "MB", resident(many), ALL_MB_AT_MOST),
    limitRow(`${what}: after the end, counted`, many.countedAfter, "bytes", "all releases are over", 0),
    limitRow(`${what}: after the end, heap`, many.heapAfter / MB, "MB", "more than before", LEFT_MB_AT_MOST),
  ];
}

function mb(bytes: number): string {
  return (bytes / MB).toFixed(1);
}

async function heapOf(releases: number, outcomes: number): Promise<EvidenceHeap> {
  const child = Bun.spawn([process.execPath, "--smol", HEAP, String(releases), String(outcomes)], {
    stdout: "pipe",
    // The same as in the launcher and in the systemd unit.
    env: { ...process.env, BUN_JSC_forceRAMSize: "134217728" },
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the process with the evidence broke off");
  return JSON.parse(text) as EvidenceHeap;
}
