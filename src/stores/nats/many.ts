/**
 * Reads many applications. The first time, it reads the last values of all their keys. Later it reads only
 * the messages that were written since then, one after the other: removals are messages too. So a poll of ten
 * thousand applications is one small request, if nothing was written.
 *
 * All values are read again if the stream is not the one from before: if it was made again, if its last
 * message is another one, or if messages went without a trace. They are also read again some rounds after a
 * round that read only a part, because a person may have deleted single messages of the stream.
 *
 * In a cluster, any server of the stream may send all values, also one that has just been started and lags.
 * Then the messages that it did not have come from the leader.
 *
 * If there are only a few applications, each one is read by itself.
 */

import { Slices } from "../../slices.ts";
import { type Snapshot, type Snapshots, StoreError, type StoreRecord } from "../store.ts";
import { type BulkOptions, lastOfAll } from "./bulk.ts";
import type { StoredMessage, StreamState } from "./jetstream.ts";
import { allSubjects, nameOf, subjectsOf } from "./keys.ts";
import { recordOf, refusalOf } from "./records.ts";
import { each, lastOfEach, valuesAt } from "./values.ts";

/** At most this many applications are read by themselves. */
const FEW = 8;

/**
 * If more messages were written since the last round, all values are read again. A read of all values fails
 * if it lacks more.
 */
const NEWS_MAX = 256;

/** This many rounds after a part was read, all is read again: after about a minute. */
const ROUNDS_MAX = 15;

/** An application's values, by version, and what came of them. */
interface Known {
  readonly messages: ReadonlyMap<string, StoredMessage>;
  readonly answer: Snapshot | StoreError;
}

/** All values at one moment. */
interface Base {
  readonly state: StreamState;
  /** Rounds since a round read only a part; 0 if all were read at this state. */
  readonly rounds: number;
  /** The number of applications that had been asked for. */
  readonly asked: number;
  readonly known: ReadonlyMap<string, Known>;
}

export interface NatsManyOptions extends BulkOptions {
  readonly bucket: string;
}

const EMPTY: Snapshot = new Map();
const NOTHING: Known = { messages: new Map(), answer: EMPTY };

export class NatsMany {
  readonly #options: NatsManyOptions;
  /** All applications that were ever asked for. */
  readonly #asked = new Set<string>();
  /** The last values of each application, from any round. */
  readonly #last = new Map<string, Known>();
  #base: Base | undefined;
  /** The user may not make a consumer. */
  #isDenied = false;

  constructor(options: NatsManyOptions) {
    this.#options = options;
  }

