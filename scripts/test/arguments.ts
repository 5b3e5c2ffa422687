/** The arguments of `npm test` and `npm run test:fast`. */

import { nearest } from "../../src/text/nearest.ts";

export interface Arguments {
  /** Only types and quick tests. */
  readonly isFast: boolean;
  /** Run again at each save. */
  readonly isWatch: boolean;
  /** Install what is missing without a question. */
  readonly isYes: boolean;
  /** Run only the tests that concern all of these words; empty for everything. */
  readonly words: readonly string[];
}

const FLAGS = { "--fast": "isFast", "--watch": "isWatch", "-y": "isYes" } as const;

/** @returns the arguments, or a sentence that says what is wrong with them */
export function argumentsOf(argv: readonly string[]): Arguments | string {
  const found = { isFast: false, isWatch: false, isYes: false };
  const words: string[] = [];
  for (const word of argv) {
    const name = FLAGS[word as keyof typeof FLAGS];
    if (name !== undefined) found[name] = true;
    else if (word.startsWith("-")) {
      return `there is no flag ${word}${nearest(word, Object.keys(FLAGS))}; the flags are ${Object.keys(FLAGS).join(", ")}`;
    } else words.push(word.toLowerCase());
  }
  if (found.isWatch && !found.isFast) return "only quick tests are watched: npm run test:fast -- --watch";
  if (found.isFast && words.length > 0) return "the quick tests take no words: npm test -- WORD…";
  return { ...found, words };
}
