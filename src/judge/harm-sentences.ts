/**
 * The evidence of one metric as a sentence, counts first. An abort has the same sentence in the log, the
 * history, the notice, the page and the message at the exit. One line without a full stop at its end. Pure.
 */

import { ABORT_BAR, HURT_MIN, type MetricEvidence } from "./abort.ts";
import { ratioText, shareText, timeText, visitorsText, wholeText } from "./figures.ts";
import type { Harm } from "./harm.ts";
import type { MetricWords } from "./metric-words.ts";
import { minutesToFind, type Pace } from "./time-to-find.ts";
import { SUSPICION } from "./verdict.ts";

/** `7 of the 27 visitors who met errors were the canary's, …`: why the canary was taken back. */
export function abortSentence(harm: Harm, words: MetricWords): string {
  const { low, high } = harm.ratio;
  const hurt = harm.hurt < 0.5 ? "" : `, and it hurt about ${visitorsText(harm.hurt)}`;
  // `at least 0.98 times as likely` would look like no harm.
  const isTelling = low >= 1 || high < Number.POSITIVE_INFINITY;
  const ratio = isTelling ? `: ${words.what} are ${ratioText(low, high)} there` : "";
  return `${countsText(harm, words)}${ratio}${hurt}`;
}

/** The same while the release goes on, with what it means. */
export function watchSentence(harm: Harm, words: MetricWords, evidence: MetricEvidence): string {
  return `${countsText(harm, words)}: ${meaningOf(evidence)}`;
}

/** `a doubling would be found in about 20 minutes, a tenfold rise in about 1 minute`. */
export function timeToFindSentence(pace: Pace, { met }: MetricWords): string {
  if (!(pace.coinsPerMinute > 0)) return `no visitor ${met}, so the time to find a doubling is not known`;
  const [double, tenfold] = [2, 10].map((psi) => timeText(minutesToFind(psi, pace)));
  return `a doubling would be found in ${double}, a tenfold rise in ${tenfold}`;
}

/**
 * The length of a bar from 0 to the abort, in [0, 1]. E itself is never shown, because people would take it
 * for a probability.
 */
export function barOf(logTotal: number): number {
  return Math.min(1, Math.max(0, logTotal / ABORT_BAR));
}

function countsText({ canary, master, expectedShare }: Harm, { met }: MetricWords): string {
  const all = canary + master;
  if (all === 0) return `no visitor ${met} so far`;
  const expected = `${shareText(expectedShare)} expected`;
  if (all === 1)
    return `the one visitor who ${met} was ${canary === 1 ? "the canary's" : "master's"}, ${expected}`;
  if (canary === all) return `all ${wholeText(all)} visitors who ${met} were the canary's, ${expected}`;
  const part = canary === 0 ? "none" : wholeText(canary);
  const were = canary <= 1 ? "was" : "were";
  return `${part} of the ${wholeText(all)} visitors who ${met} ${were} the canary's, ${expected}`;
}

function meaningOf({ logWeighted, canary }: MetricEvidence): string {
  if (logWeighted < Math.log(SUSPICION)) return "no sign of harm";
  if (logWeighted < ABORT_BAR) return "this looks like harm, but it may be chance, so no step passes";
  return canary < HURT_MIN
    ? `this looks like harm, but an abort needs ${HURT_MIN} visitors of the canary, so no step passes`
    : "this is harm";
}
