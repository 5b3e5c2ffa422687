/**
 * Entries of tables as text: 32-bit numbers, most significant byte first, in base64. Pure. A text that is
 * none is undefined, because news may come from a hostile daemon.
 */

const WORD = 4;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @param words whole numbers in [0, 2^32) */
export function packWords(words: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(words.length * WORD);
  for (const [place, word] of words.entries()) bytes.writeUInt32BE(word, place * WORD);
  return bytes.toString("base64");
}

/** @param group the number of words must be a multiple of this */
export function unpackWords(text: unknown, group = 1): readonly number[] | undefined {
  if (typeof text !== "string" || !BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  if (bytes.length % (group * WORD) !== 0) return undefined;
  const words: number[] = [];
  for (let at = 0; at < bytes.length; at += WORD) words.push(bytes.readUInt32BE(at));
  return words;
}
