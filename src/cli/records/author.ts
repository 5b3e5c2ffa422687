/** The author of a record: `user@host`. */

import { hostname } from "node:os";
import { userNameInDatabase } from "../../files/user-name.ts";
import type { Io } from "../command.ts";

/**
 * The caller; behind sudo, the person who called it. Cron and services set no USER, so the name then comes
 * from the system's user database; `uid1000` if it has none.
 */
export function authorOf({ env }: Io): string {
  const user =
    env["SUDO_USER"] ||
    env["USER"] ||
    env["LOGNAME"] ||
    userNameInDatabase() ||
    `uid${process.getuid?.() ?? ""}`;
  return `${user}@${hostname()}`;
}
