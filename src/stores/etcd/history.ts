/**
 * The history of an application's records, from etcd's own revisions.
 *
 * etcd can read a range as it was at any revision that is not compacted. So the walk begins at the present,
 * finds the latest write in the range, and reads the revision right before it: there the key has its earlier
 * state. A key that exists in an earlier revision and not in a later one was removed. etcd does not know the
 * time of a change. A removal leaves no key with its revision. So `remove` writes a note in the same
 * transaction, and the walk also stops at the revisions of the note. The walk sees a removal by hand only if
 * another record was written while the removed one existed.
 *
 * A walk takes up to 256 requests. Only the command `history` walks, so a daemon pays nothing. In exchange,
 * changes by every tool are seen, and a write is still one transaction.
 *
 * Rejected: a watch from an old revision, which reports every change. For it, etcd reads all revisions of all
 * keys since then into memory, and the stream does not say when the past is complete. Also rejected: a list
 * in the record itself, as in stores without a history, because it would have only the changes of the command
 * line.
 */

import type { PastRecord } from "../store.ts";
import { EtcdError } from "./faults.ts";
import { versionOf } from "./keys.ts";
import { type KeyValue, type Range, recordOf } from "./records.ts";

/** The most steps of a walk: one for each change, with one or two requests of a millisecond or two. */
const STEPS_MAX = 256;

/** An application at one revision. */
export interface Moment extends Range {
  /** The note of its last removal by `remove`, if there was one. */
  readonly removal: KeyValue | undefined;
}

/**
 * @param readAt reads the application's range, now or at a revision
 * @returns newest first, at most `limit`; it ends without an error at the oldest revision that etcd knows
 */
export async function walkBack(
  prefix: string,
  application: string,
  limit: number,
  readAt: (revision?: string) => Promise<Moment>,
): Promise<PastRecord[]> {
  const past: PastRecord[] = [];
  let { values, removal }: Pick<Moment, "values" | "removal"> = await readAt();
  for (let steps = 1; past.length < limit && (values.length > 0 || removal !== undefined); steps++) {
    const newestFirst = values.toSorted((a, b) => Number(revisionOf(b) - revisionOf(a)));
    const latest = [...newestFirst.slice(0, 1), ...(removal === undefined ? [] : [removal])]
      .map(revisionOf)
      .reduce((a, b) => (a > b ? a : b), 0n);
    const moment = steps < STEPS_MAX ? await momentAt(latest - 1n, readAt) : undefined;
    const earlier = moment?.values;
    // If no earlier revision can be read, the history ends with these values.
    const told = earlier === undefined ? newestFirst : newestFirst.filter((kv) => revisionOf(kv) === latest);
    const stays = new Set(values.map(({ key }) => key));
    const removed = (earlier ?? []).filter(({ key }) => !stays.has(key));
    past.push(
      ...removed.map(({ key }) => ({ version: versionOf(prefix, application, key), value: undefined })),
      ...told.map((kv) => ({ version: versionOf(prefix, application, kv.key), value: recordOf(kv).value })),
    );
    values = earlier ?? [];
    removal = moment?.removal;
  }
  return past.slice(0, limit);
}

/** Undefined if etcd no longer has the revision. */
async function momentAt(
  revision: bigint,
  readAt: (revision: string) => Promise<Moment>,
): Promise<Moment | undefined> {
  if (revision < 1n) return undefined;
  try {
    return await readAt(String(revision));
  } catch (error) {
    if (error instanceof EtcdError && error.isUnknownRevision) return undefined;
    throw error;
  }
}

function revisionOf({ modRevision }: KeyValue): bigint {
  return BigInt(modRevision);
}
