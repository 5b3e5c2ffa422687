/**
 * One connection of the HTTP server: heads of requests in, decisions out.
 *
 * The path of a request: `receive` → `readHead` → `#decide` → handler → `writeDecision` into the shared
 * output buffer → one `write` for everything that arrived together. A question for a decision always gets
 * status 200, however odd the visitor's headers are. If the head does not say for certain where the request
 * ends, the answer is the last one on its connection.
 */

import type { ServerCounts } from "../../metrics.ts";
import { NOTHING, StreamConnection, type StreamSocket } from "../../stream/stream-connection.ts";
import { OUT_BYTES, StreamShared } from "../../stream/stream-shared.ts";
import { LOOK_BYTES } from "../../stream/turn.ts";
import type { WaitingBytes } from "../../stream/waiting.ts";
import type { ServerContext } from "../server.ts";
import { emptyHead, isEmptyLine, readHead } from "./head.ts";
import { isDecide, pathOf, queryOf, readQuestion } from "./question.ts";
import {
  DECISION_BYTES_MAX,
  httpTail,
  NOT_FOUND,
  NOT_HTTP,
  type Pages,
  Prefixes,
  pageBytes,
  writeDecision,
} from "./reply.ts";

/**
 * The longest head of a request, including the visitor's cookies. A longer one is invalid, and the last on
 * its connection.
 */
const HEAD_BYTES_MAX = 262_144;

const END_OF_HEAD = "\r\n\r\n";

/** The parts that all connections of a listener share. */
export class HttpShared extends StreamShared {
  readonly head = emptyHead();
  readonly prefixes = new Prefixes();
  readonly pages: Pages;
  readonly tailSlot: number;

  constructor(context: ServerContext, counts: ServerCounts, pages: Pages, waiting?: WaitingBytes) {
    super(context, counts, waiting);
    this.pages = pages;
    this.tailSlot = context.rollout.placements.slotOf(httpTail);
  }
}

export class HttpConnection extends StreamConnection {
  readonly #shared: HttpShared;
  /** Bytes of a body that are still to come. They are skipped. */
  #bodyBytes = 0;

  constructor(shared: HttpShared, socket: StreamSocket, nowMs: number) {
    super(shared, socket, nowMs);
    this.#shared = shared;
  }

  protected override get isMidway(): boolean {
    return this.#bodyBytes > 0;
  }

  /** Answers all requests whose heads are complete, and keeps the rest. */
  protected consume(chunk: Uint8Array, nowMs: number): void {
    const bytes = this.partLength === 0 ? chunk : this.#completed(chunk);
    if (bytes === undefined) return;
    const { head, out, turn } = this.#shared;
    let start = 0;
    let at = 0;
    let answered = 0;
    let lookAt = LOOK_BYTES;
    let isLast = false;
    while (start < bytes.length && !isLast && !this.isPaused && !this.isClosing) {
      if (this.#bodyBytes > 0) {
        const skipped = Math.min(this.#bodyBytes, bytes.length - start);
        this.#bodyBytes -= skipped;
        start += skipped;
        if (this.#bodyBytes === 0) this.ended();
        continue;
      }
      // If empty lines were kept as a part of the head, each new one would have all of them read again.
      if (isEmptyLine(bytes, start)) {
        start += 2;
        continue;
      }
      const next = readHead(bytes, start, head);
      const isOverlong = (next < 0 ? bytes.length : next) - start >= HEAD_BYTES_MAX;
      if (next < 0 && !isOverlong) {
        this.keepPart(bytes, start);
        break;
      }
      isLast = isOverlong || this.#isLast();
      if (isOverlong || isDecide(bytes, head)) {
        at = this.#decide(bytes, at, isLast, isOverlong, nowMs);
        answered++;
      } else {
        // The page has a buffer of its own, so the answers before it are sent first, in order.
        if (at > 0 && !this.flush(out, at, bytes, start)) {
          at = 0;
          break;
        }
        at = 0;
        const page = this.#page(bytes, isLast, nowMs);
        this.flush(page, page.length, isLast ? NOTHING : bytes, isLast ? 0 : next);
      }
      start = next;
      this.#bodyBytes = isLast ? 0 : Math.max(0, head.bodyBytes);
      if (start >= lookAt) {
        turn.lookAtClock();
        lookAt = start + LOOK_BYTES;
      }
      if ((at > OUT_BYTES - DECISION_BYTES_MAX || turn.isOver) && at > 0 && !isLast) {
        this.flush(out, at, bytes, start);
        at = 0;
      }
    }
    if (at > 0 && !this.isPaused) this.flush(out, at, NOTHING, 0);
    this.#shared.answered(answered);
    if (isLast) this.endWhenAnswered();
  }

  /**
   * The kept part and `chunk`, if together they have the end of a head or are too long for one; else
   * undefined.
   */
  #completed(chunk: Uint8Array): Buffer | undefined {
    const searchFrom = Math.max(0, this.partLength - END_OF_HEAD.length + 1);
    this.keepPart(chunk, 0);
    const whole = this.part;
    if (whole.length < HEAD_BYTES_MAX && whole.indexOf(END_OF_HEAD, searchFrom, "latin1") < 0)
      return undefined;
    this.dropPart();
    this.ended();
    return whole;
  }

  /** Whether the connection ends with the answer to the current head. */
  #isLast(): boolean {
    const { head, isClosing } = this.#shared;
    return isClosing || !head.keepsAlive || head.isUnframed || !head.isHttp;
  }

  /** Writes the answer to the current head at `out[at]`; returns the position for the next answer. */
  #decide(bytes: Uint8Array, at: number, isLast: boolean, isOverlong: boolean, nowMs: number): number {
    const { context, head, request, decision, prefixes, out, tailSlot } = this.#shared;
    readQuestion(bytes, head, request, context.handler.allowsForce);
    if (isOverlong) request.valid = false;
    context.handler.decide(request, nowMs, decision);
    const prefix = prefixes.of(isLast, head.isHttp10, nowMs);
    const tail = decision.placement.tails[tailSlot] as Uint8Array;
    return writeDecision(out, at, prefix, decision, request, bytes, head, tail);
  }

  #page(bytes: Uint8Array, isLast: boolean, nowMs: number): Buffer {
    const { head, pages, counts } = this.#shared;
    if (!head.isHttp) return pageBytes(NOT_HTTP, isLast, head);
    const page = pages(pathOf(bytes, head), queryOf(bytes, head), nowMs);
    if (page !== undefined) counts.success++;
    return pageBytes(page ?? NOT_FOUND, isLast, head);
  }
}
