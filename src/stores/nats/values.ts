/**
 * Reads the last values of many keys as they were at one moment. JetStream gives one message at a time. So
 * this asks for the state of the stream and the names of the keys, and then for the last message of each. If
 * no message is newer than the state, the messages are what the bucket had then.
 */

import { StoreError } from "../store.ts";
import type { JetStream, StoredMessage, StreamState } from "./jetstream.ts";

/** Requests under way at once. */
const AT_ONCE = 64;

/** An application is written a few times in a second at most. */
const ATTEMPTS_MAX = 5;

/** Keys of an application, with those that were removed. */
export const KEYS_MAX = 2_048;

/** Calls `work` for each item, some at once. Rejects with the first error. */
export async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items[Symbol.iterator]();
  let isOver = false;
  const workOn = async () => {
    for (let next = waiting.next(); !isOver && next.done !== true; next = waiting.next()) {
      await work(next.value).catch((error: unknown) => {
        isOver = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, workOn));
}

/** The last message of each subject, in the order of the subjects; undefined if one has none any more. */
export async function lastOfEach(
  jetstream: JetStream,
  stream: string,
  subjects: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StoredMessage | undefined>> {
  const messages = new Map<string, StoredMessage | undefined>(
    subjects.map((subject) => [subject, undefined]),
  );
  await each(subjects, async (subject) => {
    messages.set(subject, await jetstream.last(stream, subject, signal));
  });
  return messages;
}

/** The values of all subjects that match, at one moment. Removed ones are left out. */
export async function valuesAt(
  jetstream: JetStream,
  stream: string,
  filter: string,
  signal: AbortSignal,
): Promise<{ readonly state: StreamState; readonly messages: readonly StoredMessage[] }> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const { state, subjects } = await jetstream.subjects(stream, filter, signal);
    if (subjects.length > KEYS_MAX) {
      const remedy = "take removed keys away with nats kv compact";
      throw new StoreError("malformed", `${filter} has more than ${KEYS_MAX} keys; ${remedy}`);
    }
    const found = [...(await lastOfEach(jetstream, stream, subjects, signal)).values()];
    const messages = found.filter((message) => message !== undefined);
    if (messages.length < found.length || messages.some(({ seq }) => seq > state.last)) continue;
    return { state, messages: messages.filter(({ isRemoval }) => !isRemoval) };
  }
  throw new StoreError("unavailable", `${filter} is written faster than it can be read; find the writer`);
}
