/** How a command tells the words for a verb: on stdout if the verb is done, or else as an error. */

import type { Words } from "../../verbs/words.ts";
import { type Invocation, PROGRAM } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { print } from "../output.ts";

/**
 * Prints the words, and returns the exit status.
 *
 * @param json the same for a program
 * @throws {CliError} if the words are those of a failure
 */
export function say(invocation: Invocation, words: Words, json: Readonly<Record<string, unknown>>): number {
  const { exit, text, remedy } = words;
  if (exit !== "ok") throw errorFor(words);
  print(invocation, { ...json, text, ...(remedy === undefined ? {} : { remedy }) }, () => {
    const advice = remedy === undefined ? "" : `  ${indented(remedy)}\n`;
    return `${text}\n${advice}`;
  });
  return EXITS.ok.status;
}

export function errorFor({ exit, text, remedy }: Words, cause?: Error): CliError {
  const advice = remedy === undefined ? undefined : indented(remedy);
  return new CliError(exit, text, advice, cause === undefined ? undefined : { cause });
}

/** A remark beside the result, for the person at the terminal. */
export function remark({ io }: Pick<Invocation, "io">, text: string): void {
  io.stderr.write(`${PROGRAM}: ${text}\n`);
}

function indented(text: string): string {
  return text.replaceAll("\n", "\n  ");
}
