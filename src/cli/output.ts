/** How commands print: text for people, JSON for programs. */

import { Problem } from "../config/option.ts";
import { single } from "../config/values.ts";
import { plainLines } from "../text/one-line.ts";
import type { Invocation, Output } from "./command.ts";

export const output = single<"text" | "json">(
  {
    name: "output",
    short: "o",
    placeholder: "text|json",
    summary: "aligned text, or JSON",
    defaultText: "text",
    flagOnly: true,
  },
  (text) => (text === "text" || text === "json" ? text : new Problem("write text or json")),
);

/** Prints `value` with -o json, and `text` otherwise. */
export function print({ io, settings }: Invocation, value: unknown, text: () => string): void {
  if (settings.get(output) === "json") printJson(io.stdout, value);
  else io.stdout.write(text());
}

function printJson(stdout: Output, value: unknown): void {
  stdout.write(`${plainLines(JSON.stringify(value, null, 2))}\n`);
}
