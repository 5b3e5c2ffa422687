/**
 * The executable. It hands arguments, environment and streams to the command line, and the exit status to the
 * system.
 *
 * The output of a command is written at once and whole. `process.stdout` would queue the part that a pipe
 * does not take, and the queue would be lost when the process ends.
 */

import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { Output } from "./cli/command.ts";
import { main } from "./cli/main.ts";
import { DEFAULT_CONFIG_FILE } from "./config/config-file.ts";
import { leadsToJournal } from "./log/sink.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** How long to wait before trying a full pipe again, if another program has made it non-blocking. */
const FULL_PIPE_PAUSE_MS = 5;

/**
 * A descriptor to print to. If its reader has gone, such as `head`, the rest is dropped without a message.
 */
function printer(descriptor: number): Output {
  let isGone = false;
  return {
    isTerminal: isatty(descriptor),
    size: () => sizeOf(descriptor),
    get isGone() {
      return isGone;
    },
    write(text) {
      let rest: Uint8Array = Buffer.from(text);
      while (rest.length > 0 && !isGone) {
        try {
          rest = rest.subarray(writeSync(descriptor, rest));
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === "EAGAIN") Bun.sleepSync(FULL_PIPE_PAUSE_MS);
          else if (code === "EPIPE") isGone = true;
          else throw error;
        }
      }
    },
  };
}

/** The size of the terminal behind a descriptor. The kernel says 0 if it does not know. */
function sizeOf(descriptor: number): { columns: number; rows: number } | undefined {
  const { columns, rows } = descriptor === STDOUT ? process.stdout : process.stderr;
  return columns > 0 && rows > 0 ? { columns, rows } : undefined;
}

/**
 * Goes back to the directory of the caller. The launcher starts Bun in the root directory, because Bun obeys
 * files of the current one (bin/maxwells-daemon).
 */
function goBack(): void {
  const directory = process.env["MAXWELLS_CALLED_FROM"];
  delete process.env["MAXWELLS_CALLED_FROM"];
  if (directory === undefined) return;
  try {
    process.chdir(directory);
  } catch {
    // The directory is gone, or this user may not enter it, for example after `sudo -u`. Absolute paths still
    // work.
  }
}

goBack();
const io = {
  env: process.env,
  stdout: printer(STDOUT),
  stderr: Object.assign(printer(STDERR), { isJournal: leadsToJournal(STDERR, process.env) }),
  isInteractive: isatty(STDIN) && isatty(STDOUT),
  defaultConfigFile: DEFAULT_CONFIG_FILE,
  onInterrupt: (stop: () => void) => process.once("SIGINT", stop),
  onResize(redraw: () => void) {
    process.on("SIGWINCH", redraw);
    return () => process.off("SIGWINCH", redraw);
  },
};
process.exit(await main(process.argv.slice(2), io));
