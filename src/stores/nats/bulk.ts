/**
 * Reads the last values of all keys of a bucket, by a consumer that sends them one after the other. For
 * thousands of keys that takes a tenth of the time of a request for each.
 */

import { abandoned, unlessAborted } from "../shared/abort.ts";
import { StoreError } from "../store.ts";
import type { NatsConnection, NatsMessage } from "./connection.ts";
import { foreignFault } from "./faults.ts";
import { isRemovalMark, type JetStream, type StoredMessage, TEXT_BYTES_MAX } from "./jetstream.ts";

/** If no message comes for this long, the read has failed. */
const SILENCE_MS = 1_000;

const SECOND_NS = 1_000_000_000n;

/** `$JS.ACK.STREAM.CONSUMER.DELIVERED.SEQ.COUNT.TIME.PENDING`, or with two words more before the stream. */
const ACK =
  /^\$JS\.ACK\.(?:[^.]+\.[^.]+\.)?[^.]+\.[^.]+\.\d+\.(\d{1,15})\.(\d{1,15})\.(\d{1,20})\.\d+(?:\.[^.]+)?$/;

export interface BulkOptions {
  readonly jetstream: JetStream;
  readonly connected: () => Promise<NatsConnection>;
  readonly stream: string;
  /** For messages. */
  readonly where: string;
}

/**
 * Calls `heard` with the last message of each subject that matches, and perhaps with later ones. Rejects with
 * a `StoreError` if it did not hear all.
 */
export async function lastOfAll(
  { jetstream, connected, stream, where }: BulkOptions,
  filter: string,
  heard: (message: StoredMessage) => void,
  signal: AbortSignal,
): Promise<void> {
  const connection = await unlessAborted(signal, connected());
  const silence = new AbortController();
  const isOver = AbortSignal.any([signal, silence.signal, connection.ended]);
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  let count = 0;
  let pending = Number.POSITIVE_INFINITY;
  let finish: () => void = () => {};
  let fail: (error: StoreError) => void = () => {};
  const all = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  all.catch(() => {});
  const { inbox, end } = connection.subscribe((message) => {
    timer.refresh();
    const stored = storedOf(message);
    // A message that was lost on the way leaves a gap in the count.
    if (stored === undefined || stored.count !== count + 1) return fail(foreignFault(where));
    count++;
    heard(stored.message);
    if (count >= pending) finish();
  });
  try {
    const config = { filter_subject: filter, deliver_subject: inbox, deliver_policy: "last_per_subject" };
    ({ pending } = await jetstream.consume(stream, "read", config, isOver));
    if (count >= pending) return;
    timer.refresh();
    await unlessAborted(isOver, all);
  } catch (error) {
    if (signal.aborted) throw abandoned(signal);
    if (!isOver.aborted) throw error;
    throw new StoreError("unavailable", `${where} stopped in the middle of its answer; look at its log`);
  } finally {
    clearTimeout(timer);
    end();
  }
}

function storedOf(
  message: NatsMessage,
): { readonly message: StoredMessage; readonly count: number } | undefined {
  const { subject, reply, header, bytes } = message;
  const [, seq, count, time] = ACK.exec(reply) ?? [];
  if (seq === undefined || count === undefined || time === undefined) return undefined;
  return {
    count: Number(count),
    message: {
      ...{ subject, seq: Number(seq), time: timeOf(BigInt(time)), bytes: bytes.length },
      isRemoval: isRemovalMark(header("KV-Operation"), header("Nats-Marker-Reason")),
      text: bytes.length > TEXT_BYTES_MAX ? undefined : message.text(),
    },
  };
}

/** The time as JetStream writes it elsewhere: without zeros at the end of its fraction. */
function timeOf(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / SECOND_NS) * 1_000).toISOString().slice(0, 19);
  const fraction = String(nanoseconds % SECOND_NS)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${seconds}${fraction === "" ? "" : `.${fraction}`}Z`;
}
