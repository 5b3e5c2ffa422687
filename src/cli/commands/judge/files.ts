/** Reads the two files of the command. A mistake in one is an error that names the file and the line. */

import { createReadStream, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import {
  readSavedOutcome,
  readSavedRelease,
  type SavedOutcome,
  type SavedRelease,
} from "../../../evidence/saved.ts";
import { errorMessage } from "../../../text/error-message.ts";
import { PROGRAM } from "../../command.ts";
import { CliError } from "../../exit.ts";

/** A longer line cannot be an outcome. */
const LINE_LENGTH_MAX = 65_536;

const REMEDY = `read ${PROGRAM} help judge for the form of both files`;

export interface NumberedOutcome {
  readonly outcome: SavedOutcome;
  /** The number of the line, from 1. */
  readonly line: number;
}

export function releaseIn(path: string): SavedRelease {
  const release = readSavedRelease(textIn(path));
  if ("wrong" in release) throw new CliError("usage", `${path} cannot be used: ${release.wrong}`, REMEDY);
  return release;
}

/** The outcomes of a file, in the order of its lines. Empty lines are left out. */
export async function* outcomesIn(path: string): AsyncGenerator<NumberedOutcome> {
  let line = 0;
  for await (const text of linesIn(path)) {
    line++;
    if (text.trim() === "") continue;
    const outcome = readSavedOutcome(text);
    if ("wrong" in outcome) {
      throw new CliError("usage", `line ${line} of ${path} cannot be used: ${outcome.wrong}`, REMEDY);
    }
    yield { outcome, line };
  }
}

function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The lines of a text of any length. */
async function* linesIn(path: string): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of streamOf(path)) {
      const lines = (rest + String(chunk)).split("\n");
      // A file without line feeds must not fill the memory. A line that was cut cannot be read.
      rest = (lines.pop() ?? "").slice(0, LINE_LENGTH_MAX + 1);
      yield* lines;
    }
  } catch (error) {
    throw error instanceof CliError ? error : unreadable(path, error);
  }
  if (rest !== "") yield rest;
}

function streamOf(path: string): Readable {
  const file = createReadStream(path);
  if (!path.endsWith(".gz")) return file.setEncoding("utf8");
  const unpacked = createGunzip().setEncoding("utf8");
  file.on("error", (error) => unpacked.destroy(error));
  return file.pipe(unpacked);
}

function unreadable(path: string, cause: unknown): CliError {
  const options = { cause };
  return new CliError("failed", `${path} cannot be read: ${errorMessage(cause)}`, undefined, options);
}
