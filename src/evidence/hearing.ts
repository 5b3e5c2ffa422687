/**
 * Merges the news of a daemon into the tables. Pure and total: a line may come twice, late, before the record
 * that explains it, or from a hostile daemon. It never takes more memory than the tables have.
 */

import { SIGNS } from "../judge/signs.ts";
import { COIN_WORDS } from "./evidence-lines.ts";
import type { CoinsNews, EvidenceNews, News } from "./news.ts";
import { unpackWords } from "./packing.ts";
import type { StepEvidence } from "./step-evidence.ts";
import type { Tables } from "./tables.ts";
import { TIME_MAX } from "./timeline.ts";

/** @param from the name of this process in the sums, which it knows itself */
export function hear(tables: Tables, news: News, from: string): void {
  switch (news.kind) {
    case "coins":
      hearCoins(tables, news);
      return;
    case "visitors":
      stepOf(tables, news)?.hearVisitors(news.of, wordsOf(news.cells), news.share, news.cuts);
      return;
    case "arrivals":
      stepOf(tables, news)?.hearArrivals(wordsOf(news.seen), wordsOf(news.arrived), news.cuts);
      return;
    case "heard":
      stepOf(tables, news)?.heard.hear(news, from);
      return;
    case "reporter":
      tables.reporters.hear(news, from);
      return;
    case "sign": {
      const sign = SIGNS.find((name) => name === news.sign);
      if (sign !== undefined) tables.raise(sign, news.atMs, false);
      return;
    }
    case "uncapped":
      tables.uncapAfter(news.step - tables.timeline.zeroMs, false);
  }
}

function hearCoins(tables: Tables, { of, since, coins }: CoinsNews): void {
  const table = tables.named(of);
  const shift = since - tables.timeline.zeroMs;
  if (table !== undefined)
    eachCoin(coins, (cell, time, tag) => {
      const own = time + shift;
      if (own >= 0 && own <= TIME_MAX) table.hear(cell, own, tag);
    });
}

/** Calls `take` with each coin of a packed list. */
export function eachCoin(packed: string, take: (cell: number, time: number, tag: number) => void): void {
  const words = wordsOf(packed);
  for (let at = 0; at + COIN_WORDS <= words.length; at += COIN_WORDS) {
    take(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0);
  }
}

/** The numbers of a packed list; none if it cannot be read. */
export function wordsOf(packed: string): readonly number[] {
  return unpackWords(packed) ?? [];
}

/** The step of news; undefined if later steps have its place, or if no step can have that time. */
function stepOf(
  { steps, timeline }: Tables,
  { step }: Extract<EvidenceNews, { readonly step: number }>,
): StepEvidence | undefined {
  const fromMs = step - timeline.zeroMs;
  return fromMs >= 0 && fromMs <= TIME_MAX ? steps.take(fromMs) : undefined;
}
