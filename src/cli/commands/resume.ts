/** Lets a paused release go on. It never raises the rollout. */

import type { Command } from "../command.ts";
import { say } from "../releases/say.ts";
import { pinOf, runVerb, VERB_OPTIONS, VERB_SUMMARIES, VERSION_MEANT } from "../releases/verb.ts";

export const resume: Command = {
  name: "resume",
  summary: "let a paused release go on with its step, and the step's whole wait",
  description:
    "It never raises the rollout. If a person has lowered the rollout, the release goes on at the last step whose share is not\n" +
    "above it. If another writer was first, resume ends with status 4. Resuming what is running does nothing.",
  positionals: [VERSION_MEANT],
  options: VERB_OPTIONS,
  summaries: VERB_SUMMARIES,
  examples: [{ line: "resume -m 'INC-42 was another team'", meaning: "the wait of this step begins again" }],
  exits: ["conflict"],

  async run(invocation) {
    const { words, json } = await runVerb(invocation, {
      name: "resume",
      ask: (looked) => ({ verb: "resume", pin: pinOf(looked) }),
    });
    return say(invocation, words, json);
  },
};
