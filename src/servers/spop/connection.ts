/**
 * One connection of the SPOP server: frames in, frames out.
 *
 *     new ──HAPROXY-HELLO──▶ greeted ──HAPROXY-DISCONNECT, a mistake, silence, the daemon's end──▶ closing
 *      └────health check, a mistake, anything but HELLO───────────────────────────────────────────▶┘
 *
 * The path of a request: `receive` → frames of the chunk → `readMessages` → handler → `writeActions` into the
 * shared output buffer → one `write` for everything that arrived together. If the daemon ends a connection,
 * it tells HAProxy the reason.
 */

import { NOTHING, StreamConnection, type StreamSocket } from "../../stream/stream-connection.ts";
import { OUT_BYTES, StreamShared } from "../../stream/stream-shared.ts";
import { LOOK_BYTES } from "../../stream/turn.ts";
import { Cursor } from "./cursor.ts";
import {
  beginFrame,
  disconnectFrame,
  emptyFrameHead,
  endFrame,
  FRAME,
  FRAME_BYTES_MAX,
  helloFrame,
  isStatus,
  LENGTH_BYTES,
  readFrameHead,
  readHello,
  readLength,
  STATUS,
  type Status,
} from "./frame.ts";
import { emptyQuestion, readMessages, writeActions } from "./notify.ts";

/**
 * The longest answer: an ACK with both ids and its actions, a HELLO or a DISCONNECT. Every HAProxy can read a
 * frame of this size.
 */
const ANSWER_BYTES_MAX = 256;

/** The parts that all connections of a listener share. */
export class SpopShared extends StreamShared {
  readonly cursor = new Cursor();
  readonly head = emptyFrameHead();
  readonly question = emptyQuestion();
}

export class SpopConnection extends StreamConnection {
  readonly #shared: SpopShared;
  /** The largest frame that HAProxy may send. HELLO can make it smaller. */
  #frameBytesMax = FRAME_BYTES_MAX;
  #isGreeted = false;
  /** The last frame is written. After it the daemon neither reads nor writes. */
  #isDismissed = false;

  constructor(shared: SpopShared, socket: StreamSocket, nowMs: number) {
    super(shared, socket, nowMs);
    this.#shared = shared;
  }

  override get isBlank(): boolean {
    return !this.#isGreeted && !this.#isDismissed && super.isBlank;
  }

  /** Says goodbye before it ends this side, so that HAProxy knows that the daemon ended it on purpose. */
  override end(): void {
    if (this.#isGreeted && !this.#isDismissed && !this.isClosing) {
      this.#isDismissed = true;
      const goodbye = disconnectFrame(STATUS.normal);
      if (!this.flush(goodbye, goodbye.length, NOTHING, 0)) {
        this.endWhenAnswered();
        return;
      }
    }
    super.end();
  }

