/** Packs news into batches of lines, as a store takes them. Pure. */

import { BATCH_BYTES_MAX } from "../stores/evidence.ts";
import type { News } from "./news.ts";
import { newsLine } from "./news-lines.ts";

/** Batches with all of the news in their order, each of at most `BATCH_BYTES_MAX` bytes. */
export function batchesOf(news: readonly News[]): string[] {
  const batches: string[] = [];
  let batch = "";
  for (const line of news.map(newsLine)) {
    const longer = batch === "" ? line : `${batch}\n${line}`;
    if (batch !== "" && Buffer.byteLength(longer) > BATCH_BYTES_MAX) {
      batches.push(batch);
      batch = line;
    } else batch = longer;
  }
  return batch === "" ? batches : [...batches, batch];
}
