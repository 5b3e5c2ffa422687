/** The history of an application's records: all messages of its keys that the bucket still has. */

import type { PastRecord } from "../store.ts";
import type { StoredMessage } from "./jetstream.ts";
import { nameOf, subjectsOf } from "./keys.ts";
import type { NatsManyOptions } from "./many.ts";
import { recordOf } from "./records.ts";
import { messagesFrom } from "./walk.ts";

/** @returns newest first, at most `limit` */
export async function historyOf(
  { jetstream, bucket, stream }: NatsManyOptions,
  application: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly PastRecord[]> {
  let newest: StoredMessage[] = [];
  const walk = messagesFrom(jetstream, stream, subjectsOf(bucket, application), 1, signal);
  for await (const page of walk) newest = [...newest, ...page].slice(-limit);
  return newest.toReversed().flatMap((message) => {
    const name = nameOf(bucket, message.subject);
    if (name === undefined) return [];
    const value = message.isRemoval ? undefined : recordOf(message, true).value;
    return [{ version: name.version, value, atMs: Date.parse(message.time) }];
  });
}
