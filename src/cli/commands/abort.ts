/** Ends a release, and takes all its visitors back at once. */

import type { Command } from "../command.ts";
import { say } from "../releases/say.ts";
import { keyOf, runVerb, VERB_OPTIONS, VERB_SUMMARIES, VERSION_MEANT } from "../releases/verb.ts";

export const abort: Command = {
  name: "abort",
  summary: "end a release, and take all its visitors back at once",
  description:
    "The rollout is 0 with the same write. It is tried again until it is written, whatever other writers do, and ends a fade\n" +
    "too. It needs no running daemon. If the store does not answer, nothing is written: run it again. Aborting what is over\n" +
    "does nothing.",
  positionals: [VERSION_MEANT],
  options: VERB_OPTIONS,
  summaries: VERB_SUMMARIES,
  examples: [
    { line: "abort -m INC-42", meaning: "everyone back to master, and why" },
    { line: "abort blue -application shop", meaning: "the release of blue, if another version has one too" },
  ],
  exits: ["conflict"],

  async run(invocation) {
    const { words, json } = await runVerb(invocation, {
      name: "abort",
      ask: (looked, reason) => ({ verb: "abort", key: keyOf(looked), reason }),
    });
    return say(invocation, words, json);
  },
};
