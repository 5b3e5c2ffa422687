/** Finds the prose in a file: paragraphs of a page, comments, and string literals that are sentences. */

import { codePieces } from "./code.ts";
import { pagePieces } from "./page.ts";

/** The formatter's width (biome.json). */
export const WIDTH_MAX = 110;

export interface Piece {
  readonly kind: "page" | "comment" | "message" | "title";
  /** The line of its beginning, from 1. */
  readonly line: number;
  /** With the line breaks of the file; code within it is the one word `CODE`. */
  readonly text: string;
  /** Numbers of the lines that could be wrapped and are wider than `WIDTH_MAX`. */
  readonly wideLines: readonly number[];
}

export interface Sentence {
  readonly text: string;
  readonly line: number;
}

/** @param file its name tells how to read it */
export function piecesOf(file: string, text: string): Piece[] {
  if (file.endsWith(".md")) return pagePieces(text);
  return codePieces(file, text);
}

/** The sentences of a piece. A full stop within a word, a number or an abbreviation ends none. */
export function sentencesOf({ text, line }: Piece): Sentence[] {
  const sentences: Sentence[] = [];
  const pattern = /[^\s][\s\S]*?(?:(?<!\b(?:e\.g|i\.e|etc|vs|[A-Z]))[.!?]["')\]]*(?=\s|$)|\n\s*\n|$)/g;
  for (const match of text.matchAll(pattern)) {
    const begin = text.slice(0, match.index).split("\n").length - 1;
    sentences.push({ text: match[0].replace(/\s+/g, " ").trim(), line: line + begin });
  }
  return sentences;
}
