/** Parts that the cases of the evidence suite share: a store with evidence, and a reader of its log. */

import { expect } from "bun:test";
import type { Evidence, EvidenceLog } from "../../src/stores/evidence.ts";
import { eventually } from "../support/eventually.ts";
import type { StoreHarness } from "./store-suite.ts";

/** More calls than any case needs. A store that says `hasMore` without end fails. */
const READS_MAX = 200;

const CURSOR_LENGTH_MAX = 4_096;

/** A reader that follows a log by its cursor. */
export class Reader {
  /** In the order in which they came, those that came twice included. */
  readonly seen: string[] = [];
  reads = 0;
  longestBytes = 0;
  cursor: string | undefined;
  readonly #evidence: Evidence;
  readonly #log: EvidenceLog;

  constructor(evidence: Evidence, log: EvidenceLog, cursor?: string) {
    this.#evidence = evidence;
    this.#log = log;
    this.cursor = cursor;
  }

  /** Reads all that is there now. */
  async catchUp(): Promise<void> {
    for (let read = 0; read < READS_MAX; read++) {
      const news = await this.#evidence.read(this.#log, this.cursor, inTime());
      this.reads++;
      this.seen.push(...news.batches);
      const bytes = news.batches.reduce((sum, batch) => sum + Buffer.byteLength(batch), 0);
      this.longestBytes = Math.max(this.longestBytes, bytes);
      expect(news.cursor.length).toBeLessThanOrEqual(CURSOR_LENGTH_MAX);
      this.cursor = news.cursor;
      if (!news.hasMore) return;
    }
    throw new Error(`after ${READS_MAX} reads there is still more`);
  }
}

/** A store with evidence that closes at the end of its case. */
export async function use(harness: StoreHarness) {
  const store = await harness.open();
  const { evidence } = store;
  if (evidence === undefined) throw new Error(`${store.address} has no evidence`);
  const append = (log: EvidenceLog, batches: readonly string[]) => evidence.append(log, batches, inTime());
  return { store, evidence, append, [Symbol.asyncDispose]: () => store.close() };
}

/** Repeats what may fail while a store finds its engine again. */
export async function again(work: () => Promise<void>): Promise<void> {
  await eventually(
    () =>
      work().then(
        () => true,
        () => false,
      ),
    "the store works again",
  );
}

export function inTime(): AbortSignal {
  return AbortSignal.timeout(10_000);
}

export function distinct(batches: readonly string[]): string[] {
  return [...new Set(batches)].toSorted();
}
