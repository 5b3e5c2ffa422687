/** Reads all keys below the prefix, or the newest of them, page by page at one revision. */

import { RECORDS_MAX } from "../store.ts";
import { EtcdError, foreignFault } from "./faults.ts";
import { applicationOf, below, next } from "./keys.ts";
import { limitAfter } from "./pages.ts";
import type { KeyValue, Range } from "./records.ts";

/** Number of keys in a page. Parsing a page must not make visitors wait. */
const PAGE_KEYS = 256;
const KEYS_MAX = 128 * 1024;

/** Bytes of an answer. A page of records with authors and reasons takes less. */
export const ANSWER_BYTES_MAX = 512 * 1024;

/** A page has about this many bytes, if the keys are as long as those of the page before. */
const PAGE_BYTES = ANSWER_BYTES_MAX / 2;

export interface EtcdPagesOptions {
  readonly prefix: string;
  readonly address: string;
  readonly range: (
    query: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    bytesMax: number,
  ) => Promise<Range>;
}

/** The keys of several pages. */
export interface Pages {
  readonly first: Range;
  /** By application. */
  readonly values: ReadonlyMap<string, readonly KeyValue[]>;
  /** The number of keys that did not exist at the revision before. */
  readonly created: number;
  /** Applications with a key that is too long. */
  readonly tooLong: ReadonlySet<string>;
}

/**
 * All keys, or those that were written after a revision. Rejects with an `EtcdError`.
 *
 * @param asked applications; the values of others are left out
 * @param since a revision; undefined for all keys
 */
export async function readPages(
  options: EtcdPagesOptions,
  asked: ReadonlySet<string>,
  since: string | undefined,
  signal: AbortSignal,
): Promise<Pages> {
  const { prefix, address } = options;
  const values = new Map<string, KeyValue[]>();
  const long = new Set<string>();
  let { key, range_end } = below(prefix);
  let first: Range | undefined;
  let limit = PAGE_KEYS;
  let [read, created] = [0, 0];
  while (read <= KEYS_MAX) {
    const query = {
      ...{ key, range_end },
      ...(first === undefined ? {} : { revision: first.revision }),
      ...(since === undefined ? {} : { min_mod_revision: String(BigInt(since) + 1n) }),
    };
    const page = await readPage(options, query, limit, signal);
    first ??= page;
    for (const value of page.values) {
      if (since !== undefined && BigInt(value.createRevision) > BigInt(since)) created++;
      const application = applicationOf(prefix, value.key);
      if (application === undefined || !asked.has(application)) continue;
      if (page.isLong) long.add(application);
      const own = values.get(application);
      if (own === undefined) values.set(application, [value]);
      else if (own.length <= RECORDS_MAX) own.push(value);
    }
    read += page.values.length;
    if (!page.isCut) {
      return { first, values, created, tooLong: long };
    }
    key = next(page.values.at(-1)?.key ?? key);
    limit = limitAfter(page.values, PAGE_BYTES, PAGE_KEYS);
  }
  const remedy = "name a prefix that only maxwells-daemon uses";
  throw new EtcdError("malformed", `${address} has more than ${KEYS_MAX} keys; ${remedy}`);
}

/** A page of at most `limit` keys, or fewer if they are long. A key that is too long alone has no value. */
async function readPage(
  { address, range }: EtcdPagesOptions,
  query: Readonly<Record<string, unknown>>,
  limit: number,
  signal: AbortSignal,
): Promise<Range & { readonly isLong: boolean }> {
  for (let keys = limit; ; keys = Math.ceil(keys / 4)) {
    try {
      const page = await range({ ...query, limit: String(keys) }, signal, ANSWER_BYTES_MAX);
      if (page.values.length > 0 || !page.isCut) return { ...page, isLong: false };
      throw foreignFault(address);
    } catch (error) {
      if (!(error instanceof EtcdError && error.isTooLong)) throw error;
      if (keys > 1) continue;
      const page = await range({ ...query, limit: "1", keys_only: true }, signal, ANSWER_BYTES_MAX);
      return { ...page, isLong: true };
    }
  }
}
