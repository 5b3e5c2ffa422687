/**
 * One connection of the line protocol: bytes in, replies out.
 *
 * The path of a request: `receive` → lines of the chunk → `readRequest` → handler → `writeReply` into the
 * shared output buffer → one `write` for everything that arrived together. A request costs no object. A
 * connection costs one only if the daemon has to remember something between its events: most connections last
 * for one request and leave nothing.
 */

import type { ServerCounts } from "../../metrics.ts";
import { NOTHING, StreamConnection, type StreamSocket } from "../../stream/stream-connection.ts";
import { OUT_BYTES, StreamShared } from "../../stream/stream-shared.ts";
import { LOOK_BYTES } from "../../stream/turn.ts";
import type { WaitingBytes } from "../../stream/waiting.ts";
import type { ServerContext } from "../server.ts";
import { isHttp, LF, LINE_BYTES_MAX, lineTail, RepeatedFields, readRequest, writeReply } from "./codec.ts";
import { ANSWER_BYTES_MAX, answerQuestion, type QuestionContext } from "./questions.ts";
import { ReportBudget } from "./report-budget.ts";

const QUESTION_MARK = 0x3f;

/** Returned for a line of a client that speaks HTTP. The line gets no answer. */
const FOREIGN = -1;

/** The parts that all connections of a listener share. */
export class LineShared extends StreamShared {
  readonly closesAfterReply: boolean;
  readonly repeated = new RepeatedFields();
  readonly tailSlot: number;
  readonly questions: QuestionContext;

  constructor(
    context: ServerContext,
    counts: ServerCounts,
    closesAfterReply: boolean,
    waiting?: WaitingBytes,
  ) {
    super(context, counts, waiting);
    this.closesAfterReply = closesAfterReply;
    this.tailSlot = context.rollout.placements.slotOf(lineTail);
    this.questions = {
      handler: context.handler,
      rollout: context.rollout,
      reports: context.metrics.reports,
      budget: new ReportBudget(),
      intake: context.intake,
      decision: this.decision,
    };
  }
}

export class LineConnection extends StreamConnection {
  readonly #shared: LineShared;
  /** The end of a line that is too long has not come yet. */
  #isOverlong = false;

  constructor(shared: LineShared, socket: StreamSocket, nowMs: number) {
    super(shared, socket, nowMs);
    this.#shared = shared;
  }

  protected override get isMidway(): boolean {
    return this.#isOverlong;
  }

  /** Answers all complete lines of `chunk`, and keeps its rest. */
  protected consume(chunk: Uint8Array, nowMs: number): void {
    const shared = this.#shared;
    let start = 0;
    let at = 0;
    let answered = 0;
    let lookAt = LOOK_BYTES;
    let isForeign = false;
    if (this.partLength > 0 || this.#isOverlong) {
      const end = chunk.indexOf(LF);
      if (end < 0) {
        this.#keep(chunk, 0);
        return;
      }
      at = this.#answerKept(chunk, end, nowMs);
      if (at === FOREIGN) {
        this.#refuse();
        return;
      }
      start = end + 1;
      answered = 1;
    }
    while (start < chunk.length && !this.isClosing && !(shared.closesAfterReply && answered > 0)) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) {
        this.#keep(chunk, start);
        break;
      }
      const next = this.#answer(chunk, start, end, at, nowMs);
      if (next === FOREIGN) {
        isForeign = true;
        break;
      }
      at = next;
      answered++;
      start = end + 1;
      if (start >= lookAt) {
        shared.turn.lookAtClock();
        lookAt = start + LOOK_BYTES;
      }
      if (at > OUT_BYTES - ANSWER_BYTES_MAX || shared.turn.isOver) {
        if (!this.flush(shared.out, at, chunk, start)) break;
        at = 0;
      }
    }
    if (answered > 0) {
      if (at > 0 && !this.isPaused) this.flush(shared.out, at, NOTHING, 0);
      shared.answered(answered);
      if (shared.closesAfterReply) this.endWhenAnswered();
    }
    if (isForeign) this.#refuse();
  }

  /**
   * Ends the connection of a client that speaks HTTP. A page on the web can make a browser send a form here,
   * and the daemon must not obey the lines of the form.
   */
  #refuse(): void {
    const { counts, context } = this.#shared;
    counts.failure++;
    context.log.warn(
      "a client spoke HTTP to a listener of the line protocol, so it was cut off without an answer",
      {
        server: counts.name,
        remedy: "give the daemon an -http listener for proxies and applications that ask over HTTP",
      },
    );
    this.endWhenAnswered();
  }

  /**
   * Writes the answer to the line `bytes[start, end)` at `out[at]`; returns the position for the next answer,
   * or `FOREIGN`.
   */
  #answer(bytes: Uint8Array, start: number, end: number, at: number, nowMs: number): number {
    const { out, request, decision, context, questions, repeated } = this.#shared;
    if (bytes[start] === QUESTION_MARK && end - start < LINE_BYTES_MAX) {
      // A question takes as long as a hundred requests.
      this.#shared.turn.lookAtClock();
      const question = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
      const answer = answerQuestion(question, questions, nowMs, this);
      if (answer !== undefined) return at + out.write(answer, at, "latin1");
    }
    const spellingEnd = readRequest(bytes, start, end, request, repeated);
    if (!request.valid && isHttp(bytes, start, end)) return FOREIGN;
    context.handler.decide(request, nowMs, decision);
    return writeReply(out, at, decision, request, bytes, start, spellingEnd, this.#tail);
  }

  /** The bytes behind the assignment in the reply to the current request. */
  get #tail(): Uint8Array {
    const { decision, tailSlot } = this.#shared;
    return decision.placement.tails[tailSlot] as Uint8Array;
  }

  /** Answers the line that began in an earlier chunk and ends at `chunk[end]`. */
  #answerKept(chunk: Uint8Array, end: number, nowMs: number): number {
    const { out, request, decision, context } = this.#shared;
    const isOverlong = this.#isOverlong || this.partLength + end >= LINE_BYTES_MAX;
    this.#isOverlong = false;
    this.ended();
    if (isOverlong) {
      this.dropPart();
      request.valid = false;
      context.handler.decide(request, nowMs, decision);
      return writeReply(out, 0, decision, request, chunk, 0, 0, this.#tail);
    }
    this.keepPart(chunk, 0, end);
    const whole = this.part;
    this.dropPart();
    return this.#answer(whole, 0, whole.length, 0, nowMs);
  }

  /** Keeps the beginning of a line, or, if it is too long, only that fact. */
  #keep(chunk: Uint8Array, start: number): void {
    if (this.#isOverlong) return;
    if (this.partLength + chunk.length - start >= LINE_BYTES_MAX) {
      this.#isOverlong = true;
      this.dropPart();
    } else {
      this.keepPart(chunk, start);
    }
  }
}
