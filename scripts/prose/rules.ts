/** The habits that `scripts/prose.ts` finds. */

import type { Piece } from "./pieces.ts";

/** The longest sentence. A tired reader has to begin a longer one again. */
const WORDS_MAX = 25;
/** A comment may be longer, because the code beside it explains half of it. */
const COMMENT_WORDS_MAX = 35;

export interface Rule {
  readonly name: string;
  isBroken(sentence: string, piece: Piece): boolean;
}

function found(name: string, pattern: RegExp): Rule {
  return { name, isBroken: (sentence) => pattern.test(sentence) };
}

export const RULES: readonly Rule[] = [
  {
    name: "long sentence",
    isBroken(sentence, { kind }) {
      const words = sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
      return words > (kind === "page" || kind === "message" ? WORDS_MAX : COMMENT_WORDS_MAX);
    },
  },
  // The daemon, nginx, the operator, the second writer: a thing with a name.
  found(
    "no name",
    /(?<!\buser ")\b(nobody|no one|somebody|someone|anybody|anyone|whoever|whomever|whosoever)\b/i,
  ),
  found("bare who", /(^|[;:(—–] ?|\b(and|or|but|of|by|for|to|with|from) )(who|whom)\b(?!.*\?)/i),
  // "If" for a condition, "in which" for a place.
  found("where for if", /(^|[;:(] ?)where\b(?!.*\?)|, where\b|\bwhere (there|nobody|one|no)\b/i),
  found(
    "as for because",
    /^As (it|they|the|a|an|there|that|this|its)\b|, as (it|they|the|a|an|there|that|this|its) \w+ (is|are|has|have|was|were|would|can|cannot|may|must)\b/,
  ),
  found("first word", /^(What|Of|Those|Lest|So many)\b(?!.*\?)/),
  found("old word", /\b(lest|anew|thereof|whereof|tells? of|told of|but for|so many|wherever)\b/i),
  found(
    "is no",
    /(?<!\bthere )\b(is|are|was|were) no (?!longer|more\b|less\b|older|newer|way|later|earlier|such)\w/i,
  ),
];
