/**
 * The second contract of a store, which is optional: a place for the evidence of a release. Evidence is all
 * that daemons tell each other about a release, and that must not lie in its record, because a record that
 * changes every few seconds wakes all daemons.
 *
 * A store only keeps batches of text in a log, one log for each release. It understands none of it. The merge
 * is the reader's (`src/evidence`), and is idempotent and commutative. So a store may give a batch twice, and
 * in any order. It must not lose one that it has accepted, as long as the release is under way.
 *
 * Nothing here may wake a feed: the log lies under a prefix, table or key of its own that no watch covers.
 */

/** A batch has at most this many bytes of UTF-8. */
export const BATCH_BYTES_MAX = 4_096;

/** One call of `append` has at most this many batches. */
export const BATCHES_MAX = 16;

/** One call of `read` returns at most about this many bytes; then `hasMore` is true. */
export const EVIDENCE_READ_BYTES_MAX = 256 * 1_024;

/** The evidence of a release goes this long after the last batch, at the earliest. */
export const EVIDENCE_KEPT_MS = 7 * 86_400_000;

/** The log of one release. */
export interface EvidenceLog {
  readonly application: string;
  /** The key of the release: 24 hexadecimal digits. */
  readonly key: string;
}

export interface EvidenceNews {
  /** In any order. A batch may be one that an earlier call returned. */
  readonly batches: readonly string[];
  /** For the next call. Opaque; at most a few kilobytes. */
  readonly cursor: string;
  /** Whether the next call, made at once, returns more. */
  readonly hasMore: boolean;
}

export interface Evidence {
  /**
   * Adds batches to a log. It may be repeated. Rejects as `Store.write` does: with the code `denied` if the
   * engine refuses this user, and with `refused` if the engine is so full that an abort could not be written
   * after it.
   *
   * @param batches at most `BATCHES_MAX`; lines of printable text
   */
  append(log: EvidenceLog, batches: readonly string[], signal: AbortSignal): Promise<void>;

  /**
   * Returns the batches that were added since the call that returned `cursor`, and perhaps others. Each batch
   * is returned in the end, also if its writer was slow or its clock is wrong. If the engine falls back to an
   * older state, that is true for all batches that are added after that. A log that is not there is empty. A
   * cursor that the store cannot use counts as undefined.
   *
   * @param cursor undefined for the whole log
   */
  read(log: EvidenceLog, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews>;

  /**
   * Calls `changed` soon after batches were added. Additional calls do no harm. Absent if the engine has no
   * push, or if the push costs more than a read each two seconds.
   *
   * @returns a function that ends the watch
   */
  watch?(log: EvidenceLog, changed: () => void): () => void;
}
