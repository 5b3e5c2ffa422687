/** Makes a running release wait for a person. */

import type { Command } from "../command.ts";
import { say } from "../releases/say.ts";
import { keyOf, runVerb, VERB_OPTIONS, VERB_SUMMARIES, VERSION_MEANT } from "../releases/verb.ts";

export const pause: Command = {
  name: "pause",
  summary: "stop a release at its present rollout until resume",
  description:
    "Visitors stay where they are. It is tried again until it is written. Pausing what is paused does nothing.",
  positionals: [VERSION_MEANT],
  options: VERB_OPTIONS,
  summaries: VERB_SUMMARIES,
  examples: [{ line: "pause -m INC-42", meaning: "no further step, until you know more" }],
  exits: ["conflict"],

  async run(invocation) {
    const { words, json } = await runVerb(invocation, {
      name: "pause",
      ask: (looked, reason) => ({ verb: "pause", key: keyOf(looked), reason }),
    });
    return say(invocation, words, json);
  },
};
