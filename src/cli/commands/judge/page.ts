/** The answer of the judge for people. */

import type { Replay } from "../../../evidence/replay.ts";
import type { SavedRelease } from "../../../evidence/saved.ts";
import { abortSentence } from "../../../judge/harm-sentences.ts";
import { metricWords } from "../../../judge/metric-words.ts";
import { SIGNS } from "../../../judge/signs.ts";
import { SIGN_SENTENCES } from "../../../judge/step-sentences.ts";
import { durationText, rolloutText } from "../../../text/amounts.ts";
import { columns } from "../../../text/columns.ts";

export function page({ plan, slowBoundsMs }: SavedRelease, replay: Replay): string {
  const { abort, signs, passes, coins } = replay.answer();
  const bounds = slowBoundsMs.map((bound) => `${bound}ms`);
  const lines: string[] = [];
  if (abort === null) lines.push("the judge would not have aborted this release");
  else {
    const sentence = replay.harm && abortSentence(replay.harm, metricWords(abort.metric, bounds));
    lines.push(`the judge would have aborted this release at line ${abort.line}, ${secondsText(abort.t)}:`);
    lines.push(`  ${sentence}`);
  }
  for (const sign of SIGNS) {
    const t = signs[sign];
    if (t !== undefined)
      lines.push(`the sign ${sign} was raised ${secondsText(t)}:`, `  ${SIGN_SENTENCES[sign]}`);
  }
  for (const [place, { rollout }] of plan.entries()) {
    if (rollout === null) continue;
    const pass = passes.find(({ step }) => step === place + 1);
    const word =
      pass === undefined ? "the judge did not pass it" : `the judge passed it, ${secondsText(pass.t)}`;
    lines.push(`step ${place + 1}, ${rolloutText(rollout)}: ${word}`);
  }
  const table = Object.entries(coins).map(([metric, segments]) => [
    metric,
    ...segments.map(([canary, master]) => `${canary} + ${master}`),
  ]);
  const count = table[0]?.length ?? 1;
  const titles = Array.from({ length: count }, (_, place) => (place === 0 ? "metric" : `segment ${place}`));
  return `${lines.join("\n")}\n\nvisitors who met it, canary + master\n${columns(titles, table)}`;
}

/** A moment of the file: `at 284.46 s (4m)`. */
function secondsText(t: number): string {
  return t >= 60 ? `at ${t} s (${durationText(t * 1_000)})` : `at ${t} s`;
}
