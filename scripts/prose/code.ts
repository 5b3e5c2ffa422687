/** The prose of a source file: comments, messages and titles of tests. A small scanner, not a parser. */

import { plain } from "./page.ts";
import { type Piece, WIDTH_MAX } from "./pieces.ts";

/** A string is a message if it has this many words. */
const MESSAGE_WORDS_MIN = 4;

/** In files with these names, a comment begins with `#` or, in Lua, with `--`. */
export function codePieces(file: string, text: string): Piece[] {
  if (/\.(ts|js)$/.test(file)) return scriptPieces(text);
  return lineComments(text, file.endsWith(".lua") ? /^\s*--+ ?(.*)$/ : /^\s*#+ ?(.*)$/);
}

function lineComments(text: string, pattern: RegExp): Piece[] {
  const pieces: Piece[] = [];
  let lines: string[] = [];
  let first = 0;
  const end = () => {
    if (lines.length > 0) pieces.push(comment(lines, first));
    lines = [];
  };
  text.split("\n").forEach((line, index) => {
    const said = pattern.exec(line)?.[1];
    if (said === undefined || said.startsWith("!") || isSetting(line, said)) {
      end();
      return;
    }
    if (lines.length === 0) first = index + 1;
    lines.push(said);
  });
  end();
  return pieces;
}

const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|\$\{(?:[^{}]|\{[^{}]*\})*\}|[^`\\])*`|(?<=[(,=:[!&|?{};\n]\s*|return )\/(?![*/])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\\\n])+\/[a-z]*/g;

/**
 * Whether a line is a setting that is commented out: it has no space after the `#`, or has a sign that prose
 * does not have, or is a key of YAML.
 */
function isSetting(line: string, said: string): boolean {
  return (
    /^\s*#[A-Za-z]/.test(line) || /^\s*[\w-]+ *(?:[={;]|: *(?:[[{"]|(?:true|false|\d+)$))|[;{}]$/.test(said)
  );
}

function scriptPieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let lines: string[] = [];
  let first = 0;
  const end = () => {
    if (lines.length > 0) pieces.push(comment(lines, first));
    lines = [];
  };
  const rows = text.split("\n");
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const line = text.slice(0, match.index).split("\n").length;
    if (token.startsWith("//")) {
      const isFollowing =
        lines.length > 0 && line === first + lines.length && /^\s*\/\//.test(rows[line - 1] ?? "");
      if (!isFollowing) end();
      if (lines.length === 0) first = line;
      lines.push(token.slice(2));
      continue;
    }
    end();
    if (token.startsWith("/*")) pieces.push(...blocks(token, line, rows));
    else if (token.startsWith("/")) continue;
    else pieces.push(...message(token, line, text.slice(Math.max(0, match.index - 40), match.index)));
  }
  end();
  return pieces;
}

/**
 * A block comment; an example that is indented, or a drawing, is code. A tag such as `@param` begins a piece.
 */
function blocks(token: string, line: number, rows: readonly string[]): Piece[] {
  const body = token
    .replace(/^\/\*+/, "")
    .replace(/\*\/$/, "")
    .split("\n");
  const pieces: Piece[] = [];
  let lines: string[] = [];
  let first = line;
  const end = () => {
    if (lines.length > 0) pieces.push(comment(lines, first));
    lines = [];
  };
  body.forEach((row, index) => {
    const said = row.replace(/^\s*\* ?/, "");
    const isCode = /^ {4,}\S/.test(said) && lines.length === 0;
    if (said.trim() === "" || isCode) {
      end();
      return;
    }
    const tag = /^@\w+\s+(?:[\w.]+\s+)?|^\s*(?:[-*]|\d+[.)])\s+/.exec(said);
    if (tag !== null) end();
    if (lines.length === 0) first = line + index;
    lines.push(tag === null ? said : said.slice(tag[0].length));
  });
  end();
  const wideLines = body.flatMap((_, index) => {
    const row = rows[line - 1 + index] ?? "";
    return row.length > WIDTH_MAX && !/^\s*\* {4,}/.test(row) && /^\s*(\/?\*)/.test(row)
      ? [line + index]
      : [];
  });
  return wideLines.length === 0 ? pieces : [...pieces, { kind: "comment", line, text: "", wideLines }];
}

function comment(lines: readonly string[], line: number): Piece {
  const wideLines = lines.flatMap((each, index) => (each.length > WIDTH_MAX - 2 ? [line + index] : []));
  return { kind: "comment", line, text: plain(lines.join("\n")), wideLines };
}

function message(token: string, line: number, before: string): Piece[] {
  const value = token
    .slice(1, -1)
    .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "VALUE")
    .replace(/\\n/g, "\n")
    .replace(/\\(.)/g, "$1");
  const words = value.split(/\s+/).filter((word) => /^[("']?\p{L}[\p{L}'’-]*[.,;:!?)"']*$/u.test(word));
  // Several lines without the end of a sentence are a configuration.
  if (value.split("\n").length > 4 && !/[.!?:]$/m.test(value)) return [];
  // Code, data and HTML have few plain words among other characters.
  if (/\b(SELECT|INSERT|UPDATE|CREATE|WHERE|GRANT)\b/.test(value)) return [];
  if (words.length < MESSAGE_WORDS_MIN || words.length < value.split(/\s+/).length * 0.7) return [];
  const isTitle = /\b(test|describe|it)(\.\w+(\([^)]*\))?)*\(\s*$/.test(before);
  return [{ kind: isTitle ? "title" : "message", line, text: plain(value), wideLines: [] }];
}
