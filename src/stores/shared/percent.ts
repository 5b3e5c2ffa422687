/** Parts of addresses, in which `%40` stands for `@`. */

/** The text that `%XX` spell; undefined if they spell none. */
export function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
