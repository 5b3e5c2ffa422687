/**
 * The requests of JetStream that a store needs. The leader of a stream answers them. A value that comes from
 * one of the other servers may be older, and could bring back a canary that was taken back. Only the messages
 * of a consumer may come from any server of the stream.
 */

import { randomBytes } from "node:crypto";
import { asObject } from "../shared/release-rest.ts";
import { StoreError } from "../store.ts";
import {
  ApiError,
  apiFault,
  foreignFault,
  NO_MESSAGE,
  STREAM_EXISTS,
  UnheardError,
  WRONG_SEQUENCE,
} from "./faults.ts";
import type { CallOptions, Session } from "./session.ts";
import { withoutSubjects } from "./subjects.ts";

/** A stream is made on all its servers, with writes to disks. */
const CREATE_TIMEOUT_MS = 8_000;

/** A longer value is not decoded. */
export const TEXT_BYTES_MAX = 192 * 1024;

/** A stream at one moment. */
export interface StreamState {
  /** When it was made, by its leader's clock. */
  readonly created: string;
  /** The number of the last message. */
  readonly last: number;
  readonly lastTime: string;
  readonly first: number;
  readonly messages: number;
  /** The time of the answer by the leader's clock; undefined before NATS 2.10. */
  readonly now: string | undefined;
}

/** A message in a stream. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  /** By the leader's clock, to a billionth of a second. */
  readonly time: string;
  /** Whether it says that the value was removed. */
  readonly isRemoval: boolean;
  /** The bytes of the value. */
  readonly bytes: number;
  /** Undefined if it is longer than `TEXT_BYTES_MAX`. */
  readonly text: string | undefined;
}

/** The outcome of a publish: the number of the message, or false if another message was first. */
export type Published = { readonly seq: number } | false;

type Json = Readonly<Record<string, unknown>>;

/** NATS forgets a consumer so long after its reader has gone. */
const FORGET_NS = 1_000_000_000;

const CONSUMER: Json = {
  ...{ ack_policy: "none", max_deliver: 1, mem_storage: true, num_replicas: 1 },
  inactive_threshold: FORGET_NS,
};

export class JetStream {
  readonly #session: Session;
  readonly #where: string;
  readonly #remedy: string;

  /**
   * @param where  the store's address, for messages
   * @param remedy the command that makes the streams, for messages
   */
  constructor(session: Session, where: string, remedy: string) {
    this.#session = session;
    this.#where = where;
    this.#remedy = remedy;
  }

  async state(stream: string, signal: AbortSignal): Promise<StreamState> {
    return this.#stateOf(await this.#ask("STREAM.INFO", stream, {}, signal));
  }

