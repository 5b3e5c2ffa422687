/**
 * The evidence of a release as a stream of Redis. Each call of `append` is one entry of the stream.
 *
 *     maxwells-daemon-evidence:{maxwells-daemon:website}:KEY     nonce 81c3…  batch …  batch …
 *
 * Ids of entries are not enough for a cursor. If a replica takes over, it may lack the last entries, and give
 * their ids to other ones. So each entry has a random nonce, and a cursor names the last entry by its id and
 * its nonce. If the entry with this id has another nonce, or is gone, the reader gets the whole log again. A
 * replica has all entries before one that it has, so no other check is needed.
 *
 * There is no watch. Each append of each daemon would cause a read, and the daemons of a fleet append more
 * often than every two seconds.
 */

import { randomBytes } from "node:crypto";
import { EVIDENCE_KEPT_MS, type Evidence, type EvidenceLog, type EvidenceNews } from "../evidence.ts";
import type { StoreError } from "../store.ts";
import { EVIDENCE_APPEND, EVIDENCE_READ } from "./evidence-scripts.ts";

/** Outside the keys of applications, so that no daemon reads or watches it. */
export const EVIDENCE_PREFIX = "maxwells-daemon-evidence:";

/** A log may take this much of Redis's memory. Then its oldest entries go. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;

/** Redis must have this much memory left, so that the records can still be written. */
const ROOM_BYTES_MIN = 2 * 1024 * 1024;

/** The approximate size of an answer in bytes. Parsing it must not make visitors wait. */
const ANSWER_BYTES = 64 * 1024;

const NONCE_BYTES = 8;

/** The last entry that its reader has. Numbers with more digits are not exact in Lua. */
const CURSOR = /^(\d{1,15}-\d{1,15}) ([0-9a-f]{0,16})$/;

/** Sends a command. Rejects with a `StoreError`. */
export type Call = (
  signal: AbortSignal,
  key: string,
  command: string,
  ...args: readonly (string | number | readonly string[])[]
) => Promise<unknown>;

export class RedisEvidence implements Evidence {
  readonly #call: Call;
  readonly #keyOf: (application: string) => string;
  readonly #noReply: () => StoreError;

  /** @param keyOf the key of an application's records */
  constructor(call: Call, keyOf: (application: string) => string, noReply: () => StoreError) {
    this.#call = call;
    this.#keyOf = keyOf;
    this.#noReply = noReply;
  }

  async append(log: EvidenceLog, batches: readonly string[], signal: AbortSignal): Promise<void> {
    const key = this.#logOf(log);
    const limits = [LOG_BYTES_MAX, ROOM_BYTES_MIN, EVIDENCE_KEPT_MS];
    const nonce = randomBytes(NONCE_BYTES).toString("hex");
    await this.#call(signal, key, "EVAL", EVIDENCE_APPEND, 1, key, ...limits, nonce, batches);
  }

  async read(log: EvidenceLog, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews> {
    const key = this.#logOf(log);
    const [, id = "", nonce = ""] = CURSOR.exec(cursor ?? "") ?? [];
    const reply = await this.#call(signal, key, "EVAL", EVIDENCE_READ, 1, key, id, nonce, ANSWER_BYTES);
    const [lastId, lastNonce, more, batches] = Array.isArray(reply) ? reply : [];
    if (!Array.isArray(batches) || !batches.every((batch): batch is string => typeof batch === "string")) {
      throw this.#noReply();
    }
    return { batches, cursor: `${lastId} ${lastNonce}`, hasMore: more === 1 };
  }

  /** In a cluster, the braces put the log on the node that has the application's records. */
  #logOf({ application, key }: EvidenceLog): string {
    const own = this.#keyOf(application);
    const isTagged = /\{[^}]+\}/.test(own);
    return `${EVIDENCE_PREFIX}${isTagged ? own : `{${own}}`}:${key}`;
  }
}
