/**
 * Rollouts in a key-value bucket of NATS 2.9 or later: a key for each record, `website.canary`, its value the
 * rollout, or an object in JSON.
 *
 *     nats kv put maxwells-daemon website.canary 0.25
 *
 * A bucket is a stream, and this program speaks to the stream, because the client's own bucket reads one key
 * at a time, and from any server. See docs/decisions/0047-nats.md.
 */

import type { Evidence } from "./evidence.ts";
import { type NatsPlace, parsePlace } from "./nats/address.ts";
import { evidenceStream, makeStreams, recordsStream } from "./nats/buckets.ts";
import { loadClient } from "./nats/client.ts";
import { NatsEvidence } from "./nats/evidence.ts";
import { historyOf } from "./nats/history.ts";
import { JetStream, type StoredMessage } from "./nats/jetstream.ts";
import { allSubjects, nameOf, subjectOf, subjectsOf } from "./nats/keys.ts";
import { NatsMany } from "./nats/many.ts";
import { RECORD_LENGTH_MAX, recordOf, refusalOf, revisionOf, wholeValueOf } from "./nats/records.ts";
import { Session } from "./nats/session.ts";
import { each, valuesAt } from "./nats/values.ts";
import { NatsWatch } from "./nats/watch.ts";
import { withFields } from "./shared/document.ts";
import {
  type Lost,
  type PastRecord,
  type RecordFields,
  type Removed,
  type Snapshot,
  type Snapshots,
  type Store,
  type StoreContext,
  StoreError,
  type StoreKind,
  type Written,
} from "./store.ts";

/** A key that was removed has a message too. Another writer may remove it again meanwhile. */
const CREATE_ATTEMPTS_MAX = 3;

export const nats: StoreKind = kind("nats", "a key-value bucket of NATS 2.9 or later, with push");
export const natss: StoreKind = kind("natss", "the same over TLS");

function kind(name: "nats" | "natss", summary: string): StoreKind {
  return {
    name,
    usage: `${name}://[USER:PASSWORD@]HOST[:4222][,HOST…]/[BUCKET]`,
    summary,
    keepsHistory: true,
    check(location) {
      const place = parsePlace(name, location);
      return typeof place === "string" ? place : undefined;
    },
    async open({ location, environment, warn }: StoreContext): Promise<Store> {
      const place = parsePlace(name, location);
      if (typeof place === "string") throw new TypeError(place);
      return new NatsStore(place, new Session(await loadClient(), place, environment), warn);
    },
  };
}

class NatsStore implements Store {
  readonly address: string;
  readonly evidence: Evidence;
  readonly #bucket: string;
  readonly #stream: string;
  readonly #session: Session;
  readonly #jetstream: JetStream;
  readonly #watch: NatsWatch;
  readonly #many: NatsMany;

