/** The prose of a page in Markdown: paragraphs, list items, headings, and cells of tables. */

import { type Piece, WIDTH_MAX } from "./pieces.ts";

/** The text without code, targets of links and marks of emphasis. */
export function plain(text: string): string {
  return text
    .replace(/``[^`]+``|`[^`]*`/g, "CODE")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/<https?:[^>]*>|https?:\S+/g, "CODE")
    .replace(/[*_]{1,2}(?=\S)([^*_\n]+)(?<=\S)[*_]{1,2}/g, "$1")
    .replace(/<!--[\s\S]*?-->/g, "");
}

export function pagePieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let lines: string[] = [];
  let first = 0;
  let isFenced = false;
  let isAfterBlank = true;
  let listIndent = -1;
  const end = () => {
    if (lines.length > 0) pieces.push(piece(lines, first));
    lines = [];
  };
  text.split("\n").forEach((line, index) => {
    const number = index + 1;
    const indent = line.length - line.trimStart().length;
    if (/^\s*(```|~~~)/.test(line)) {
      end();
      isFenced = !isFenced;
    } else if (isFenced) return;
    else if (line.trim() === "") {
      end();
      isAfterBlank = true;
    } else if (isAfterBlank && lines.length === 0 && indent >= 4 && indent >= listIndent + 4) {
      // An indented block of code continues after a blank line.
    } else if (/^\s*\|/.test(line)) {
      end();
      if (!/^[\s|:-]+$/.test(line)) pieces.push(...cells(line, number));
    } else if (/^\s*(#{1,6} |<|\[[^\]]+\]: )/.test(line)) {
      end();
      // A heading may begin with "What", as in "What it costs".
      if (/^\s*#/.test(line)) pieces.push(piece([line.replace(/^\s*#+ (What\b)?/, "")], number));
    } else {
      const item = /^(\s*)(?:[-*+]|\d+[.)])\s+/.exec(line);
      if (item !== null) {
        end();
        listIndent = item[1]?.length ?? 0;
      } else if (isAfterBlank && indent === 0) listIndent = -1;
      if (lines.length === 0) first = number;
      lines.push(item === null ? line : line.slice(item[0].length).padStart(line.length));
      isAfterBlank = false;
    }
  });
  end();
  return pieces;
}

function piece(lines: readonly string[], line: number): Piece {
  const isWide = (each: string) => each.length > WIDTH_MAX && /\S\s+\S/.test(each.slice(0, WIDTH_MAX).trim());
  const wideLines = lines.flatMap((each, index) => (isWide(each) ? [line + index] : []));
  return { kind: "page", line, text: plain(lines.join("\n")), wideLines };
}

/** A row of a table cannot be wrapped. */
function cells(row: string, line: number): Piece[] {
  const texts = row.replace(/`[^`]*`/g, "CODE").split(/(?<!\\)\|/);
  return texts
    .map((text) => plain(text).trim())
    .filter((text) => text !== "")
    .map((text) => ({ kind: "page" as const, line, text, wideLines: [] }));
}
