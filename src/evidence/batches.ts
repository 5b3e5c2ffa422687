/** Packs news into batches of lines, as a store takes them. Pure. */

import { BATCH_BYTES_MAX } from "../stores/evidence.ts";
import type { News } from "./news.ts";
import { newsLine } from "./news-lines.ts";

export interface Packed {
  /** Each has at most `BATCH_BYTES_MAX` bytes. */
  readonly batches: readonly string[];
  /** This many of the news are in the batches: the first ones. */
  readonly count: number;
}

/** Batches with the news in their order, and with as many of them as there is room for. */
export function packed(news: readonly News[], batchesMax: number): Packed {
  const batches: string[] = [];
  let batch = "";
  let count = 0;
  for (const line of news.map(newsLine)) {
    const longer = batch === "" ? line : `${batch}\n${line}`;
    if (batch !== "" && Buffer.byteLength(longer) > BATCH_BYTES_MAX) {
      batches.push(batch);
      if (batches.length === batchesMax) return { batches, count };
      batch = line;
    } else batch = longer;
    count++;
  }
  return { batches: batch === "" ? batches : [...batches, batch], count };
}

/** Batches with all of the news in their order. */
export function batchesOf(news: readonly News[]): readonly string[] {
  return packed(news, Number.POSITIVE_INFINITY).batches;
}
