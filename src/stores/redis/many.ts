/**
 * Reads many applications, some of them at a time with one script, and of each record only the fields that a
 * daemon acts upon. If the user may not read all keys at once, or the keys are on several nodes, they are
 * read one by one.
 *
 * If the fields of a hash have not changed, its snapshot is the same object as before.
 */

import { RELEASE, RELEASE_BYTES_MAX } from "../../releases/release.ts";
import type { Snapshot, Snapshots } from "../store.ts";
import { StoreError } from "../store.ts";
import { rawRecords, snapshotOf } from "./records.ts";

/**
 * Number of applications in one script. Redis does nothing else meanwhile, and the daemon reads its answer in
 * one step.
 */
const KEYS_AT_ONCE = 50;

/**
 * The pause between two scripts, in which visitors and other clients of Redis get their turn. Ten thousand
 * applications take half a second.
 */
const PAUSE_MS = 1;

/** The approximate size of an answer in bytes. Parsing it must not make visitors wait. */
const ANSWER_BYTES = 64 * 1024;

/** Longer texts are cut off. No number, failsafe or author is that long. */
const TEXT_BYTES_MAX = 1_024;

/** Fields of a record that a daemon acts upon or logs. */
const WANTED = ["rollout", "offset", "failsafe", "revision", "updatedBy", "why"] as const;

/** The same for a release. If a person has indented it, it has more bytes than it may have as JSON. */
const RELEASE_TEXT_BYTES_MAX = 2 * RELEASE_BYTES_MAX;

/** Two of the replies that the script may give for a hash. */
const FOUND = 0;
const REFUSED = 1;

/** The arguments of `READ_MANY` after the keys. */
export function argumentsOf(fieldsMax: number, bytesMax: number): (string | number)[] {
  const wanted = WANTED.flatMap((name) => [name, TEXT_BYTES_MAX]);
  return [fieldsMax, bytesMax, ANSWER_BYTES, ...wanted, RELEASE, RELEASE_TEXT_BYTES_MAX];
}

interface Known {
  readonly flat: readonly string[];
  readonly snapshot: Snapshot;
}

export interface ManyOptions {
  /** Runs the script for these applications. Rejects with a `StoreError`. */
  readonly ask: (applications: readonly string[]) => Promise<unknown>;
  /** Reads one application. Rejects with a `StoreError`. */
  readonly readOne: (application: string) => Promise<Snapshot>;
  /** The error for an application, from Redis's answer about its hash. */
  readonly faultOf: (application: string, text: string) => StoreError;
  readonly noReply: () => StoreError;
}

export class RedisMany {
  /** The state of the applications at the last read. */
  #known = new Map<string, Known>();

  async read(applications: readonly string[], options: ManyOptions): Promise<Snapshots> {
    const answer = new Map<string, Snapshot | StoreError>();
    let at = 0;
    while (at < applications.length) {
      const some = applications.slice(at, at + KEYS_AT_ONCE);
      const count = await this.#readSome(some, answer, options);
      at += count;
      if (at < applications.length) await Bun.sleep(PAUSE_MS);
    }
    return answer;
  }

  /** @returns the number of applications that have their answer */
  async #readSome(
    some: readonly string[],
    answer: Map<string, Snapshot | StoreError>,
    options: ManyOptions,
  ): Promise<number> {
    let replies: unknown;
    try {
      replies = await options.ask(some);
    } catch (error) {
      // If one key is not allowed, or the keys are on several nodes, Redis refuses them all.
      if (some.length === 1 || !(error instanceof StoreError) || error.code === "unavailable") throw error;
      await this.#readEach(some, answer, options);
      return some.length;
    }
    if (!Array.isArray(replies) || replies.length !== some.length) throw options.noReply();
    for (const [index, application] of some.entries()) {
      const [kind, content] = Array.isArray(replies[index]) ? replies[index] : [];
      if (kind === FOUND) answer.set(application, this.#snapshotOf(application, content, options));
      else if (kind === REFUSED) answer.set(application, options.faultOf(application, String(content)));
      else if (index > 0) return index;
      else throw options.noReply();
    }
    return some.length;
  }

  async #readEach(
    some: readonly string[],
    answer: Map<string, Snapshot | StoreError>,
    { readOne }: ManyOptions,
  ): Promise<void> {
    const outcomes = await Promise.allSettled(some.map(readOne));
    const [first] = outcomes;
    if (first?.status === "rejected" && outcomes.every(({ status }) => status === "rejected")) {
      throw first.reason;
    }
    for (const [index, application] of some.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === "fulfilled") answer.set(application, outcome.value);
      else if (outcome?.reason instanceof StoreError) answer.set(application, outcome.reason);
      else throw outcome?.reason;
    }
  }

  #snapshotOf(application: string, content: unknown, { noReply }: ManyOptions): Snapshot | StoreError {
    const known = this.#known.get(application);
    if (known !== undefined && Array.isArray(content) && areSame(known.flat, content)) return known.snapshot;
    const records = rawRecords(content);
    if (records === undefined) return noReply();
    const snapshot = snapshotOf(records);
    this.#known.set(application, { flat: content as string[], snapshot });
    return snapshot;
  }
}

function areSame(before: readonly string[], now: readonly unknown[]): boolean {
  return before.length === now.length && before.every((text, index) => text === now[index]);
}
