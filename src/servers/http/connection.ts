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
import { type ChangeStream, Changes } from "../ofrep/changes.ts";
import { applicationOf, isEvaluation, isEvents, Ofrep } from "../ofrep/ofrep.ts";
import type { ServerContext } from "../server.ts";
import { type Body, type NoBody, readBody } from "./body.ts";
import type { Framing } from "./framing.ts";
import { emptyHead, isEmptyLine, readHead } from "./head.ts";
import { isDecide, pathOf, queryOf, readQuestion } from "./question.ts";
import {
  DECISION_BYTES_MAX,
  httpTail,
  NOT_FOUND,
  NOT_HTTP,
  type Page,
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

export interface HttpSharedOptions {
  readonly pages: Pages;
  /** Whether flags are evaluated, too (docs/protocol/ofrep.md). */
  readonly hasFlags: boolean;
  readonly waiting?: WaitingBytes;
}

/** The parts that all connections of a listener share. */
export class HttpShared extends StreamShared {
  readonly head = emptyHead();
  readonly prefixes = new Prefixes();
  readonly pages: Pages;
  /** Undefined if this listener evaluates no flags. */
  readonly flags: Ofrep | undefined;
  readonly tailSlot: number;

  constructor(context: ServerContext, counts: ServerCounts, { pages, hasFlags, waiting }: HttpSharedOptions) {
    super(context, counts, waiting);
    this.pages = pages;
    const { handler, rollout, clock } = context;
    const evaluator = { handler, rollout, request: this.request, decision: this.decision };
    this.flags = hasFlags ? new Ofrep(evaluator, new Changes(rollout, clock)) : undefined;
    this.tailSlot = context.rollout.placements.slotOf(httpTail);
  }
}

const NO_STREAM: Page = {
  ...{ status: 503, contentType: "text/plain" },
  body: "too many streams are open, or the daemon ends; ask for the flags again later\n",
};

/** The body of a request that is not complete. It begins at `at` of the part. */
interface Awaited extends Framing {
  readonly at: number;
}

export class HttpConnection extends StreamConnection {
  readonly #shared: HttpShared;
  /** Bytes of a body that are still to come. They are skipped. */
  #bodyBytes = 0;
  /** A body that is read, and is still to come. Its head is complete. */
  #awaited: Awaited | undefined;
  /** The connection is a stream of changes, and answers no more requests. */
  #stream: ChangeStream | undefined;

  constructor(shared: HttpShared, socket: StreamSocket, nowMs: number) {
    super(shared, socket, nowMs);
    this.#shared = shared;
  }

  protected override get isMidway(): boolean {
    return this.#bodyBytes > 0;
  }

  /** A stream lasts, and nothing is lost with it: its client opens another one. */
  override get isBusy(): boolean {
    return this.#stream === undefined && super.isBusy;
  }

  override get isBlank(): boolean {
    return this.#stream === undefined && super.isBlank;
  }

  override closed(): void {
    super.closed();
    this.#stream?.close();
  }

  protected override allSent(): void {
    this.#stream?.caughtUp();
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
    while (start < bytes.length && !isLast && !this.#isDone) {
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
      const body = isOverlong ? undefined : this.#readBody(bytes, next);
      if (body === "more") {
        this.#awaitBody(bytes, start, next);
        break;
      }
      const isRead = typeof body === "object";
      const end = isRead ? body.end : next;
      isLast = isOverlong || this.#isLast(isRead);
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
        const page = this.#page(bytes, body, isLast, nowMs);
        if (body !== undefined) answered++;
        this.flush(page, page.length, isLast ? NOTHING : bytes, isLast ? 0 : end);
      }
      start = end;
      this.#bodyBytes = isLast || isRead ? 0 : Math.max(0, head.bodyBytes);
      this.ended();
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
    if (isLast && this.#stream === undefined) this.endWhenAnswered();
  }

  /** Whether no more requests are answered now. */
  get #isDone(): boolean {
    return this.isPaused || this.isClosing || this.#stream !== undefined;
  }

  /**
   * The kept part and `chunk`, if together they have the end of a head or are too long for one, or if they
   * have the whole body for which the connection waits; else undefined.
   */
  #completed(chunk: Uint8Array): Buffer | undefined {
    const searchFrom = Math.max(0, this.partLength - END_OF_HEAD.length + 1);
    this.keepPart(chunk, 0);
    const whole = this.part;
    if (this.#awaited !== undefined) {
      if (readBody(whole, this.#awaited.at, this.#awaited) === "more") return undefined;
    } else if (whole.length < HEAD_BYTES_MAX && whole.indexOf(END_OF_HEAD, searchFrom, "latin1") < 0) {
      return undefined;
    }
    this.#awaited = undefined;
    this.dropPart();
    return whole;
  }

  /** The body behind the current head; undefined if it is skipped. */
  #readBody(bytes: Uint8Array, start: number): Body | NoBody | undefined {
    const { flags, head } = this.#shared;
    return flags !== undefined && isEvaluation(bytes, head) ? readBody(bytes, start, head) : undefined;
  }

  /** Keeps the current request, whose body begins at `bytes[bodyAt]` and is not complete. */
  #awaitBody(bytes: Uint8Array, start: number, bodyAt: number): void {
    const { keepsAlive, isUnframed, isChunked, bodyBytes } = this.#shared.head;
    this.#awaited = { at: bodyAt - start, keepsAlive, isUnframed, isChunked, bodyBytes };
    this.keepPart(bytes, start);
  }

  /** Whether the connection ends with the answer to the current head. */
  #isLast(isBodyRead: boolean): boolean {
    const { head, isClosing } = this.#shared;
    const isFramed = !head.isUnframed && (isBodyRead || !head.isChunked);
    return isClosing || !head.keepsAlive || !isFramed || !head.isHttp;
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

  /** @param body undefined if the request is not for a page that reads its body */
  #page(bytes: Uint8Array, body: Body | NoBody | undefined, isLast: boolean, nowMs: number): Buffer {
    const { head, pages, flags, counts } = this.#shared;
    if (!head.isHttp) return pageBytes(NOT_HTTP, isLast, head);
    if (flags !== undefined && isEvents(bytes, head)) return this.#openStream(bytes, flags.changes);
    if (body !== undefined && flags !== undefined) {
      const read = typeof body === "object" ? body.bytes : undefined;
      return pageBytes(flags.answer(bytes, head, read, nowMs), isLast, head);
    }
    const page = pages(pathOf(bytes, head), queryOf(bytes, head), nowMs);
    if (page !== undefined) counts.success++;
    return pageBytes(page ?? NOT_FOUND, isLast, head);
  }

  /** Makes a stream of the connection. Returns the bytes with which it begins. */
  #openStream(bytes: Uint8Array, changes: Changes): Buffer {
    const { head, counts, isClosing } = this.#shared;
    if (changes.isFull || isClosing) return pageBytes(NO_STREAM, true, head);
    counts.success++;
    this.#stream = changes.open(applicationOf(bytes, head), (event) => this.#send(event));
    return this.#stream.beginning;
  }

  /** Sends an event of the stream; false if an earlier one still waits. */
  #send(event: Buffer): boolean {
    if (this.isPaused || this.isClosing) return false;
    this.activeAtMs = this.#shared.context.clock();
    this.flush(event, event.length, NOTHING, 0);
    return true;
  }
}
