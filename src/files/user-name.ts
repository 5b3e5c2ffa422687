/** The name of the user that this process runs as. */

import { userInfo } from "node:os";

/** Asking the user database may go over a network. */
const LOOKUP_TIMEOUT_MS = 1_000;

/** Bun takes the name from the environment, and says this if it is not there, as in a container. */
const NAMELESS = "unknown";

/** The name from the environment, or else from the system's user database; `unknown` if that has none. */
export function ownUserName(): string {
  const { username } = userInfo();
  return username === NAMELESS ? (userNameInDatabase() ?? NAMELESS) : username;
}

/** The name in the system's user database; undefined if it has none. */
export function userNameInDatabase(): string | undefined {
  try {
    const { stdout, exitCode } = Bun.spawnSync(["id", "-un"], {
      timeout: LOOKUP_TIMEOUT_MS,
      env: { PATH: "/usr/bin:/bin" },
      stderr: "ignore",
    });
    const name = stdout.toString().trim();
    return exitCode === 0 && /^[^\s\p{Cc}]+$/u.test(name) ? name : undefined;
  } catch {
    // A container without `id`.
    return undefined;
  }
}
