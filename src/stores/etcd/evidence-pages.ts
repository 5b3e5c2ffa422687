/** Reads a log of evidence in etcd, page by page, behind the entry that a reader had last. */

import type { EvidenceNews } from "../evidence.ts";
import { EtcdError, foreignFault } from "./faults.ts";
import type { EtcdGateway } from "./gateway.ts";
import { below, fromBase64, type KeyRange, next, toBase64 } from "./keys.ts";
import { limitAfter } from "./pages.ts";
import { type Range, rangesIn } from "./records.ts";

/** Entries in an answer at most, and its bytes. Parsing it must not make visitors wait. */
const PAGE_ENTRIES = 256;
const PAGE_BYTES = 96 * 1024;
const ANSWER_BYTES_MAX = 512 * 1024;

/** The name of an entry: its number, and its random part. */
const NAME = /^\d{16}\.[0-9a-f]{16}$/;

export interface EvidencePagesOptions {
  readonly gateway: Pick<EtcdGateway, "call">;
  /** The store's, for messages. */
  readonly address: string;
}

export class EvidencePages {
  readonly #options: EvidencePagesOptions;
  /** Entries in the next page. */
  #limit = PAGE_ENTRIES;

  constructor(options: EvidencePagesOptions) {
    this.#options = options;
  }

  /**
   * The batches behind the cursor, and the next cursor. Rejects with a `StoreError`.
   *
   * @param directory of the log
   */
  async read(directory: string, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews> {
    for (let last = NAME.test(cursor ?? "") ? cursor : undefined; ; last = undefined) {
      const page = await this.#pageAfter(directory, last, signal);
      if (page === undefined) continue;
      const names = page.values.map(({ key }) => fromBase64(key).slice(directory.length + 1));
      const reached = names.findLast((name) => NAME.test(name)) ?? last;
      return {
        batches: page.values.flatMap(({ text }) => batchesOf(text)),
        cursor: reached ?? "",
        hasMore: page.isCut && reached !== last,
      };
    }
  }

  /** The entries behind `last`, as many as an answer may have; undefined if `last` is not there. */
  async #pageAfter(
    directory: string,
    last: string | undefined,
    signal: AbortSignal,
  ): Promise<Range | undefined> {
    for (;;) {
      const limit = this.#limit;
      try {
        const page = await this.#ask(directory, last, limit, signal);
        if (page !== undefined) this.#limit = limitAfter(page.values, PAGE_BYTES, PAGE_ENTRIES);
        return page;
      } catch (error) {
        if (!(error instanceof EtcdError && error.isTooLong) || limit === 1) throw error;
        this.#limit = Math.ceil(limit / 4);
      }
    }
  }

  /** A page of at most `limit` entries; undefined if `last` is not there. */
  async #ask(
    directory: string,
    last: string | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<Range | undefined> {
    const entries = entriesOf(directory);
    const anchor = last === undefined ? undefined : toBase64(`${directory}/${last}`);
    const range = {
      ...entries,
      ...(anchor === undefined ? {} : { key: next(anchor) }),
      limit: String(limit),
    };
    const asked = [...(anchor === undefined ? [] : [{ key: anchor, keys_only: true }]), range];
    const { json } = await this.#options.gateway.call(
      "/v3/kv/txn",
      { success: asked.map((query) => ({ request_range: query })) },
      signal,
      ANSWER_BYTES_MAX,
    );
    const ranges = rangesIn(json);
    const page = ranges?.at(-1);
    if (page === undefined || ranges?.length !== asked.length) throw foreignFault(this.#options.address);
    return anchor !== undefined && ranges[0]?.values.length !== 1 ? undefined : page;
  }
}

/** Names of entries begin with a digit. The character after `9` is the colon. */
function entriesOf(directory: string): KeyRange {
  return { ...below(directory), range_end: toBase64(`${directory}/:`) };
}

/** An entry that another hand has written may be anything. */
function batchesOf(text: string): string[] {
  try {
    const batches: unknown = JSON.parse(text);
    return Array.isArray(batches) ? batches.filter((batch) => typeof batch === "string") : [];
  } catch {
    return [];
  }
}