  async read(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    for (const application of applications) this.#asked.add(application);
    if (applications.length <= FEW) return this.#readEach(applications, signal);
    const before = this.#base;
    this.#base = undefined;
    const base = (await this.#changedSince(before, signal)) ?? (await this.#whole(signal));
    this.#base = base;
    return { get: (application) => base.known.get(application)?.answer ?? EMPTY };
  }

  async #readEach(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    const { jetstream, bucket, stream } = this.#options;
    const answer = new Map<string, Snapshot | StoreError>();
    await each(applications, async (application) => {
      const { messages } = await valuesAt(jetstream, stream, subjectsOf(bucket, application), signal);
      answer.set(application, this.#knownFor(application, this.#byVersion(messages)).answer);
    });
    return answer;
  }

  async #whole(signal: AbortSignal): Promise<Base> {
    const { jetstream, stream } = this.#options;
    const asked = this.#asked.size;
    const state = await jetstream.state(stream, signal);
    let heard = 0;
    const values = new Map<string, Map<string, StoredMessage>>();
    const isFromLeader = await this.#each((message) => {
      heard = Math.max(heard, message.seq);
      const name = nameOf(this.#options.bucket, message.subject);
      if (name === undefined || !this.#asked.has(name.application)) return;
      const own = values.get(name.application) ?? new Map<string, StoredMessage>();
      values.set(name.application, own);
      if (message.isRemoval) own.delete(name.version);
      else own.set(name.version, message);
    }, signal);
    const slices = new Slices();
    const known = new Map<string, Known>();
    for (const [application, own] of values) {
      known.set(application, this.#knownFor(application, sorted(own)));
      if (slices.isOver()) await slices.next();
    }
    const base = { state, rounds: 0, asked, known };
    if (isFromLeader) heard = Math.max(heard, state.last);
    if (heard === state.last) return base;
    // Some were written while the others were read, or the server that sent them lags behind the leader.
    const [from, to] = [Math.min(heard, state.last), Math.max(heard, state.last)];
    const news = await this.#newsOf(known, from, to, signal);
    return { ...base, known: news, rounds: news === known ? 0 : 1 };
  }

  /**
   * Calls `heard` with the last message of each key.
   *
   * @returns whether they come from the leader, and not from any server of the stream
   */
  async #each(heard: (message: StoredMessage) => void, signal: AbortSignal): Promise<boolean> {
    const { jetstream, bucket, stream } = this.#options;
    const filter = allSubjects(bucket);
    try {
      if (!this.#isDenied) {
        await lastOfAll(this.#options, filter, heard, signal);
        return false;
      }
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== "denied") throw error;
      this.#isDenied = true;
    }
    // A user who may not make a consumer gets the same by a request for each key.
    const { subjects } = await jetstream.subjects(stream, filter, signal);
    const wanted = subjects.filter((subject) => this.#isAsked(subject));
    const found = await lastOfEach(jetstream, stream, wanted, signal);
    for (const message of found.values()) if (message !== undefined) heard(message);
    return true;
  }

  /** Undefined if all values have to be read. */
  async #changedSince(base: Base | undefined, signal: AbortSignal): Promise<Base | undefined> {
    if (base === undefined || base.asked !== this.#asked.size || base.rounds >= ROUNDS_MAX) return undefined;
    const { jetstream, stream } = this.#options;
    const state = await jetstream.state(stream, signal);
    const { created, last, lastTime, first, messages } = base.state;
    if (state.created !== created || state.last < last) return undefined;
    const rounds = base.rounds === 0 ? 0 : base.rounds + 1;
    if (state.last === last) {
      const isSame = state.lastTime === lastTime && state.first === first && state.messages === messages;
      return isSame ? { ...base, rounds } : undefined;
    }
    if (state.last - last > NEWS_MAX) return undefined;
    const anchor = await jetstream.at(stream, last, signal);
    if (anchor?.time !== lastTime) return undefined;
    const known = await this.#newsOf(base.known, last, state.last, signal);
    return { ...base, known, state, rounds: base.rounds + 1 };
  }

  /** The values with the messages from behind `from` up to `to`; the same object if there are none. */
  async #newsOf(
    before: Base["known"],
    from: number,
    to: number,
    signal: AbortSignal,
  ): Promise<Base["known"]> {
    const { jetstream, bucket, stream, where } = this.#options;
    // The answers of an earlier round stay as they are: its reader may still be at work on them.
    let known: Map<string, Known> | undefined;
    let count = 0;
    for (let at = from + 1; at <= to; count++) {
      const message = await jetstream.next(stream, allSubjects(bucket), at, signal);
      if (message === undefined || message.seq > to) break;
      if (count >= NEWS_MAX) {
        const remedy = "look at nats stream report; the next read asks again";
        throw new StoreError("unavailable", `a server of ${where} lags behind its leader; ${remedy}`);
      }
      at = message.seq + 1;
      known ??= new Map(before);
      const name = nameOf(bucket, message.subject);
      if (name === undefined || !this.#asked.has(name.application)) continue;
      const values = new Map((known.get(name.application) ?? NOTHING).messages);
      if (message.isRemoval) values.delete(name.version);
      else values.set(name.version, message);
      known.set(name.application, this.#knownFor(name.application, values));
    }
    return known ?? before;
  }

  #isAsked(subject: string): boolean {
    const name = nameOf(this.#options.bucket, subject);
    return name !== undefined && this.#asked.has(name.application);
  }

  #byVersion(messages: readonly StoredMessage[]): ReadonlyMap<string, StoredMessage> {
    return new Map(
      messages.flatMap((message) => {
        const name = nameOf(this.#options.bucket, message.subject);
        return name === undefined ? [] : [[name.version, message] as const];
      }),
    );
  }

  /** If nothing has changed, the answer is the same object as before. */
  #knownFor(application: string, messages: ReadonlyMap<string, StoredMessage>): Known {
    const before = this.#last.get(application);
    if (before !== undefined && areSame(before.messages, messages)) return before;
    const answer =
      refusalOf(application, [...messages.values()]) ??
      new Map<string, StoreRecord>(
        [...messages].map(([version, message]) => [version, recordOf(message, false)]),
      );
    const known = { messages, answer };
    this.#last.set(application, known);
    return known;
  }
}

function sorted(messages: ReadonlyMap<string, StoredMessage>): ReadonlyMap<string, StoredMessage> {
  return new Map([...messages].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** The time of a message differs if the stream was made again, or a backup was restored. */
function areSame(
  one: ReadonlyMap<string, StoredMessage>,
  other: ReadonlyMap<string, StoredMessage>,
): boolean {
  if (one.size !== other.size) return false;
  for (const [version, { seq, time }] of one) {
    const message = other.get(version);
    if (message?.seq !== seq || message.time !== time) return false;
  }
  return true;
}
