/**
 * Reads a file that the operator did not name. The file can name code (`store = "/x/store.ts"`), and root
 * runs commands. So it must belong to root or to the user of the command, and must not be open to every user
 * for writing.
 */

import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";

const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o002;

/** Throws if `readFileSync` would throw, and if the file cannot be trusted. */
export function readTrustedFile(path: string, user = process.getuid?.()): string {
  const descriptor = openSync(path, "r");
  try {
    const { uid, mode } = fstatSync(descriptor);
    if (user !== undefined && uid !== ROOT && uid !== user) {
      throw new Error(
        `it belongs to user ${uid}, who could make every command run any code; chown root ${path}`,
      );
    }
    if ((mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new Error(
        `every user may write to it, and could make every command run any code; chmod o-w ${path}`,
      );
    }
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}
