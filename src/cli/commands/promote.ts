/** A person's word for the next step of a release. */

import { type Option, Problem } from "../../config/option.ts";
import { parseRollout, parseSwitch, single } from "../../config/values.ts";
import { STEPS_MAX } from "../../releases/plan.ts";
import { overriddenBy, skippedAt } from "../../verbs/promotion.ts";
import type { Command } from "../command.ts";
import { CliError } from "../exit.ts";
import { say } from "../releases/say.ts";
import { pinOf, runVerb, VERB_OPTIONS, VERB_SUMMARIES, VERSION_MEANT } from "../releases/verb.ts";

export const expectStep: Option<number | undefined> = single<number | undefined>(
  {
    name: "expect-step",
    placeholder: "STEP",
    summary:
      "go on only if the release is at this step now, so that a repeated command does not go two steps",
    flagOnly: true,
  },
  (text) => {
    const step = /^\d{1,2}$/.test(text) ? Number(text) : 0;
    return step >= 1 && step <= STEPS_MAX ? step : new Problem(`write a step from 1 to ${STEPS_MAX}`);
  },
);

export const toShare: Option<number | undefined> = single<number | undefined>(
  {
    name: "to",
    placeholder: "SHARE",
    summary: "go on only if the next step has this share, such as 25%",
    flagOnly: true,
  },
  parseRollout,
);

export const isResuming = single(
  {
    name: "resume",
    summary: "go to the next step also if the release is paused",
    defaultText: "false",
    flagOnly: true,
  },
  parseSwitch,
);

export const promote: Command = {
  name: "promote",
  summary: "take a release to its next step now, and skip what it still waits for",
  description:
    "It is also the word for which a step with approve waits. It goes one step at most: from the step that it sees first. If\n" +
    "another writer was first, it ends with status 4. Without a terminal, as in a script, name the step: -expect-step 2, or\n" +
    "-to 25%. So a script that runs twice does not go two steps. Promoting what is promoted does nothing.",
  positionals: [VERSION_MEANT],
  options: [expectStep, toShare, isResuming, ...VERB_OPTIONS],
  summaries: VERB_SUMMARIES,
  examples: [
    { line: "promote -expect-step 2", meaning: "from step 2 to step 3" },
    { line: "promote -to 25% -m 'looks good'", meaning: "only if the next step is 25%" },
    { line: "promote -resume -to 25%", meaning: "out of a pause" },
  ],
  exits: ["conflict"],

  async run(invocation) {
    const { settings, io } = invocation;
    const step = settings.get(expectStep);
    const to = settings.get(toShare);
    if (step === undefined && to === undefined && !(io.isInteractive ?? false)) {
      throw new CliError(
        "usage",
        "without a terminal promote needs the step that it starts from, or the share that it goes to; nothing was written",
        "name one of them, such as -expect-step 2 or -to 25%",
      );
    }
    const { words, json } = await runVerb(invocation, {
      name: "promote",
      ask: (looked) => ({
        verb: "promote",
        pin: pinOf(looked, step),
        to,
        resume: settings.get(isResuming),
      }),
      overridden: overriddenBy,
      skipped: skippedAt,
    });
    return say(invocation, words, json);
  },
};
