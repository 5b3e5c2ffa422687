/** The memory of the evidence of one release. Pure. */

import { TABLE_CELLS_MAX } from "./cell-table.ts";

/** The evidence of a release has at most this many bytes, whatever comes in. */
export const EVIDENCE_BYTES_MAX = 8_000_000;

/** The tables of `seen` and `back` have room for this many visitors: enough for their signs. */
export const SIGN_CELLS_MAX = 16_384;

/** The least room of a table. */
const CELLS_MIN = 256;

/** A full table of coins has about this many bytes for each cell: 12 of its own, and 8 for two indexes. */
const CELL_BYTES = 20.2;

/** The other parts of a release have at most this much. */
const OTHER_BYTES = 1_300_000;

/**
 * The room of each table of coins, a power of two. All daemons of a release need the same, or the fuller
 * tables of some are cut by others. Only a daemon whose memory is short (`memory.ts`) has less.
 */
export function coinsCapacity(metrics: number): number {
  const bytesMax = EVIDENCE_BYTES_MAX - OTHER_BYTES;
  let capacity = TABLE_CELLS_MAX;
  while (capacity > CELLS_MIN && metrics * capacity * CELL_BYTES > bytesMax) capacity /= 2;
  return capacity;
}
