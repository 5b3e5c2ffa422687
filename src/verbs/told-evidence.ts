/** The whole evidence that a store has of a release, also of one that is over. */

import { newsIn } from "../evidence/news-lines.ts";
import { ReleaseEvidence } from "../evidence/release-evidence.ts";
import { unlessAborted } from "../stores/shared/abort.ts";
import type { Store } from "../stores/store.ts";
import type { Found } from "./observer.ts";

/** It hears, and tells nothing. No daemon has this name. */
const READER = "reader";

export interface ToldEvidence {
  readonly evidence: ReleaseEvidence;
  /** Whether the store has anything of it. It forgets the evidence of a release some days after its end. */
  readonly isThere: boolean;
}

/** @returns undefined if the store keeps no evidence, or if the record has no arcs */
export async function toldEvidence(
  store: Store,
  application: string,
  { version, release }: Found,
  signal: AbortSignal,
): Promise<ToldEvidence | undefined> {
  if (store.evidence === undefined || release.arcs.length === 0) return undefined;
  const of = { application, key: release.key };
  const evidence = new ReleaseEvidence({ release, version, from: READER });
  let cursor: string | undefined;
  let isThere = false;
  for (;;) {
    const news = await unlessAborted(signal, store.evidence.read(of, cursor, signal));
    evidence.hear(newsIn(news.batches));
    isThere ||= news.batches.length > 0;
    cursor = news.cursor;
    if (!news.hasMore) return { evidence, isThere };
  }
}
