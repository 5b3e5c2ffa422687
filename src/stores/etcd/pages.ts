/** The sizes of pages, in which etcd's answers come. Pure. */

import type { KeyValue } from "./records.ts";

/** The bytes of a key in an answer, beside its value in base64. */
const KEY_BYTES = 256;

/**
 * The number of keys in the next page, so that it has about `bytes`, if its values are as long as those of
 * the page before.
 */
export function limitAfter(values: readonly KeyValue[], bytes: number, keysMax: number): number {
  if (values.length === 0) return keysMax;
  const total = values.reduce((sum, { text }) => sum + KEY_BYTES + (text.length * 4) / 3, 0);
  return Math.max(1, Math.min(keysMax, Math.floor((values.length * bytes) / total)));
}
