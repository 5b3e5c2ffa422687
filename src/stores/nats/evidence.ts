/**
 * The evidence of releases in a stream of its own, `maxwells-daemon-evidence`. A log is a subject of it, and
 * an append is a message: its batches, as JSON.
 *
 * The leader of the stream gives each message the next number, so messages become visible in the order of
 * their numbers. A cursor names the last message by its number and its time. After a restore, numbers may
 * come again, but not with the same time, to a billionth of a second. If the message of a cursor is gone, the
 * reader gets the whole log again.
 *
 * There is no watch. Each append of each daemon would cause a read, and the daemons of a fleet append more
 * often than every two seconds.
 */

import { EVIDENCE_READ_BYTES_MAX, type Evidence, type EvidenceLog, type EvidenceNews } from "../evidence.ts";
import type { JetStream, StoredMessage } from "./jetstream.ts";
import { encodeName } from "./keys.ts";
import { messagesFrom } from "./walk.ts";

/** A message takes this many bytes at least, so that a read of very short ones ends too. */
const MESSAGE_BYTES_MIN = 256;

const CURSOR = /^([1-9]\d{0,15})@(\d{4}-[0-9T:.Z+-]{6,40})$/;

export class NatsEvidence implements Evidence {
  readonly #jetstream: JetStream;
  readonly #stream: string;

  constructor(jetstream: JetStream, stream: string) {
    this.#jetstream = jetstream;
    this.#stream = stream;
  }

  async append(log: EvidenceLog, batches: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#jetstream.publish(
      this.#stream,
      this.#subjectOf(log),
      JSON.stringify(batches),
      { isRepeatable: true },
      signal,
    );
  }

  async read(log: EvidenceLog, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews> {
    const subject = this.#subjectOf(log);
    const after = await this.#placeOf(cursor, signal);
    let reached = after === undefined ? "" : (cursor ?? "");
    let bytes = 0;
    const batches: string[] = [];
    const walk = messagesFrom(this.#jetstream, this.#stream, subject, (after ?? 0) + 1, signal);
    for await (const page of walk) {
      for (const message of page) {
        if (bytes >= EVIDENCE_READ_BYTES_MAX) return { batches, cursor: reached, hasMore: true };
        batches.push(...batchesOf(message));
        bytes += Math.max(MESSAGE_BYTES_MIN, message.bytes);
        reached = `${message.seq}@${message.time}`;
      }
    }
    return { batches, cursor: reached, hasMore: false };
  }

  /** The number of the message of a cursor; undefined if it is not there. */
  async #placeOf(cursor: string | undefined, signal: AbortSignal): Promise<number | undefined> {
    const [, seq, time] = CURSOR.exec(cursor ?? "") ?? [];
    if (seq === undefined) return undefined;
    const message = await this.#jetstream.at(this.#stream, Number(seq), signal);
    return message !== undefined && message.time === time ? message.seq : undefined;
  }

  #subjectOf({ application, key }: EvidenceLog): string {
    return `${this.#stream}.${encodeName(application)}.${key}`;
  }
}

/** A message that another hand has written may be anything. */
function batchesOf({ text = "" }: StoredMessage): string[] {
  try {
    const batches: unknown = JSON.parse(text);
    return Array.isArray(batches) ? batches.filter((batch) => typeof batch === "string") : [];
  } catch {
    return [];
  }
}
