/**
 * One connection of the line protocol: bytes in, replies out.
 *
 * The path of a request: `receive` → lines of the chunk → `readRequest` → handler → `writeReply` into one output
 * buffer that all connections share → one `write` for everything that arrived together. A request costs no object, and
 * a connection only where there is something to remember about it: most last for one request and leave nothing.
 *
 *     reading ──the kernel takes not all──▶ paused ──drained──▶ reading
 *        │ client ends, nothing is left         │ too long, or too much over all connections
 *        ▼                                      ▼
 *     closing ◀─────────────────────────────────┘
 *
 * A client that asks without reading stops being read: what the kernel did not take (`#unsent`) and what was not yet
 * answered (`#unread`) wait here, bounded by what one read brings and, over all connections, by `WAITING_BYTES_MAX`.
 */

import type { Socket } from "bun";
import { type Decision, emptyRequest } from "../handler.ts";
import type { ServerCounts } from "../metrics.ts";
import { LF, LINE_BYTES_MAX, readRequest, writeReply } from "./line-codec.ts";
import { ANSWER_BYTES_MAX, answerQuestion, type QuestionContext } from "./questions.ts";
import type { ServerContext } from "./server.ts";
import { Turn } from "./turn.ts";

/** What may wait for slow readers over all connections of a listener; who would go over it is cut off. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;

const OUT_BYTES = 65_536;
const QUESTION_MARK = 0x3f;
const NOTHING = new Uint8Array(0);

/** What the connections of a listener share: the parts of the daemon, and buffers for the request at hand. */
export class LineShared {
  readonly context: ServerContext;
  readonly turn: Turn;
  readonly counts: ServerCounts;
  readonly closesAfterReply: boolean;
  readonly request = emptyRequest();
  readonly decision: Decision;
  readonly questions: QuestionContext;
  readonly out = Buffer.allocUnsafeSlow(OUT_BYTES);
  /** What waits for slow readers, of all connections together. */
  waitingBytes = 0;

  constructor(context: ServerContext, counts: ServerCounts, closesAfterReply: boolean) {
    this.context = context;
    this.turn = new Turn(context.clock, context.metrics.delay);
    this.counts = counts;
    this.closesAfterReply = closesAfterReply;
    this.decision = context.handler.emptyDecision();
    this.questions = { handler: context.handler, rollout: context.rollout, decision: this.decision };
  }
}

/** A socket, with the connection that is remembered for it, if there is one. */
export type LineSocket = Socket<LineConnection | undefined>;

export class LineConnection {
  /** When something last came or went, on the daemon's clock. */
  activeAtMs: number;
  /** Nothing is answered any more; the socket only has to go. */
  isClosing = false;
  readonly #shared: LineShared;
  #socket: LineSocket;
  /** The beginning of a line whose end has not arrived. */
  #partial: Uint8Array | null = null;
  /** Inside a line that is already too long. */
  #isOverlong = false;
  /** Bytes of replies that the kernel did not take; null while the client is read. */
  #unsent: Uint8Array | null = null;
  /** Requests that are answered when `#unsent` is gone. */
  #unread: Uint8Array | null = null;
  /** No more requests will come, or be answered. */
  #hasEnded = false;

  constructor(shared: LineShared, socket: LineSocket, nowMs: number) {
    this.#shared = shared;
    this.#socket = socket;
    this.activeAtMs = nowMs;
  }

  /** Whether anything has to be remembered until the next event. */
  get isBlank(): boolean {
    return (
      this.#partial === null &&
      this.#unsent === null &&
      !this.#isOverlong &&
      !this.#hasEnded &&
      !this.isClosing
    );
  }

  /** Stands for another socket from now on; only a blank one can. */
  adopt(socket: LineSocket): void {
    this.#socket = socket;
  }

  /** Whether replies wait for the client to read. */
  get isPaused(): boolean {
    return this.#unsent !== null;
  }

  /** Takes what arrived. `chunk` is this connection's from now on: Bun makes one for each event. */
  receive(chunk: Uint8Array): void {
    if (this.isClosing) return;
    const nowMs = this.#shared.turn.now();
    this.activeAtMs = nowMs;
    if (this.#unsent === null) {
      this.#consume(chunk, nowMs);
      return;
    }
    // Reading was paused, and this had been read already.
    this.#wait(this.#unsent, this.#unread === null ? chunk : Buffer.concat([this.#unread, chunk]));
    this.#cutOffIfTooMuchWaits();
  }

