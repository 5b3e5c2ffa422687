/** `release -watch`: shows one release until it is over, or until Ctrl-C. */

import { follow, type Sight } from "../../../verbs/follower.ts";
import { progressOf } from "../../../verbs/progress.ts";
import type { Invocation } from "../../command.ts";
import { EXIT_INTERRUPTED, EXITS } from "../../exit.ts";
import { output } from "../../output.ts";
import { type Ending, endingOf, goneEnding } from "./ending.ts";
import type { Followed } from "./followed.ts";
import { type Shown, viewFor } from "./views.ts";

/** Resolves with the exit status. */
export async function watchRelease(
  followed: Followed,
  { settings, io, storeFlags }: Invocation,
): Promise<number> {
  const { observer, seen, aim, found, timers } = followed;
  const stop = new AbortController();
  io.onInterrupt?.(() => stop.abort());
  const view = viewFor(settings.get(output) === "json", {
    io,
    timers,
    storeFlags,
    now: () => observer.now(),
  });
  let shown: Shown = { at: (moment) => progressOf(seen, found, moment) };
  let ending: Ending | undefined;
  const show = (sight: Sight): boolean => {
    if (sight.kind === "silent") {
      view.show(shown, sight);
    } else if (sight.found === undefined) {
      ending = goneEnding(aim, found, sight);
    } else {
      const now = { seen: sight.seen, found: sight.found };
      shown = { at: (moment) => progressOf(now.seen, now.found, moment) };
      view.show(shown, undefined);
      ending = endingOf(shown.at(observer.now()));
    }
    if (io.stdout.isGone) stop.abort();
    return ending === undefined && !stop.signal.aborted;
  };
  try {
    await follow(followed, seen, show, stop.signal);
  } finally {
    view.end();
  }
  if (io.stdout.isGone) return EXITS.ok.status;
  if (ending === undefined) {
    // The terminal shows ^C in this line.
    if (io.stdout.isTerminal) io.stdout.write("\n");
    return EXIT_INTERRUPTED;
  }
  if (settings.get(output) !== "json") io.stdout.write(`${ending.text}\n`);
  return EXITS[ending.exit].status;
}
