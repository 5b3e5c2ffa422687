/** Parts of addresses, in which `%40` stands for `@`. */

/** The text with its `%XX` decoded; undefined if they are not valid. */
export function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