  /** Answers all complete frames, and keeps the rest. */
  protected consume(chunk: Uint8Array, nowMs: number): void {
    const bytes = this.partLength === 0 ? chunk : this.#completed(chunk);
    if (bytes === undefined) return;
    const { out, turn } = this.#shared;
    let start = 0;
    let at = 0;
    let lookAt = LOOK_BYTES;
    while (start < bytes.length && !this.isPaused && !this.isClosing && !this.#isDismissed) {
      const length = lengthOfFrame(bytes, start);
      if (length > this.#frameBytesMax) {
        at = this.#dismiss(STATUS.tooBig, at);
        break;
      }
      const end = start + LENGTH_BYTES + length;
      if (!(end <= bytes.length)) {
        this.keepPart(bytes, start);
        break;
      }
      at = this.#answer(bytes, start + LENGTH_BYTES, end, at, nowMs);
      start = end;
      if (start >= lookAt) {
        turn.lookAtClock();
        lookAt = start + LOOK_BYTES;
      }
      if (at > OUT_BYTES - ANSWER_BYTES_MAX || (turn.isOver && at > 0)) {
        this.flush(out, at, bytes, start);
        at = 0;
      }
    }
    if (at > 0 && !this.isPaused) this.flush(out, at, NOTHING, 0);
    if (this.#isDismissed) this.endWhenAnswered();
  }

  /**
   * The kept part and `chunk`, if together they have a complete frame or the length of one that is too big;
   * else undefined.
   */
  #completed(chunk: Uint8Array): Buffer | undefined {
    this.keepPart(chunk, 0);
    const whole = this.part;
    const length = lengthOfFrame(whole, 0);
    if (!(LENGTH_BYTES + length <= whole.length || length > this.#frameBytesMax)) return undefined;
    this.dropPart();
    this.ended();
    return whole;
  }

  /**
   * Writes the answer to the frame `bytes[start, end)` at `out[at]`; returns the position for the next
   * answer.
   */
  #answer(bytes: Uint8Array, start: number, end: number, at: number, nowMs: number): number {
    const { cursor, head } = this.#shared;
    cursor.move(bytes, start, end);
    readFrameHead(cursor, head);
    if (cursor.isBroken) return this.#dismiss(STATUS.invalid, at);
    if (!this.#isGreeted) return this.#greet(at);
    switch (head.type) {
      case FRAME.notify:
        return head.isWhole ? this.#acknowledge(at, nowMs) : this.#dismiss(STATUS.fragmented, at);
      case FRAME.unset:
        return this.#dismiss(STATUS.fragmented, at);
      case FRAME.haproxyHello:
        return this.#dismiss(STATUS.invalid, at);
      case FRAME.haproxyDisconnect:
        return this.#dismiss(STATUS.normal, at);
      default:
        // SPOE.txt: "Unknown frames may be silently skipped."
        return at;
    }
  }

  #greet(at: number): number {
    const { cursor, head, out } = this.#shared;
    if (head.type === FRAME.haproxyDisconnect) return this.#dismiss(STATUS.normal, at);
    if (head.type !== FRAME.haproxyHello || !head.isWhole) return this.#dismiss(STATUS.invalid, at);
    const hello = readHello(cursor);
    if (isStatus(hello)) return this.#dismiss(hello, at);
    this.#isGreeted = true;
    this.#frameBytesMax = hello.frameBytesMax;
    // A health check ends with the greeting, without a goodbye.
    if (hello.isHealthCheck) this.#isDismissed = true;
    return at + helloFrame(hello).copy(out, at);
  }

  #acknowledge(at: number, nowMs: number): number {
    const { cursor, head, question, request, decision, out, context } = this.#shared;
    const { handler } = context;
    readMessages(cursor, request, question, handler.allowsForce);
    if (cursor.isBroken) return this.#dismiss(STATUS.invalid, at);
    const { bytes } = cursor;
    let end = beginFrame(out, at, FRAME.ack, bytes, head.idsStart, head.idsEnd);
    if (question.isAsked) {
      handler.decide(request, nowMs, decision);
      end = writeActions(out, end, decision, request, bytes, question);
    }
    endFrame(out, at, end);
    this.#shared.answered(1);
    return end;
  }

  /** Writes a DISCONNECT with the reason at `out[at]`; returns the position behind it. */
  #dismiss(status: Status, at: number): number {
    const { counts, context, out } = this.#shared;
    this.#isDismissed = true;
    if (status !== STATUS.normal) {
      counts.failure++;
      context.log.warn(
        "HAProxy sent a frame that the daemon refuses, so its connection was ended and its visitors went to master",
        {
          server: counts.name,
          reason: status.text,
        },
      );
    }
    return at + disconnectFrame(status).copy(out, at);
  }
}

/** The length of the frame that begins at `bytes[start]`; NaN if its length has not come yet. */
function lengthOfFrame(bytes: Uint8Array, start: number): number {
  return bytes.length - start < LENGTH_BYTES ? Number.NaN : readLength(bytes, start);
}
