/** The differences between the shells: how each splits the words of a line, and how it takes candidates. */

export type Shell = "bash" | "zsh" | "fish";

export interface Candidate {
  readonly word: string;
  /** A line for people; empty if there is none. bash shows none. */
  readonly meaning: string;
}

/** bash ends a word before and after these, inside of an argument as well: `-store=file:x` are five words. */
const BASH_BREAKS = /^[=:@]+$/;

/** The arguments as they were typed, of the words that bash made of them. */
export function joinedWords(pieces: readonly string[]): readonly string[] {
  const words: string[] = [];
  let isJoined = false;
  for (const piece of pieces) {
    const isBreak = BASH_BREAKS.test(piece);
    if (words.length > 0 && (isBreak || isJoined)) words.push(`${words.pop()}${piece}`);
    else words.push(piece);
    isJoined = isBreak;
  }
  // bash hands over the quotes, too.
  return words.map((word) => word.replace(/^(["'])(.*)\1$/s, "$2"));
}

/** How many characters of the current word lie before the piece that bash replaces. */
export function bashPieceOf(current: string): number {
  return /^.*[=:@]/s.exec(current)?.[0].length ?? 0;
}

/** The candidate as the script of the shell expects it. */
export function lineFor(shell: Shell, { word, meaning }: Candidate): string {
  switch (shell) {
    case "zsh":
      return `${word.replaceAll(":", "\\:")}${meaning === "" ? "" : `:${meaning}`}`;
    case "fish":
      return meaning === "" ? word : `${word}\t${meaning}`;
    default:
      return word;
  }
}
