/**
 * What an application's records were, from etcd's own revisions.
 *
 * etcd can be asked what was in a range at any revision that it has not compacted. So the walk begins at the present, takes
 * the latest write among what is there, and looks at the revision right before it: what it finds for that key is the state
 * before. A key that is there and was gone later was removed; when exactly, etcd does not say: it knows no times.
 *
 * Rejected: a watch from an old revision, which tells every change. etcd reads all revisions of all keys since then into its
 * memory for it, and the stream does not say where the past ends.
 */

import type { PastRecord } from "../store.ts";
import { EtcdError } from "./faults.ts";
import { versionOf } from "./keys.ts";
import { type KeyValue, type Range, recordOf } from "./records.ts";

/** A walk takes a request for each change; at a millisecond or two they are soon done. */
const REQUESTS_MAX = 256;

/**
 * @param readAt what is in the application's range, now or at a revision
 * @returns newest first, at most `limit`; it ends quietly where etcd's memory does
 */
export async function walkBack(
  prefix: string,
  application: string,
  limit: number,
  readAt: (revision?: string) => Promise<Range>,
): Promise<PastRecord[]> {
  const past: PastRecord[] = [];
  let { values } = await readAt();
  for (let requests = 1; past.length < limit && values.length > 0; requests++) {
    const newestFirst = values.toSorted((a, b) => Number(revisionOf(b) - revisionOf(a)));
    const latest = newestFirst.map(revisionOf)[0] ?? 0n;
    const earlier = requests < REQUESTS_MAX ? await valuesAt(latest - 1n, readAt) : undefined;
    // Where nothing earlier can be had, all that is there is as old as can be told.
    const told = earlier === undefined ? newestFirst : newestFirst.filter((kv) => revisionOf(kv) === latest);
    const stays = new Set(values.map(({ key }) => key));
    const removed = (earlier ?? []).filter(({ key }) => !stays.has(key));
    past.push(
      ...removed.map(({ key }) => ({ version: versionOf(prefix, application, key), value: undefined })),
      ...told.map((kv) => ({ version: versionOf(prefix, application, kv.key), value: recordOf(kv).value })),
    );
    values = earlier ?? [];
  }
  return past.slice(0, limit);
}

/** Undefined where etcd does not remember. */
async function valuesAt(
  revision: bigint,
  readAt: (revision: string) => Promise<Range>,
): Promise<readonly KeyValue[] | undefined> {
  if (revision < 1n) return undefined;
  try {
    return (await readAt(String(revision))).values;
  } catch (error) {
    if (error instanceof EtcdError && error.isUnknownRevision) return undefined;
    throw error;
  }
}

function revisionOf({ modRevision }: KeyValue): bigint {
  return BigInt(modRevision);
}
