/**
 * Streams of changes (server-sent events): a client that keeps its flags hears that it should ask again. A
 * stream has no flags in it, so all clients get the same few bytes.
 *
 *     id: 1764495000123
 *     event: message
 *     data: {"type":"refetchEvaluation"}
 *
 * Each stream begins with such an event. So a change between the client's answer and its stream, or between
 * two streams, is not lost. While there is a stream, all tables are compared with those of the last look.
 * That also finds a table that became stale, which no reading of the store announces.
 */

import type { Arc } from "../../circle.ts";
import type { Rollout } from "../../rollout.ts";
import { Slices } from "../../slices.ts";

/** Streams of a listener at one time. Each takes a connection. */
export const STREAMS_MAX = 1_024;

/** Time between two looks for changes. */
const LOOK_MS = 500;

/** A stream without changes gets a comment after this time, so that no proxy takes it for dead. */
const BEAT_MS = 15_000;

/**
 * A client that lost its stream asks again after a time in this range. So the clients of a daemon that
 * restarts do not come all at once.
 */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 5_000;

const BEAT = Buffer.from(":\n\n");

const HEAD_LINES = [
  "HTTP/1.1 200 OK",
  "Content-Type: text/event-stream",
  "Cache-Control: no-store",
  // nginx would keep events back to fill its buffer.
  "X-Accel-Buffering: no",
  "Connection: close",
];

/** Sends bytes to a client; false if earlier ones still wait, because the client does not read. */
export type Send = (bytes: Buffer) => boolean;

/** The part of a table that flags depend on. */
interface Look {
  readonly arcs: readonly Arc[];
  readonly isFresh: boolean;
}

/** A client with an open stream. */
export class ChangeStream {
  /** The only application of which it wants to hear; undefined for all. */
  readonly application: string | undefined;
  readonly #send: Send;
  readonly #closed: (stream: ChangeStream) => void;
  /** There was a change that the client did not read. However many there were, one event is enough. */
  #isBehind = false;

  constructor(application: string | undefined, send: Send, closed: (stream: ChangeStream) => void) {
    this.application = application;
    this.#send = send;
    this.#closed = closed;
  }

  /** The head of the answer, and the first event. */
  get beginning(): Buffer {
    const retryMs = RETRY_MS_MIN + Math.floor(Math.random() * (RETRY_MS_MAX - RETRY_MS_MIN));
    const head = [...HEAD_LINES, `Date: ${new Date().toUTCString()}`].join("\r\n");
    return Buffer.from(`${head}\r\n\r\nretry: ${retryMs}\n${eventText()}`);
  }

  changed(event = Buffer.from(eventText())): void {
    this.#isBehind = !this.#send(event);
  }

  beat(): void {
    this.#send(BEAT);
  }

  /** The client has read all that was sent. */
  caughtUp(): void {
    if (this.#isBehind) this.changed();
  }

  close(): void {
    this.#closed(this);
  }
}

export class Changes {
  readonly #rollout: Rollout;
  readonly #clock: () => number;
  readonly #streams = new Set<ChangeStream>();
  /** In the order of the applications. */
  #looks: Look[] = [];
  #beatAtMs = 0;
  #isTelling = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param clock the one with which tables are applied */
  constructor(rollout: Rollout, clock: () => number) {
    this.#rollout = rollout;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#streams.size >= STREAMS_MAX;
  }

  /** @param application the only one of which the client wants to hear; undefined for all */
  open(application: string | undefined, send: Send): ChangeStream {
    if (this.#streams.size === 0) this.#begin();
    const stream = new ChangeStream(application, send, (closed) => this.#close(closed));
    this.#streams.add(stream);
    return stream;
  }

  #begin(): void {
    this.#looks = this.#look();
    this.#beatAtMs = this.#clock() + BEAT_MS;
    this.#timer = setInterval(() => {
      if (!this.#isTelling) void this.#tell();
    }, LOOK_MS);
    this.#timer.unref();
  }

  #close(stream: ChangeStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) clearInterval(this.#timer);
  }

  /** Tells the streams what has changed since the last look, in slices of time. Never rejects. */
  async #tell(): Promise<void> {
    const changed = this.#changed();
    const nowMs = this.#clock();
    const isBeat = nowMs >= this.#beatAtMs;
    if (isBeat) this.#beatAtMs = nowMs + BEAT_MS;
    if (changed.size === 0 && !isBeat) return;
    this.#isTelling = true;
    const event = Buffer.from(eventText());
    const slices = new Slices();
    for (const stream of this.#streams) {
      const { application } = stream;
      if (application === undefined ? changed.size > 0 : changed.has(application)) stream.changed(event);
      else if (isBeat) stream.beat();
      if (slices.isOverNow()) await slices.next();
    }
    this.#isTelling = false;
  }

  /** The applications whose arcs or freshness are others than at the last look. */
  #changed(): Set<string> {
    const before = this.#looks;
    this.#looks = this.#look();
    const changed = this.#rollout.applications.filter((_, index) => {
      const [look, last] = [this.#looks[index], before[index]];
      return look?.arcs !== last?.arcs || look?.isFresh !== last?.isFresh;
    });
    return new Set(changed);
  }

  #look(): Look[] {
    const nowMs = this.#clock();
    return this.#rollout.applications.map((name) => {
      const table = this.#rollout.table(name) ?? this.#rollout.first;
      return { arcs: table.arcs, isFresh: table.isFresh(nowMs) };
    });
  }
}

function eventText(): string {
  return `id: ${Date.now()}\nevent: message\ndata: {"type":"refetchEvaluation"}\n\n`;
}
