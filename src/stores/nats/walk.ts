/**
 * Reads the messages of a subject in the order of their numbers. JetStream gives one message for a request.
 * So this asks for the messages behind several numbers at once. If the subject has most messages of the
 * stream, nearly each answer is another message. If it has few, most answers are the same, and the next page
 * asks for less.
 */

import type { JetStream, StoredMessage } from "./jetstream.ts";

/** Requests under way at once. */
const PAGE_MAX = 64;

/**
 * Yields pages of messages, none of them empty.
 *
 * @param subject may have wildcards
 * @param from    the first number
 */
export async function* messagesFrom(
  jetstream: JetStream,
  stream: string,
  subject: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredMessage[], void, undefined> {
  let size = 1;
  for (let at = from; ; ) {
    const numbers = Array.from({ length: size }, (_, index) => at + index);
    const answers = await Promise.all(numbers.map((seq) => jetstream.next(stream, subject, seq, signal)));
    const found = new Map<number, StoredMessage>();
    for (const message of answers) if (message !== undefined) found.set(message.seq, message);
    const page = [...found.values()].toSorted((one, other) => one.seq - other.seq);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    // If there is none behind the last number, there is none behind the last message either.
    if (answers.at(-1) === undefined) return;
    at = last.seq + 1;
    size = page.length * 2 > size ? Math.min(PAGE_MAX, size * 2) : Math.max(1, Math.ceil(size / 2));
  }
}
