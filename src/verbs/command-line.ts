/**
 * A command line that an operator can paste. It always names the application, because a sentence may be read
 * on another machine, with another default.
 */

import { shellWord } from "../text/shell-word.ts";

/** `maxwells-daemon promote -expect-step 2 -application website`. */
export function commandLine(
  application: string,
  verb: string,
  ...words: readonly (string | undefined)[]
): string {
  const given = words.filter((word) => word !== undefined).map(pasted);
  return ["maxwells-daemon", verb, ...given, "-application", shellWord(application)].join(" ");
}

/** A share is a plain word too. */
function pasted(word: string): string {
  return /^[\d.]+%$/.test(word) ? word : shellWord(word);
}

/** The way back without the store: a proxy without a daemon serves master. */
export const EMERGENCY =
  "to send all visitors to master without the store, stop the daemon on each machine:\n" +
  "  systemctl stop maxwells-daemon.socket maxwells-daemon.service";
