/**
 * A command line that an operator can paste. It always names the application, because a sentence may be read
 * on another machine, with another default. It has the flags that lead to the same store.
 */

import type { StoreFlags } from "../settings/store-flags.ts";
import { shellWord } from "../text/shell-word.ts";

/** `maxwells-daemon promote -expect-step 2 -application website -store file:/srv/rollouts.json`. */
export function commandLine(
  flags: StoreFlags,
  application: string,
  verb: string,
  ...words: readonly string[]
): string {
  const own = [verb, ...words].map(pasted);
  return ["maxwells-daemon", ...own, "-application", shellWord(application), ...flags.map(shellWord)].join(
    " ",
  );
}

/** A share is a plain word too. */
function pasted(word: string): string {
  return /^[\d.]+%$/.test(word) ? word : shellWord(word);
}

/** The way back without the store: a proxy without a daemon serves master. */
export const EMERGENCY =
  "to send all visitors to master without the store, stop the daemon on each machine:\n" +
  "  systemctl stop maxwells-daemon.socket maxwells-daemon.service";
