/** Removes logs of evidence a week after their last batch. */

import { readdir, rmdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { EVIDENCE_KEPT_MS } from "../evidence.ts";
import { isDirectoryName, nameIn } from "./evidence-names.ts";

/**
 * Touches only what this program has made, and ignores what it may not remove.
 *
 * @param evidence the directory of all logs
 * @param nowMs    by the clock of its file system
 */
export async function sweepEvidence(evidence: string, nowMs: number): Promise<void> {
  for (const log of (await readdir(evidence)).filter(isDirectoryName)) {
    await sweepLog(join(evidence, log), nowMs).catch(() => {});
  }
}

async function sweepLog(directory: string, nowMs: number): Promise<void> {
  const names = await readdir(directory);
  const files = names.filter((name) => nameIn(name) !== undefined).map((name) => join(directory, name));
  const times = await Promise.all([directory, ...files].map(async (path) => (await stat(path)).mtimeMs));
  if (nowMs - Math.max(...times) <= EVIDENCE_KEPT_MS) return;
  for (const file of files) await unlink(file);
  await rmdir(directory);
}
