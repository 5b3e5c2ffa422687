/**
 * Reports changes of a bucket, by one consumer for all applications of a store. If there is only one
 * application, the consumer has its keys only.
 *
 * A consumer begins at the present, and listeners are nudged when it has begun. The read that follows has all
 * earlier changes, and the consumer reports the later ones. So nothing has to be remembered from one consumer
 * to the next. The server reports each message without its value, and sends a heartbeat when there is
 * nothing to report. If both stay away, or a report was lost, another consumer takes its place.
 */

import { pause } from "../shared/abort.ts";
import { Listeners } from "../shared/listeners.ts";
import { StoreError } from "../store.ts";
import type { NatsConnection } from "./connection.ts";
import type { JetStream } from "./jetstream.ts";
import { allSubjects, nameOf, subjectsOf } from "./keys.ts";

/** The server sends a heartbeat after this. */
const HEARTBEAT_MS = 2_000;

/** After this many heartbeats that did not come, the watch makes another consumer. */
const HEARTBEATS_MAX = 3;

const MS_NS = 1_000_000;

/** The status of a heartbeat. */
const HEARTBEAT = 100;

/** The call that makes a consumer has this time. */
const CREATE_MS = 2_000;

export interface NatsWatchOptions {
  readonly connected: () => Promise<NatsConnection>;
  readonly jetstream: JetStream;
  readonly bucket: string;
  readonly stream: string;
  readonly warn: (message: string) => void;
  readonly heartbeatMs?: number;
}

export class NatsWatch {
  readonly #options: NatsWatchOptions;
  readonly #listeners = new Listeners((ending) => this.#follow(ending));
  /** Ends the current consumer; another one follows. */
  #consumer = new AbortController();
  /** The subjects of the current consumer. */
  #subjects = "";
  #isWarned = false;

  constructor(options: NatsWatchOptions) {
    this.#options = options;
  }

  /** Calls `changed` from now on, and whenever a consumer begins. */
  add(application: string, changed: () => void): () => void {
    const end = this.#listeners.add(application, changed);
    if (this.#subjects !== this.#wanted()) this.#consumer.abort();
    // Its consumer may have begun already.
    else changed();
    return end;
  }

  close(): Promise<void> {
    return this.#listeners.close();
  }

  /** Follows one consumer until it ends for any reason. */
  async #follow(ending: AbortSignal): Promise<void> {
    this.#consumer = new AbortController();
    this.#subjects = this.#wanted();
    const silence = new AbortController();
    const { connected, bucket, heartbeatMs = HEARTBEAT_MS } = this.#options;
    const silenceMs = heartbeatMs * HEARTBEATS_MAX;
    const connection = await connected();
    const isOver = AbortSignal.any([...[ending, this.#consumer.signal, silence.signal, connection.retiring]]);
    if (isOver.aborted) return;
    const timer = setTimeout(() => silence.abort(), silenceMs);
    let count = 0;
    const { inbox, end } = connection.subscribe(({ subject, header, status }) => {
      timer.refresh();
      if (status === HEARTBEAT) {
        // A report was lost on the way.
        if (Number(header("Nats-Last-Consumer")) !== count) silence.abort();
        return;
      }
      count++;
      const name = nameOf(bucket, subject);
      if (name !== undefined) this.#listeners.nudge(name.application);
    });
    try {
      await this.#create(inbox, heartbeatMs, isOver);
      this.#listeners.nudgeAll();
      while (!isOver.aborted) await pause(silenceMs, isOver);
    } finally {
      clearTimeout(timer);
      end();
    }
  }

  async #create(inbox: string, heartbeatMs: number, signal: AbortSignal): Promise<void> {
    const { jetstream, stream, warn } = this.#options;
    const config = {
      filter_subject: this.#subjects,
      deliver_subject: inbox,
      deliver_policy: "new",
      headers_only: true,
      idle_heartbeat: heartbeatMs * MS_NS,
    };
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(CREATE_MS)]);
    try {
      await jetstream.consume(stream, "watch", config, inTime);
    } catch (error) {
      if (error instanceof StoreError && error.code === "denied" && !this.#isWarned) {
        this.#isWarned = true;
        warn(
          "this user may not make a consumer, so changes are found by the poll; see the rights in docs/stores/nats.md",
        );
      }
      throw error;
    }
  }

  #wanted(): string {
    const { bucket } = this.#options;
    if (this.#listeners.count > 1) return allSubjects(bucket);
    const [only] = this.#listeners.applications;
    return only === undefined ? "" : subjectsOf(bucket, only);
  }
}
