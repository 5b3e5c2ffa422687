/** Whether this user may write the files of the settings. Nothing is written to find out. */

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Undefined if this user may write the file. */
export function whyNotWritable(path: string): string | undefined {
  return refusal(path, constants.W_OK, () => undefined);
}

/** Undefined if this user may make files in the directory. */
export function whyNoFilesIn(directory: string): string | undefined {
  return refusal(directory, constants.W_OK | constants.X_OK, () =>
    statSync(directory).isDirectory() ? undefined : `${directory} is not a directory`,
  );
}

function refusal(path: string, mode: number, more: () => string | undefined): string | undefined {
  try {
    accessSync(path, mode);
    return more();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? `${path} is not there` : `${path} cannot be written (${code ?? "?"})`;
  }
}

/** The path itself, or the first directory above it that is there: the daemon makes the rest. */
export function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}
