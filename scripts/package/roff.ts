/** The language of manual pages, roff with the macros of man(7), as far as the pages here need it. */

import type { Row } from "../../src/cli/help-parts.ts";

/** `mandoc -T lint` finds longer lines bad style. */
const LINE_BYTES_MAX = 78;

export function heading(title: string): string {
  return `.SH ${title.toUpperCase()}\n`;
}

/** Words with their meanings. */
export function rows(list: readonly Row[]): string {
  return list.map(([word, meaning]) => `.TP\n.B ${argument(word)}\n${filled(meaning)}`).join("");
}

/** Lines that stay as they are. */
export function literal(lines: readonly string[]): string {
  return `.nf\n${lines.map((line) => `${textLine(line)}\n`).join("")}.fi\n`;
}

/** A text on one line, with all that roff would obey made harmless. */
function textLine(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("`", "\\(ga");
  // A dot or an apostrophe at the beginning of a line would be a macro.
  return /^\s*[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** One argument of a macro, which may have spaces and quotes. */
function argument(text: string): string {
  return `"${textLine(text).replaceAll('"', "\\(dq")}"`;
}

/** A text that roff may fill, in short lines. Each sentence begins a line of its own. */
export function filled(text: string): string {
  const sentences = text
    .replace(/\s+/g, " ")
    .trim()
    .split(/(?<=[a-z0-9)"][.!?]) (?=[A-Z`-])/);
  return sentences.map(wrapped).join("");
}

function wrapped(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && Buffer.byteLength(textLine(longer)) > LINE_BYTES_MAX) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((each) => `${textLine(each)}\n`).join("");
}
