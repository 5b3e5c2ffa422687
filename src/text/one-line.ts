/** Text from outside, made safe for a terminal, a log and a message. */

/**
 * Characters that can drive a terminal, end a line or turn the direction of writing: all control characters,
 * including those above U+0080, the separators of lines and paragraphs, and the marks of bidirectional text.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A text from outside as one safe line: characters that could drive a terminal are escaped as in JSON. */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** The same for a text of several lines: line feeds are kept. */
export function plainLines(text: string): string {
  return text.replace(UNSAFE, (character) => (character === "\n" ? character : escaped(character)));
}

function escaped(character: string): string {
  const short = JSON.stringify(character).slice(1, -1);
  return short !== character ? short : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
