/** The history of an application's records: all messages of its keys that the bucket still has. */

import type { PastRecord } from "../store.ts";
import type { JetStream, StoredMessage } from "./jetstream.ts";
import { nameOf, subjectsOf } from "./keys.ts";
import { recordOf } from "./records.ts";
import { messagesFrom } from "./walk.ts";

export interface HistoryOptions {
  readonly jetstream: JetStream;
  readonly bucket: string;
  readonly stream: string;
}

/** @returns newest first, at most `limit` */
export async function historyOf(
  { jetstream, bucket, stream }: HistoryOptions,
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
