/** The time that packages and manual pages carry, so that the same sources give the same files. */

import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

/**
 * `SOURCE_DATE_EPOCH`, in seconds since 1970, or else the time of the last commit. Without a repository it is
 * the present.
 */
export function sourceDate(environment = process.env): Date {
  const { SOURCE_DATE_EPOCH: given } = environment;
  if (given !== undefined && /^\d{1,11}$/.test(given)) return new Date(Number(given) * 1000);
  const shown = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: ROOT, stderr: "ignore" });
  const seconds = Number(String(shown.stdout).trim());
  return shown.exitCode === 0 && seconds > 0 ? new Date(seconds * 1000) : new Date();
}
