/** Checks whether this user may write the files of the settings, without writing anything. */

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** The reason why this user may not write the file; undefined if the user may. */
export function whyNotWritable(path: string): string | undefined {
  return refusal(path, constants.W_OK, () => undefined);
}

/** The reason why this user may not create files in the directory; undefined if the user may. */
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

/**
 * The path itself if it exists, or else the nearest directory above it that does: the daemon creates the
 * rest.
 */
export function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}
