/** The streams of a store: the bucket of the records, and the log of evidence. */

import { TooFewServersError } from "./faults.ts";
import type { JetStream } from "./jetstream.ts";

/** The stream of a key-value bucket has this name in NATS. */
export function recordsStream(bucket: string): string {
  return `KV_${bucket}`;
}

export function evidenceStream(bucket: string): string {
  return `${bucket}-evidence`;
}

/** A bucket keeps at most this many values of a key. */
const HISTORY = 64;

/** A stream on three servers stays if one of them is lost. */
const REPLICAS = 3;

/** Longer than a record may be. */
const VALUE_BYTES_MAX = 128 * 1024;

const DAY_NS = 86_400 * 1_000_000_000;

/** Evidence stays for so long: that of a release of 90 days, and a week more. */
export const EVIDENCE_DAYS = 97;

/** If the log is longer, its oldest evidence goes. */
export const EVIDENCE_BYTES_MAX = 1024 ** 3;

const COMMON = {
  ...{ retention: "limits", storage: "file" },
  ...{ max_consumers: -1, max_msgs: -1 },
};

/**
 * Makes the streams that are not there. The others stay as they are, because an operator may have chosen
 * their settings.
 *
 * @returns the names of the streams that were made
 */
export async function makeStreams(
  jetstream: JetStream,
  bucket: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const streams = [
    {
      ...COMMON,
      name: recordsStream(bucket),
      subjects: [`$KV.${bucket}.>`],
      // The same as `nats kv add` writes. This program makes no direct reads, which any server may answer.
      ...{ max_msgs_per_subject: HISTORY, max_msg_size: VALUE_BYTES_MAX, max_bytes: -1, max_age: 0 },
      ...{ discard: "new", deny_delete: true, deny_purge: false, allow_rollup_hdrs: true },
      ...{ allow_direct: false, duplicate_window: 120 * 1_000_000_000 },
    },
    {
      ...COMMON,
      name: evidenceStream(bucket),
      subjects: [`${evidenceStream(bucket)}.>`],
      ...{ max_age: EVIDENCE_DAYS * DAY_NS, max_bytes: EVIDENCE_BYTES_MAX, discard: "old" },
      ...{ max_msgs_per_subject: -1, max_msg_size: -1, duplicate_window: 120 * 1_000_000_000 },
    },
  ];
  const made: string[] = [];
  for (const stream of streams) if (await makeOne(jetstream, stream, signal)) made.push(stream.name);
  return made;
}

/** On three servers if there is a cluster, and else on one. */
async function makeOne(
  jetstream: JetStream,
  stream: Readonly<Record<string, unknown>> & { readonly name: string },
  signal: AbortSignal,
): Promise<boolean> {
  // NATS says that it made a stream also if there is one with the same settings.
  if (await jetstream.has(stream.name, signal)) return false;
  try {
    return await jetstream.create({ ...stream, num_replicas: REPLICAS }, signal);
  } catch (error) {
    if (!(error instanceof TooFewServersError)) throw error;
    return jetstream.create({ ...stream, num_replicas: 1 }, signal);
  }
}
