/** Colours of a terminal. A person may forbid them (https://no-color.org). */

import type { State } from "../../../releases/release.ts";
import type { Io } from "../../command.ts";
import type { Line } from "./lines.ts";

const RESET = "\u001b[0m";
const GREEN = "\u001b[32m";
const YELLOW = "\u001b[33m";
const RED = "\u001b[31m";
const BOLD = "\u001b[1m";

const OF_STATE: Readonly<Record<State, string>> = {
  running: GREEN,
  promoted: GREEN,
  finished: GREEN,
  paused: YELLOW,
  aborted: RED,
};

const OF_MARK: Readonly<Record<string, string>> = { "✔": GREEN, "●": BOLD, "✘": RED };

/** Labels that a person should not miss. */
const ALARM = /^(OVERRIDE|frozen|NOTE|led by {4}no daemon)/;

/** The line as the terminal gets it. */
export function painted({ text, state, hasMarks }: Line, io: Pick<Io, "env" | "stdout">): string {
  if (!isColoured(io)) return text;
  if (state !== undefined) {
    const word = new RegExp(`\\) ${state}(?=[ ,;]|$)`);
    return text.replace(word, `) ${BOLD}${OF_STATE[state]}${state}${RESET}`);
  }
  if (hasMarks) return marked(text);
  return text.replace(ALARM, `${BOLD}${YELLOW}$1${RESET}`);
}

function marked(text: string): string {
  return text.replace(/[✔●✘]/g, (mark) => `${OF_MARK[mark]}${mark}${RESET}`);
}

function isColoured({ env, stdout }: Pick<Io, "env" | "stdout">): boolean {
  return stdout.isTerminal === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
