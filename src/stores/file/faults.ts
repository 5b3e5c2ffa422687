/** Errors of the file system become a `StoreError` with its remedy. */

import { userInfo } from "node:os";
import { dirname } from "node:path";
import { shellWord } from "../../text/shell-word.ts";
import { StoreError } from "../store.ts";

/** The system's name of an error, such as ENOENT; empty if it has none. */
export function errorCode(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "";
}

/** A failed read of the file at `path`. */
export function readFault(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = errorCode(error);
  const cause = { cause: error };
  if (code === "ENOENT" || code === "ENOTDIR") {
    // The command has no quotes, so that it can be pasted from a log. A new file would end maintenance and
    // all rollouts, so the message says first to restore the file.
    const remedy = `mkdir -p ${shellWord(dirname(path))} && echo {} > ${shellWord(path)}`;
    return new StoreError(
      "missing",
      `there is no file ${path}. If a daemon has used it, restore it: a new file ends maintenance and all rollouts. Only if the store is new, make it: ${remedy}`,
      cause,
    );
  }
  if (code === "EACCES" || code === "EPERM") {
    const remedy = `let it read the file and enter its directories, for example: chmod o+r ${shellWord(path)}`;
    return new StoreError("denied", `${userName()} may not read ${path}; ${remedy}`, cause);
  }
  return new StoreError(
    "unavailable",
    `${path} cannot be read (${code || String(error)}); check its disk`,
    cause,
  );
}

/** A failed write beside or over the file at `path`. */
export function writeFault(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = errorCode(error);
  const cause = { cause: error };
  const directory = dirname(path);
  switch (code) {
    case "ENOENT":
    case "ENOTDIR": {
      const remedy = `create it: mkdir -p ${shellWord(directory)}`;
      return new StoreError("missing", `there is no directory ${directory}; ${remedy}`, cause);
    }
    case "EACCES":
    case "EPERM": {
      const remedy =
        "use sudo, or a user who may; the file is replaced, so its directory must be writable too";
      return new StoreError("denied", `${userName()} may not write in ${directory}; ${remedy}`, cause);
    }
    case "EROFS":
      return new StoreError(
        "denied",
        `${directory} is mounted read-only; change the file at its source`,
        cause,
      );
    case "EBUSY": {
      const remedy = "mount its directory instead of the file";
      return new StoreError(
        "denied",
        `${path} is a mount of its own and cannot be replaced; ${remedy}`,
        cause,
      );
    }
    case "ENOSPC":
    case "EDQUOT": {
      const remedy = "make room and try again; the file is as it was";
      return new StoreError("unavailable", `the disk of ${directory} is full (${code}); ${remedy}`, cause);
    }
    default: {
      const remedy = "check its disk; the file is as it was";
      return new StoreError(
        "unavailable",
        `${path} cannot be written (${code || String(error)}); ${remedy}`,
        cause,
      );
    }
  }
}

/** A failed read or append of evidence below the directory at `path`. */
export function evidenceFault(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = errorCode(error);
  const cause = { cause: error };
  switch (code) {
    case "EACCES":
    case "EPERM": {
      const remedy = "let it read and write there, as in docs/stores/file.md";
      return new StoreError("denied", `${userName()} may not use ${path}; ${remedy}`, cause);
    }
    case "EROFS":
      return new StoreError("denied", `${path} is mounted read-only; mount it writable`, cause);
    case "ENOTDIR": {
      const remedy = "remove what is there";
      return new StoreError("malformed", `${path} is not a directory; ${remedy}`, cause);
    }
    case "ENOENT": {
      const remedy = `create it: mkdir -p ${shellWord(dirname(path))}`;
      return new StoreError("missing", `there is no directory ${dirname(path)}; ${remedy}`, cause);
    }
    default: {
      const remedy = "check its disk";
      return new StoreError(
        "unavailable",
        `${path} cannot be used (${code || String(error)}); ${remedy}`,
        cause,
      );
    }
  }
}

/** The user with its number, because the name comes from the environment, which may be another user's. */
function userName(): string {
  const id = process.getuid?.() ?? "?";
  try {
    const { username } = userInfo();
    return username === "unknown" ? `user ${id}` : `user "${username}" (${id})`;
  } catch {
    // The user of a container may have no name.
    return `user ${id}`;
  }
}
