/** Lines of a terminal with a label each, and the texts in them. Pure. */

import type { State } from "../../../releases/release.ts";
import type { Text } from "../../../verbs/wait-words.ts";

/** Texts stand behind a label of this many columns. */
const LABEL_COLUMNS = 10;

/** A safe line, not yet coloured. */
export interface Line {
  readonly text: string;
  /** Set for the line that shows this state. */
  readonly state?: State;
  /** Whether it has the marks of steps. */
  readonly hasMarks?: boolean;
}

/**
 * Texts below each other, with the label before the first one. A text that is too wide is wrapped, but never
 * at a no-break space.
 */
export function labelled(label: string, texts: readonly Text[], width: number): Line[] {
  const columns = Math.max(LABEL_COLUMNS, width - LABEL_COLUMNS);
  const lines = texts
    .flatMap((text) => textLines(text, columns))
    .map((line) => line.replaceAll("\u00a0", " ").trimEnd());
  return lines.map((text, index) => ({ text: `${(index === 0 ? label : "").padEnd(LABEL_COLUMNS)}${text}` }));
}

function textLines(text: Text, columns: number): string[] {
  if (typeof text === "string") return wrapped(text, columns);
  const whole = `${text.text} ${text.command}`;
  if (Bun.stringWidth(whole) <= columns) return [whole];
  return [...wrapped(text.text, columns), ...continued(text.command, columns - 2).map((line) => `  ${line}`)];
}

/** The shell's word, which may have spaces in quotes, or a flag and its value. */
const SHELL_WORDS = /(?:-[\w-]+ (?!-))?(?:'[^']*'|\\.|[^\s'\\])+/g;

/** At the end of a line it tells the shell that the next line belongs to the command. */
const GOES_ON = " \\";

/**
 * The command in lines that a shell reads as one, because half a command would do something else. A word is
 * never cut, nor parted from its flag, so a line may be too wide.
 */
function continued(command: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of command.match(SHELL_WORDS) ?? []) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || Bun.stringWidth(longer) <= width - GOES_ON.length) line = longer;
    else {
      lines.push(`${line}${GOES_ON}`);
      line = word;
    }
  }
  return [...lines, line];
}

/** The text in lines of at most `width` columns. A word that is too wide is cut in pieces. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((each) => pieces(each, width))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (Bun.stringWidth(longer) <= width) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

function pieces(word: string, width: number): string[] {
  if (Bun.stringWidth(word) <= width) return [word];
  const head = headOf(word, width);
  return [head, ...pieces(word.slice(head.length), width)];
}

/** The text, or as much of it as fits, with an ellipsis at the end. */
export function cut(text: string, width: number): string {
  return Bun.stringWidth(text) <= width ? text : `${headOf(text, width - 1)}…`;
}

/** The longest beginning that fits, and one character at least. */
function headOf(text: string, width: number): string {
  let head = "";
  for (const character of text) {
    if (head !== "" && Bun.stringWidth(head + character) > width) break;
    head += character;
  }
  return head;
}