  constructor(place: NatsPlace, session: Session, warn: (message: string) => void) {
    const { shown, bucket } = place;
    this.address = shown;
    this.#bucket = bucket;
    this.#stream = recordsStream(bucket);
    this.#session = session;
    const jetstream = new JetStream(session, shown, "make it with maxwells-daemon init-store");
    this.#jetstream = jetstream;
    const parts = { jetstream, bucket, stream: this.#stream, connected: () => session.connected() };
    this.#watch = new NatsWatch({ ...parts, warn });
    this.#many = new NatsMany({ ...parts, where: shown });
    this.evidence = new NatsEvidence(jetstream, evidenceStream(bucket));
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    const filter = subjectsOf(this.#bucket, application);
    const { messages } = await valuesAt(this.#jetstream, this.#stream, filter, signal);
    const refused = refusalOf(application, messages);
    if (refused !== undefined) throw refused;
    return new Map(
      messages.flatMap((message) => {
        const name = nameOf(this.#bucket, message.subject);
        return name === undefined ? [] : [[name.version, recordOf(message, true)] as const];
      }),
    );
  }

  async readMany(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    return this.#many.read(applications, signal);
  }

  watch(application: string, changed: () => void): () => void {
    return this.#watch.add(application, changed);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    const subject = subjectOf(this.#bucket, application, version);
    if (expected === null) return this.#create(subject, fields, signal);
    const before = await this.#last(subject, signal);
    if (before === undefined || before.isRemoval || revisionOf(before) !== expected) return lostTo(before);
    const text = this.#textOf(withFields(wholeValueOf(before), fields));
    const seq = await this.#publish(subject, text, before.seq, signal);
    if (seq === undefined) return lostTo(await this.#last(subject, signal));
    return { ok: true, revision: revisionOf({ seq, text }) };
  }

  /** The first attempt comes before any read, so that NATS refuses a user without the rights. */
  async #create(subject: string, fields: RecordFields, signal: AbortSignal): Promise<Written> {
    const text = this.#textOf(withFields(undefined, fields));
    let current: StoredMessage | undefined;
    for (let attempt = 1; attempt <= CREATE_ATTEMPTS_MAX; attempt++) {
      const seq = await this.#publish(subject, text, current?.seq ?? 0, signal);
      if (seq !== undefined) return { ok: true, revision: revisionOf({ seq, text }) };
      current = await this.#last(subject, signal);
      if (current !== undefined && !current.isRemoval) break;
    }
    return lostTo(current);
  }

  async remove(
    application: string,
    version: string,
    expected: string,
    signal: AbortSignal,
  ): Promise<Removed> {
    const subject = subjectOf(this.#bucket, application, version);
    const before = await this.#last(subject, signal);
    if (before === undefined || before.isRemoval || revisionOf(before) !== expected) return lostTo(before);
    const options = { lastSeq: before.seq, isRemoval: true };
    const published = await this.#jetstream.publish(this.#stream, subject, "", options, signal);
    return published === false ? lostTo(await this.#last(subject, signal)) : { ok: true };
  }

  async applications(signal: AbortSignal): Promise<readonly string[]> {
    const { subjects } = await this.#jetstream.subjects(this.#stream, allSubjects(this.#bucket), signal);
    // A key that was removed has a message too.
    const names = new Set<string>();
    await each(subjects, async (subject) => {
      const name = nameOf(this.#bucket, subject);
      if (name === undefined || names.has(name.application)) return;
      const last = await this.#last(subject, signal);
      if (last !== undefined && !last.isRemoval) names.add(name.application);
    });
    return [...names];
  }

  history(application: string, limit: number, signal: AbortSignal): Promise<readonly PastRecord[]> {
    const parts = { jetstream: this.#jetstream, bucket: this.#bucket, stream: this.#stream };
    return historyOf(parts, application, limit, signal);
  }

  /** Before version 2.10, NATS tells the time only to a client that makes something. */
  async clock(signal: AbortSignal): Promise<number> {
    const { now } = await this.#jetstream.state(this.#stream, signal);
    const told = now ?? (await this.#timeOfConsumer(signal));
    const nowMs = Date.parse(told);
    if (Number.isNaN(nowMs)) throw new StoreError("malformed", `${this.address} tells no time`);
    return nowMs;
  }

  async #timeOfConsumer(signal: AbortSignal): Promise<string> {
    const config = { filter_subject: allSubjects(this.#bucket), deliver_policy: "new" };
    return (await this.#jetstream.consume(this.#stream, "clock", config, signal)).created;
  }

  /** Needs the right to make both streams. */
  async init(signal: AbortSignal): Promise<string> {
    const made = await makeStreams(this.#jetstream, this.#bucket, signal);
    const all = [this.#stream, evidenceStream(this.#bucket)];
    const there = all.filter((name) => !made.includes(name));
    return [
      ...made.map((name) => `the stream ${name} was made`),
      ...there.map((name) => `the stream ${name} is there`),
    ].join("; ");
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.#session.close();
  }

  #last(subject: string, signal: AbortSignal): Promise<StoredMessage | undefined> {
    return this.#jetstream.last(this.#stream, subject, signal);
  }

  /** @returns the number of the message; undefined if another message was first */
  async #publish(
    subject: string,
    text: string,
    lastSeq: number,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const published = await this.#jetstream.publish(this.#stream, subject, text, { lastSeq }, signal);
    return published === false ? undefined : published.seq;
  }

  #textOf(value: unknown): string {
    const text = JSON.stringify(value);
    if (text.length <= RECORD_LENGTH_MAX) return text;
    const remedy = "take something out of it; nothing was written";
    throw new StoreError(
      "refused",
      `the record would be longer than ${RECORD_LENGTH_MAX} characters; ${remedy}`,
    );
  }
}

function lostTo(current: StoredMessage | undefined): Lost {
  const isThere = current !== undefined && !current.isRemoval;
  return { ok: false, current: isThere ? recordOf(current, true) : undefined };
}
