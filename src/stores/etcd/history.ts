/**
 * The past of an application's records, from etcd's own revisions.
 *
 * etcd can be asked what was in a range at any revision that it has not compacted. So the walk begins at the
 * present, takes the latest write among what is there, and looks at the revision right before it: what it
 * finds for that key is the state before. A key that is there and was gone later was removed; when exactly,
 * etcd does not say: it knows no times. A removal itself leaves no key with its revision, so our removals
 * write a note in the same transaction, and the walk stops at its revisions, too. A removal by hand is seen
 * as far as another record was written while the removed one was there.
 *
 * A walk is up to 256 requests for one command, and costs a daemon nothing: only `history` walks. In
 * exchange, a change by any tool is seen, and a write stays one transaction.
 *
 * Rejected: a watch from an old revision, which tells every change. etcd reads all revisions of all keys
 * since then into its memory for it, and the stream does not say where the past ends. A list in the record
 * itself, which the command line keeps in stores without a memory: it would have only the changes that the
 * command line made.
 */

import type { PastRecord } from "../store.ts";
import { EtcdError } from "./faults.ts";
import { versionOf } from "./keys.ts";
import { type KeyValue, type Range, recordOf } from "./records.ts";

/**
 * A walk takes a step for each change, of one or two requests; at a millisecond or two they are soon done.
 */
const STEPS_MAX = 256;

/** An application at one revision. */
export interface Moment extends Range {
  /** The note of its last removal by `remove`, if there was one. */
  readonly removal: KeyValue | undefined;
}

/**
 * @param readAt what is in the application's range, now or at a revision
 * @returns newest first, at most `limit`; it ends quietly where etcd's memory does
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
    // If nothing earlier can be read, all values are as old as can be known.
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

/** Undefined where etcd does not remember. */
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