  /** The kernel takes bytes again. */
  drained(): void {
    const unsent = this.#unsent;
    if (unsent === null || this.isClosing) return;
    const nowMs = this.#shared.turn.now();
    const sent = this.#socket.write(unsent);
    if (sent < 0) {
      this.#vanished();
      return;
    }
    if (sent > 0) this.activeAtMs = nowMs;
    if (sent < unsent.length) {
      this.#wait(unsent.subarray(sent), this.#unread);
      return;
    }
    const unread = this.#unread;
    this.#wait(null, null);
    if (unread !== null) this.#consume(unread, nowMs);
    if (this.#unsent !== null || this.isClosing) return;
    if (this.#hasEnded) this.end();
    else this.#socket.resume();
  }

  /** The client sends no more; what it asked is still answered. */
  clientEnded(): void {
    if (this.#partial !== null || this.#isOverlong) this.#shared.counts.failure++;
    this.endWhenAnswered();
  }

  /** Ends the connection as soon as what was asked is answered. */
  endWhenAnswered(): void {
    this.#hasEnded = true;
    if (this.#unsent === null && !this.isClosing) this.end();
  }

  /** Ends this side; the client's end, or `terminate`, does the rest. */
  end(): void {
    this.isClosing = true;
    this.#socket.end();
  }

  terminate(): void {
    this.isClosing = true;
    this.#socket.terminate();
  }

  /** The socket is gone. */
  closed(): void {
    this.isClosing = true;
    this.#wait(null, null);
  }

  /** Answers all whole lines of `chunk` and keeps its rest. */
  #consume(chunk: Uint8Array, nowMs: number): void {
    const shared = this.#shared;
    let start = 0;
    let at = 0;
    let answered = 0;
    if (this.#partial !== null || this.#isOverlong) {
      const end = chunk.indexOf(LF);
      if (end < 0) {
        this.#keep(chunk, 0);
        return;
      }
      at = this.#answerKept(chunk, end, nowMs);
      start = end + 1;
      answered = 1;
    }
    while (start < chunk.length && !(shared.closesAfterReply && answered > 0)) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) {
        this.#keep(chunk, start);
        break;
      }
      at = this.#answer(chunk, start, end, at, nowMs);
      answered++;
      start = end + 1;
      if (at > OUT_BYTES - ANSWER_BYTES_MAX) {
        if (!this.#flush(at, chunk, start)) break;
        at = 0;
      }
    }
    if (answered === 0) return;
    if (at > 0 && this.#unsent === null) this.#flush(at, NOTHING, 0);
    shared.counts.success += answered;
    shared.turn.answered(answered);
    if (shared.closesAfterReply) this.endWhenAnswered();
  }

  /** Answers the line `bytes[start, end)` at `out[at]`; returns where the next answer may begin. */
  #answer(bytes: Uint8Array, start: number, end: number, at: number, nowMs: number): number {
    const { out, request, decision, context, questions } = this.#shared;
    if (bytes[start] === QUESTION_MARK && end - start < LINE_BYTES_MAX) {
      const question = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
      const answer = answerQuestion(question, questions, nowMs);
      if (answer !== undefined) return at + out.write(answer, at, "latin1");
    }
    readRequest(bytes, start, end, request);
    context.handler.decide(request, nowMs, decision);
    return writeReply(out, at, decision, request, bytes, start, end);
  }

  /** Answers the line that began in earlier chunks and ends at `chunk[end]`. */
  #answerKept(chunk: Uint8Array, end: number, nowMs: number): number {
    const { out, request, decision, context } = this.#shared;
    const partial = this.#partial ?? NOTHING;
    const isOverlong = this.#isOverlong || partial.length + end >= LINE_BYTES_MAX;
    this.#partial = null;
    this.#isOverlong = false;
    if (isOverlong) {
      request.valid = false;
      context.handler.decide(request, nowMs, decision);
      return writeReply(out, 0, decision, request, chunk, 0, 0);
    }
    const whole = Buffer.concat([partial, chunk.subarray(0, end)]);
    return this.#answer(whole, 0, whole.length, 0, nowMs);
  }

  /** Keeps the beginning of a line, or only the fact that it is too long. */
  #keep(chunk: Uint8Array, start: number): void {
    if (this.#isOverlong) return;
    const partial = this.#partial ?? NOTHING;
    if (partial.length + chunk.length - start >= LINE_BYTES_MAX) {
      this.#isOverlong = true;
      this.#partial = null;
    } else {
      this.#partial = Buffer.concat([partial, chunk.subarray(start)]);
    }
  }

  /**
   * Hands `out[0, length)` to the kernel.
   *
   * @returns false where it did not take all: the connection is paused, and `chunk` from `start` on waits with it
   */
  #flush(length: number, chunk: Uint8Array, start: number): boolean {
    const { out } = this.#shared;
    const sent = this.#socket.write(out, 0, length);
    if (sent === length) return true;
    if (sent < 0) {
      this.#vanished();
      return false;
    }
    // A copy, as the output buffer is everybody's; the chunk is this connection's own.
    this.#wait(Buffer.from(out.subarray(sent, length)), start < chunk.length ? chunk.subarray(start) : null);
    this.#socket.pause();
    this.#cutOffIfTooMuchWaits();
    return false;
  }

  /** Changes what waits here, and keeps the sum over all connections. */
  #wait(unsent: Uint8Array | null, unread: Uint8Array | null): void {
    const before = (this.#unsent?.length ?? 0) + (this.#unread?.length ?? 0);
    this.#unsent = unsent;
    this.#unread = unread;
    this.#shared.waitingBytes += (unsent?.length ?? 0) + (unread?.length ?? 0) - before;
  }

  #cutOffIfTooMuchWaits(): void {
    const { waitingBytes, counts, context } = this.#shared;
    if (waitingBytes <= WAITING_BYTES_MAX || this.isClosing) return;
    counts.failure++;
    context.log.warn("too many replies wait for clients that do not read; one was cut off", {
      server: counts.name,
      limitBytes: WAITING_BYTES_MAX,
    });
    this.terminate();
  }

  /** The client has gone without waiting for its replies. */
  #vanished(): void {
    if (this.isClosing) return;
    this.#shared.counts.failure++;
    this.terminate();
  }
}
