/** Takes back a release, also one that serves everyone. */

import type { Command } from "../command.ts";
import { fadingOf, leadFade } from "../releases/lead-fade.ts";
import { over } from "../releases/over.ts";
import { remark, say } from "../releases/say.ts";
import { keyOf, runVerb, VERB_OPTIONS, VERB_SUMMARIES, VERSION_MEANT } from "../releases/verb.ts";

export const undo: Command = {
  name: "undo",
  summary: "take back a release that serves everyone, at once or slowly",
  description:
    "A promoted release goes from 100% to 0%, and master serves everyone again. Use it only as long as master's servers run\n" +
    "something that works. With -over a daemon lowers the rollout, or this command until a daemon does. The first Ctrl-C stops\n" +
    "it there, and a second one takes everyone back at once, as abort does at any time. Other releases end at once.",
  positionals: [VERSION_MEANT],
  options: [over, ...VERB_OPTIONS],
  summaries: VERB_SUMMARIES,
  examples: [
    { line: "undo -m INC-42", meaning: "everyone back to master at once" },
    { line: "undo -over 10m", meaning: "evenly within ten minutes, because master's caches are cold" },
  ],
  exits: ["conflict", "fading"],

  async run(invocation) {
    const overMs = invocation.settings.get(over);
    const done = await runVerb(invocation, {
      name: "undo",
      ask: (looked, reason) => ({ verb: "undo", key: keyOf(looked), reason, overMs }),
    });
    const fading = fadingOf(done);
    if (fading !== undefined) return leadFade(invocation, done, fading);
    const status = say(invocation, done.words, done.json);
    if (overMs > 0) remark(invocation, "only a promoted release fades, so -over had no effect");
    return status;
  },
};
