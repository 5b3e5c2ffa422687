/** Ends a release whose software master's servers run now. */

import { type Option, Problem } from "../../config/option.ts";
import { single } from "../../config/values.ts";
import type { Command } from "../command.ts";
import { CliError } from "../exit.ts";
import { fadingOf, leadFade } from "../releases/lead-fade.ts";
import { over } from "../releases/over.ts";
import { say } from "../releases/say.ts";
import { keyOf, runVerb, VERB_OPTIONS, VERB_SUMMARIES, VERSION_MEANT } from "../releases/verb.ts";

export const deployed: Option<string | undefined> = single<string | undefined>(
  {
    name: "deployed",
    placeholder: "NAME",
    summary: "the name of the software that master's servers run now: the one of release -of",
    flagOnly: true,
  },
  (text) => (text.trim() === "" ? new Problem("write the name that release -of has, such as v42") : text),
);

export const finish: Command = {
  name: "finish",
  summary: "end a promoted release, once master's servers run its software",
  description:
    "Do it in this order. First deploy the software to master's servers, while the version still serves everyone. Then run\n" +
    "finish: visitors go to master, and find the same software there. The version's servers are free for the next release.\n" +
    "Until then a proxy without a daemon serves master, so master's servers must run something that works at any time.\n" +
    "With -over a daemon lowers the rollout, or this command until a daemon does. The first Ctrl-C stops it there, and a\n" +
    "second one takes everyone to master at once, as abort does at any time.",
  positionals: [VERSION_MEANT],
  options: [deployed, over, ...VERB_OPTIONS],
  summaries: VERB_SUMMARIES,
  examples: [
    { line: "finish -deployed v42", meaning: "master's servers run v42 now" },
    { line: "finish -deployed v42 -over 10m", meaning: "evenly within ten minutes" },
  ],
  exits: ["conflict", "fading"],

  async run(invocation) {
    const { settings } = invocation;
    const name = settings.get(deployed);
    const overMs = settings.get(over);
    if (name === undefined) {
      throw new CliError(
        "usage",
        "finish needs the name of the software that master's servers run now; nothing was written",
        "deploy it to them first, and then name it, such as -deployed v42",
      );
    }
    const done = await runVerb(invocation, {
      name: "finish",
      ask: (looked, reason) => ({ verb: "finish", key: keyOf(looked), reason, deployed: name, overMs }),
    });
    const fading = fadingOf(done);
    return fading === undefined ? say(invocation, done.words, done.json) : leadFade(invocation, done, fading);
  },
};