  async has(stream: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.state(stream, signal);
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.code === "missing") return false;
      throw error;
    }
  }

  /** The state, and all subjects with messages that match the filter. */
  async subjects(
    stream: string,
    filter: string,
    signal: AbortSignal,
  ): Promise<{ readonly state: StreamState; readonly subjects: readonly string[] }> {
    const subjects: string[] = [];
    for (;;) {
      const payload = { subjects_filter: filter, offset: subjects.length };
      const { text } = await this.#send("STREAM.INFO", stream, payload, signal);
      const before = subjects.length;
      const answer = this.#understand(await withoutSubjects(text, subjects), stream);
      const total = Number(answer["total"]);
      if (subjects.length >= total) return { state: this.#stateOf(answer), subjects };
      if (subjects.length === before) throw foreignFault(this.#where);
    }
  }

  /** The last message of a subject. */
  last(stream: string, subject: string, signal: AbortSignal): Promise<StoredMessage | undefined> {
    return this.#message(stream, { last_by_subj: subject }, signal);
  }

  /** The first message of a subject, or of several with a wildcard, from a number on. */
  next(
    stream: string,
    subject: string,
    seq: number,
    signal: AbortSignal,
  ): Promise<StoredMessage | undefined> {
    return this.#message(stream, { seq, next_by_subj: subject }, signal);
  }

  at(stream: string, seq: number, signal: AbortSignal): Promise<StoredMessage | undefined> {
    return this.#message(stream, { seq }, signal);
  }

  /**
   * Adds a message to the stream.
   *
   * @param lastSeq the number of the last message of the subject; 0 if there must be none
   */
  async publish(
    stream: string,
    subject: string,
    text: string,
    options: { readonly lastSeq?: number; readonly isRemoval?: boolean; readonly isRepeatable?: boolean },
    signal: AbortSignal,
  ): Promise<Published> {
    const headers = {
      ...(options.lastSeq === undefined
        ? {}
        : { "Nats-Expected-Last-Subject-Sequence": String(options.lastSeq) }),
      ...(options.isRemoval ? { "KV-Operation": "DEL" } : {}),
    };
    const answer = await this.#session
      .call(subject, text, signal, { headers, isRepeatable: options.isRepeatable ?? false })
      .catch((error: unknown) => this.#explain(error, stream, signal));
    const { error, seq, stream: kept } = parsed(answer.text()) ?? {};
    const fault = errorOf(error);
    if (fault !== undefined && WRONG_SEQUENCE.includes(fault.number)) return false;
    if (fault !== undefined) throw apiFault(this.#where, fault, stream, this.#remedy);
    if (!isNumber(seq) || kept !== stream) throw foreignFault(this.#where);
    return { seq };
  }

  /**
   * Makes a consumer that sends messages to a subject, and vanishes with its reader.
   *
   * @param purpose a word for its name
   * @returns when it was made, by the leader's clock, and the number of messages that are to come
   */
  async consume(
    stream: string,
    purpose: string,
    config: Json,
    signal: AbortSignal,
  ): Promise<{ readonly created: string; readonly pending: number }> {
    const name = `${purpose}-${randomBytes(12).toString("hex")}`;
    const filter = String(config["filter_subject"]);
    const payload = { stream_name: stream, config: { name, ...CONSUMER, ...config } };
    // Sent again, it would answer with the messages that are left, after some have come.
    const subject = `$JS.API.CONSUMER.CREATE.${stream}.${name}.${filter}`;
    const { text } = await this.#call(subject, payload, signal, { isRepeatable: false });
    const answer = this.#understand(text, stream);
    const { created, num_pending: pending = 0 } = answer;
    if (typeof created !== "string" || !isNumber(pending)) throw foreignFault(this.#where);
    return { created, pending };
  }

  /** @returns false if there is a stream of this name */
  async create(config: Json & { readonly name: string }, signal: AbortSignal): Promise<boolean> {
    const { name } = config;
    const { text } = await this.#send("STREAM.CREATE", name, config, signal, CREATE_TIMEOUT_MS);
    const answer = parsed(text);
    const fault = errorOf(answer?.["error"]);
    if (answer === undefined) throw foreignFault(this.#where);
    if (fault?.number === STREAM_EXISTS) return false;
    if (fault !== undefined) throw apiFault(this.#where, fault, name, this.#remedy);
    return answer["did_create"] === true;
  }

  /** If no server takes the message, the stream is missing, or JetStream is. */
  async #explain(error: unknown, stream: string, signal: AbortSignal): Promise<never> {
    if (error instanceof UnheardError) await this.state(stream, signal);
    throw error;
  }

  async #message(stream: string, query: Json, signal: AbortSignal): Promise<StoredMessage | undefined> {
    const { text } = await this.#send("STREAM.MSG.GET", stream, query, signal);
    const answer = parsed(text);
    if (errorOf(answer?.["error"])?.number === NO_MESSAGE) return undefined;
    const message = messageOf(this.#understand(text, stream)["message"]);
    if (message === undefined) throw foreignFault(this.#where);
    return message;
  }

  async #ask(verb: string, rest: string, payload: Json, signal: AbortSignal, stream = rest): Promise<Json> {
    return this.#understand((await this.#send(verb, rest, payload, signal)).text, stream);
  }

  async #send(verb: string, rest: string, payload: Json, signal: AbortSignal, timeoutMs?: number) {
    const options = { isRepeatable: true, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return this.#call(`$JS.API.${verb}.${rest}`, payload, signal, options);
  }

  async #call(subject: string, payload: Json, signal: AbortSignal, options: CallOptions) {
    const body = Object.keys(payload).length === 0 ? "" : JSON.stringify(payload);
    const answer = await this.#session.call(subject, body, signal, options);
    return { text: answer.text() };
  }

  /** The answer as JSON. Throws a `StoreError` if it is an error, or not JSON. */
  #understand(text: string, stream: string): Json {
    const answer = parsed(text);
    if (answer === undefined) throw foreignFault(this.#where);
    const fault = errorOf(answer["error"]);
    if (fault !== undefined) throw apiFault(this.#where, fault, stream, this.#remedy);
    return answer;
  }

  #stateOf({ created, state, ts }: Json): StreamState {
    const { last_seq: last, last_ts: lastTime, first_seq: first, messages } = asObject(state) ?? {};
    if (!isNumber(last) || !isNumber(first) || !isNumber(messages)) throw foreignFault(this.#where);
    if (typeof created !== "string" || typeof lastTime !== "string") throw foreignFault(this.#where);
    return { created, last, lastTime, first, messages, now: typeof ts === "string" ? ts : undefined };
  }
}

/** The marks of a value that was removed: by a person's `nats kv del` or `purge`, or by the server. */
export function isRemovalMark(operation: string, reason: string): boolean {
  return operation === "DEL" || operation === "PURGE" || reason !== "";
}

function messageOf(value: unknown): StoredMessage | undefined {
  const { subject, seq, time, data = "", hdrs = "" } = asObject(value) ?? {};
  if (typeof subject !== "string" || !isNumber(seq) || typeof time !== "string") return undefined;
  if (typeof data !== "string" || typeof hdrs !== "string") return undefined;
  const bytes = Math.floor((data.length * 3) / 4);
  return {
    ...{ subject, seq, time, bytes },
    isRemoval: isRemoval(hdrs),
    text: bytes > TEXT_BYTES_MAX ? undefined : Buffer.from(data, "base64").toString(),
  };
}

/** A person's `nats kv del` and `purge` have the first header. A server that removes by age, the second. */
function isRemoval(headers: string): boolean {
  if (headers === "") return false;
  return /^(?:KV-Operation: *(?:DEL|PURGE)|Nats-Marker-Reason:.*)\r?$/im.test(
    Buffer.from(headers, "base64").toString(),
  );
}

function errorOf(value: unknown): ApiError | undefined {
  const { err_code: number, code } = asObject(value) ?? {};
  return value === undefined ? undefined : new ApiError(Number(number), Number(code));
}

function parsed(text: string): Json | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
