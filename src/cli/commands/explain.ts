/** Shows the evidence of a release in figures, so that a person can compute the judge's word again. */

import { application } from "../../settings/application.ts";
import { store } from "../../settings/options.ts";
import { lastReason, lastSentence } from "../../verbs/last-words.ts";
import { evidenceNowMs, progressOf } from "../../verbs/progress.ts";
import { toldEvidence } from "../../verbs/told-evidence.ts";
import type { Command } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { onlyApplication } from "../releases/only-application.ts";
import { inTime, STORE_OPTIONS, withOpenStore } from "../with-store.ts";
import { explanationDocument, explanationPage, withoutFigures } from "./explain/words.ts";
import { followedRelease } from "./release/followed.ts";

export const explain: Command = {
  name: "explain",
  summary: "show why the judge took a canary back, or what it has seen so far",
  description:
    "For each metric it shows, by the time of their first bad outcome, how many visitors of the canary and of master met it,\n" +
    "and the share that the canary would have by chance. It asks the store alone, which keeps the evidence of a release for a\n" +
    "week after its end. With -output json it has each visitor too, as a number that does not tell who it is.",
  positionals: [{ name: "VERSION", summary: "the version that has the release", required: false }],
  options: [application, ...STORE_OPTIONS, output],
  summaries: { application: "the application of the release" },
  examples: [
    { line: "explain", meaning: "the figures of the last release" },
    { line: "explain canary -o json", meaning: "all of it, to compute the evidence again" },
  ],

  async run(invocation) {
    const { settings, positionals, io } = invocation;
    const [version] = positionals;
    const name = onlyApplication(invocation);
    return withOpenStore(settings.get(store), settings, io, async (opened) => {
      const { seen, found } = await followedRelease(opened, name, version, undefined, invocation);
      const told = await inTime(opened, io, (signal) => toldEvidence(opened, name, found, signal));
      const { release } = found;
      const progress = progressOf(seen, found, seen.moment);
      if (told === undefined || !told.isThere) {
        const { text, remedy } = withoutFigures(progress, opened, told !== undefined);
        throw new CliError("failed", text, remedy);
      }
      const explanation = {
        ...{ target: { application: name, version: found.version }, release },
        ...{ sentence: lastSentence(progress), why: lastReason(progress), signs: told.evidence.signs },
        metrics: told.evidence.account(evidenceNowMs(release, seen.moment.nowMs)),
      };
      print(invocation, explanationDocument(explanation), () => explanationPage(explanation));
      return EXITS.ok.status;
    });
  },
};
