/** Lets a paused release go on. It never raises the rollout. */

import { join } from "node:path";
import { parseSwitch, single } from "../../config/values.ts";
import { DirectoryFiles } from "../../files/small-files.ts";
import { releaseName } from "../../releases/sentence.ts";
import { fileOf, OVERRIDES_DIRECTORY } from "../../saved/override-file.ts";
import { stateDir } from "../../settings/options.ts";
import { errorMessage } from "../../text/error-message.ts";
import { oneLine } from "../../text/one-line.ts";
import type { Command } from "../command.ts";
import { CliError } from "../exit.ts";
import { remark, say } from "../releases/say.ts";
import { type Done, pinOf, runVerb, VERB_OPTIONS, VERB_SUMMARIES, VERSION_MEANT } from "../releases/verb.ts";

export const isDespiteOverride = single(
  {
    name: "despite-override",
    summary: "end the override by which the daemon of this machine has taken the visitors back by itself",
    defaultText: "false",
    flagOnly: true,
  },
  parseSwitch,
);

export const resume: Command = {
  name: "resume",
  summary: "let a paused release go on with its step, and the step's whole wait",
  description:
    "It never raises the rollout. If a person has lowered the rollout, the release goes on at the last step whose share is not\n" +
    "above it. If another writer was first, resume ends with status 4. Resuming what is running does nothing.",
  positionals: [VERSION_MEANT],
  options: [isDespiteOverride, stateDir, ...VERB_OPTIONS],
  summaries: {
    ...VERB_SUMMARIES,
    "state-dir": "the state directory of this machine's daemon, for -despite-override",
  },
  examples: [
    { line: "resume -m 'INC-42 was another team'", meaning: "the wait of this step begins again" },
    {
      line: "resume -despite-override",
      meaning: "this machine serves the version again, although its judge said no",
    },
  ],
  exits: ["conflict"],

  async run(invocation) {
    const { settings } = invocation;
    const directory = settings.get(isDespiteOverride) ? settings.get(stateDir) : undefined;
    if (directory === null) {
      throw new CliError(
        "usage",
        "without a state directory there is no override to end; nothing was written",
        "name the one of this machine's daemon with -state-dir",
      );
    }
    const done = await runVerb(invocation, {
      name: "resume",
      ask: (looked) => ({ verb: "resume", pin: pinOf(looked) }),
    });
    if (directory === undefined || done.words.exit !== "ok") return say(invocation, done.words, done.json);
    const ended = await endOverride(done, join(directory, OVERRIDES_DIRECTORY));
    const status = say(invocation, done.words, { ...done.json, overrideEnded: ended.isEnded });
    remark(invocation, oneLine(ended.text));
    return status;
  },
};

/** Removes the file of the override. The daemon looks for it, and then serves the version again. */
async function endOverride(
  { target, outcome, words }: Done,
  directory: string,
): Promise<{ readonly isEnded: boolean; readonly text: string }> {
  const found = "looked" in outcome ? outcome.looked.now.found : undefined;
  if (found?.kind !== "release") return { isEnded: false, text: "there is no release to override" };
  const name = releaseName(target.application, found.release);
  const files = new DirectoryFiles(directory);
  const file = fileOf(found.release.key);
  try {
    if (!(await files.list()).includes(file)) {
      return { isEnded: false, text: `${directory} has no override of ${name}` };
    }
    await files.remove(file);
  } catch (error) {
    throw new CliError(
      "failed",
      oneLine(`${words.text}; but its override could not be removed: ${errorMessage(error)}`),
      `this machine still takes its visitors back; remove ${file} in ${directory} as the daemon's user`,
    );
  }
  return {
    isEnded: true,
    text: `the override of ${name} has ended; the daemon of this machine serves ${target.version} again within seconds`,
  };
}
