/** Judges saved outcomes of a release, with the code that judges a release under way. */

import { Replay } from "../../evidence/replay.ts";
import { type Command, PROGRAM } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { outcomesIn, releaseIn } from "./judge/files.ts";
import { page } from "./judge/page.ts";

export const judge: Command = {
  name: "judge",
  summary: "judge saved outcomes with the code that judges a release under way",
  description:
    "It reads a release, and a file with one outcome a line, both as JSON:\n" +
    '  { "plan": [{ "at": 0, "rollout": 0.05 }, { "at": 900, "rollout": null }],\n' +
    '    "offset": 0.17, "slowBoundsMs": [280, 440] }\n' +
    '  {"t":31.2,"u":0.242682918,"location":"master","status":200,"ms":95,"brought":true}\n' +
    "Times are in seconds. A rollout of null ends the release. u is the visitor's assignment. The fields brought,\n" +
    "forced, source and ms may be left out. A status of 0 is a visitor who left. The outcomes are in the order of\n" +
    "their times. A name that ends in .gz is a file of gzip.\n" +
    "The plan goes on by its times. The answer says at which outcome the judge would have aborted, when it would\n" +
    "have raised each sign, which steps it would have passed, and how many visitors met something bad: those of\n" +
    "the canary and those of master, by segment. It looks for an abort after each outcome, and at signs and steps\n" +
    "at each whole minute. It reads no store and asks no daemon.",
  positionals: [
    { name: "RELEASE", summary: "the file of the release", required: true },
    { name: "OUTCOMES", summary: "the file of the outcomes", required: true },
  ],
  options: [output],
  examples: [
    { line: "judge release.json outcomes.jsonl", meaning: "the judge's word, with its figures" },
    { line: "judge release.json outcomes.jsonl.gz -o json", meaning: "for a script" },
  ],

  async run(invocation) {
    const { positionals, io } = invocation;
    const [releasePath = "", outcomesPath = ""] = positionals;
    const release = releaseIn(releasePath);
    const replay = new Replay(release);
    let lines = 0;
    for await (const { outcome, line } of outcomesIn(outcomesPath)) {
      replay.take(outcome, line);
      lines++;
    }
    if (replay.inside === 0) {
      const reason = lines === 0 ? "has no outcome" : "has no outcome within the times of the release";
      io.stderr.write(`${PROGRAM}: ${outcomesPath} ${reason}, so there is nothing to judge\n`);
    }
    print(invocation, replay.answer(), () => page(release, replay));
    return EXITS.ok.status;
  },
};
