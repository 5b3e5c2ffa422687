/** The author of a record: `user@host`. */

import { hostname } from "node:os";
import type { Io } from "../command.ts";

/** Asking the user database may go over a network. */
const LOOKUP_TIMEOUT_MS = 1_000;

/** The caller; behind sudo, the person who called it. */
export function authorOf({ env }: Io): string {
  const user = env["SUDO_USER"] || env["USER"] || env["LOGNAME"] || nameOfUid();
  return `${user}@${hostname()}`;
}

/**
 * The user's name from the system's user database, because cron and services set no USER; `uid1000` if it has
 * none.
 */
function nameOfUid(): string {
  const uid = `uid${process.getuid?.() ?? ""}`;
  try {
    const { stdout, exitCode } = Bun.spawnSync(["id", "-un"], {
      timeout: LOOKUP_TIMEOUT_MS,
      env: { PATH: "/usr/bin:/bin" },
      stderr: "ignore",
    });
    const name = stdout.toString().trim();
    return exitCode === 0 && /^[^\s\p{Cc}]+$/u.test(name) ? name : uid;
  } catch {
    // A container without `id`.
    return uid;
  }
}
