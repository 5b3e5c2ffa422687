/**
 * The text of a file that is read without being named. It can name code (`store = "/x/store.ts"`), and commands are typed as
 * root. So it has to belong to root or to the user who runs the command, and must not be open to every user for writing.
 */

import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";

const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o002;

/** Throws as `readFileSync` does, and if the file is not to be trusted. */
export function readTrustedFile(path: string, user = process.getuid?.()): string {
  const descriptor = openSync(path, "r");
  try {
    const { uid, mode } = fstatSync(descriptor);
    if (user !== undefined && uid !== ROOT && uid !== user) {
      throw new Error(
        `it belongs to user ${uid}, who could have any command run any code; chown root ${path}`,
      );
    }
    if ((mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new Error(`every user may write to it, and so have any command run any code; chmod o-w ${path}`);
    }
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}
