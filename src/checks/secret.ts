/**
 * Secrets of checks: a name in the configuration file, and the value in the environment or in a file. A file
 * is read for each evaluation, because tokens that expire are replaced while the daemon runs.
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { PREFIX } from "../config/environment.ts";
import { Problem } from "../config/option.ts";

/** The file of a secret has at most this many bytes. */
export const SECRET_BYTES_MAX = 8_192;

/** The place of a value. */
export interface Source {
  readonly from: "text" | "environment" | "file";
  /** The value itself, the name of a variable, or the path of a file. */
  readonly text: string;
}

/** Why a secret cannot be read, with the remedy. */
export class NoSecret {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** Reads `env:NAME` or `file:PATH`; any other text is the value itself. */
export function parseSource(text: string): Source | Problem {
  const [, scheme, rest = ""] = /^(env|file):(.*)$/s.exec(text) ?? [];
  if (scheme === undefined) return { from: "text", text };
  if (scheme === "file") {
    return rest === "" ? new Problem("write file:PATH") : { from: "file", text: rest };
  }
  if (!/^[A-Za-z_]\w*$/.test(rest)) return new Problem("write env:NAME, with the name of a variable");
  // The daemon would take it for a misspelt setting, and not start.
  if (rest.startsWith(PREFIX)) return new Problem(`take a variable that does not begin with ${PREFIX}`);
  return { from: "environment", text: rest };
}

/** The value in a form that a header can have: one line of ASCII, without spaces at its ends. */
export async function readSource(
  { from, text }: Source,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | NoSecret> {
  if (from === "text") return text;
  const isFile = from === "file";
  const value = isFile ? await readSmallFile(text) : environment[text];
  if (value instanceof NoSecret) return value;
  const name = isFile ? `the file ${text}` : `the variable ${text}`;
  const secret = value?.trim() ?? "";
  if (secret === "") return new NoSecret(`${name} has no secret; put it there`);
  if (isHeaderValue(secret)) return secret;
  return new NoSecret(`${name} has a character that no header can have; write one line of ASCII`);
}

export function isHeaderValue(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** A directory, a pipe or a device is refused, because reading it may never end. */
async function readSmallFile(path: string): Promise<string | NoSecret> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return new NoSecret(`${path} is not a file; write the path of one`);
      const bytes = Buffer.alloc(SECRET_BYTES_MAX + 1);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      if (bytesRead <= SECRET_BYTES_MAX) return bytes.toString("utf8", 0, bytesRead);
      return new NoSecret(`the file ${path} is larger than ${SECRET_BYTES_MAX} bytes; name the right one`);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code = "?" } = error as NodeJS.ErrnoException;
    return new NoSecret(`the file ${path} cannot be read (${code}); let the daemon's user read it`);
  }
}
