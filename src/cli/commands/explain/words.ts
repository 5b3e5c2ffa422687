/** The evidence of a release as text, and as JSON. Pure. */

import type { MetricAccount, SegmentAccount } from "../../../evidence/account.ts";
import { ABORT_BAR } from "../../../judge/abort.ts";
import { shareText } from "../../../judge/figures.ts";
import { isUnderWay, type Release } from "../../../releases/release.ts";
import { releaseName } from "../../../releases/sentence.ts";
import type { Store } from "../../../stores/store.ts";
import { rolloutText } from "../../../text/amounts.ts";
import { columns } from "../../../text/columns.ts";
import { oneLine } from "../../../text/one-line.ts";
import { lastWords } from "../../../verbs/last-words.ts";
import type { Target } from "../../../verbs/look.ts";
import type { Progress } from "../../../verbs/progress.ts";

export interface Explanation {
  readonly target: Target;
  readonly release: Release;
  /** The last transition, and its reason. An abort by the judge has its figures there. */
  readonly sentence: string;
  readonly why: string | undefined;
  readonly metrics: readonly MetricAccount[];
  /** The raised signs, and when each was raised, in milliseconds since 1970. */
  readonly signs: ReadonlyMap<string, number>;
}

/** The strongest `ln(weight) + ln E`; null without a metric. */
function strongest(metrics: readonly MetricAccount[]): number | null {
  return metrics.length === 0 ? null : Math.max(...metrics.map(weighted));
}

function weighted({ weight, logE }: MetricAccount): number {
  return Math.log(weight) + logE;
}

/** Logarithms are natural ones. A cell is 2 to the power of 32 times the assignment, rounded down. */
export function explanationDocument(explanation: Explanation): Readonly<Record<string, unknown>> {
  const { target, release, sentence, why, metrics, signs } = explanation;
  const { id, key, of, state, step, plan } = release;
  return {
    ...{ ...target, id, key, of, plan, state, step, sentence, why: why ?? null },
    ...{ abortsAt: ABORT_BAR, logTotal: strongest(metrics) },
    signs: Object.fromEntries([...signs].map(([name, atMs]) => [name, timeText(atMs)])),
    metrics: metrics.map((metric) => ({
      ...{ name: metric.name, weight: metric.weight, logE: metric.logE, logWeighted: weighted(metric) },
      segments: metric.segments.map(({ fromMs, ...segment }) => ({ from: timeText(fromMs), ...segment })),
    })),
  };
}

export function explanationPage({ sentence, why, metrics, signs }: Explanation): string {
  const head = why === undefined ? sentence : `${sentence}: ${why}`;
  return [
    `${oneLine(head)}\n`,
    ...[...signs].map(([name, atMs]) => `sign ${oneLine(name)} since ${timeText(atMs)}\n`),
    ...metrics.map(metricText),
    `\nln is the natural logarithm. The judge takes the canary back from ${figure(ABORT_BAR)} on, if 3 of its visitors are hurt.\n`,
    "-output json has the visitors too, as cells, so that all of it can be computed again.\n",
  ].join("");
}

/**
 * The words if there are no figures: the end of the release, because it may be all that a person asks for,
 * and why there are none.
 *
 * @param isReadable whether the store keeps evidence, and the record tells when each step began
 */
export function withoutFigures(
  progress: Progress,
  { address, evidence }: Pick<Store, "address" | "evidence">,
  isReadable: boolean,
): { readonly text: string; readonly remedy?: string } {
  const { target, release } = progress;
  const [what = releaseName(target.application, release), ...more] = lastWords(progress);
  const head = [what, ...more].join("; ").replaceAll("\u00a0", " ");
  if (evidence === undefined) {
    return { text: oneLine(`${head}. There are no figures of it, because ${address} keeps no evidence`) };
  }
  if (!isReadable) {
    const why =
      "its record had no room for the times of its steps, so the evidence in the store cannot be read";
    return { text: oneLine(`${head}. There are no figures of it: ${why}`) };
  }
  return {
    text: oneLine(
      `${head}. ${address} has no evidence of it: no outcome was told while two versions had visitors, or a week has passed since its end`,
    ),
    ...(isUnderWay(release) ? { remedy: "see that the proxies report: maxwells-daemon doctor" } : {}),
  };
}

function metricText(metric: MetricAccount): string {
  const { name, weight, logE, segments } = metric;
  const sum = `ln E ${figure(logE)} + ln weight ${figure(Math.log(weight))} = ${figure(weighted(metric))}`;
  const tossed = segments.filter(({ canary, master }) => canary + master > 0);
  const head = `\n${oneLine(name)}: ${sum}\n`;
  if (tossed.length === 0) return `${head}  no visitor met it\n`;
  const titles = ["  from", "rollout", "canary", "master", "expected"];
  return head + columns(titles, tossed.map(rowOf));
}

function rowOf({ fromMs, rollout, canary, master, expectedShare }: SegmentAccount): string[] {
  const expected = expectedShare === null ? "nothing to compare" : shareText(expectedShare);
  return [`  ${timeText(fromMs)}`, rolloutText(rollout), String(canary), String(master), expected];
}

/** Two digits after the point; a logarithm has no unit. */
function figure(value: number): string {
  return value.toFixed(2);
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
