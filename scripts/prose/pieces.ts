/** Finds the prose in a file: paragraphs of a page, comments, and string literals that are sentences. */

import { codePieces } from "./code.ts";
import { pagePieces } from "./page.ts";

/** The formatter's width (biome.json). */
export const WIDTH_MAX = 110;

export interface Piece {
  readonly kind: "page" | "comment" | "message" | "title";
  /** The line of its beginning, from 1. */
  readonly line: number;
  /** The text with the line breaks of the file. Each piece of code in it is replaced by the word `CODE`. */
  readonly text: string;
  /** The numbers of lines that are wider than `WIDTH_MAX` and could be wrapped. */
  readonly wideLines: readonly number[];
}

export interface Sentence {
  readonly text: string;
  readonly line: number;
}

/** @param file the name of the file, which decides how it is read */
export function piecesOf(file: string, text: string): Piece[] {
  if (file.endsWith(".md")) return pagePieces(text);
  return codePieces(file, text);
}

/**
 * The sentences of a piece. A full stop within a word, a number or an abbreviation does not end a sentence.
 */
export function sentencesOf({ text, line }: Piece): Sentence[] {
  const sentences: Sentence[] = [];
  const pattern = /[^\s][\s\S]*?(?:(?<!\b(?:e\.g|i\.e|etc|vs|[A-Z]))[.!?]["')\]]*(?=\s|$)|\n\s*\n|$)/g;
  for (const match of text.matchAll(pattern)) {
    const begin = text.slice(0, match.index).split("\n").length - 1;
    sentences.push({ text: match[0].replace(/\s+/g, " ").trim(), line: line + begin });
  }
  return sentences;
}
