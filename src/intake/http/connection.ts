/**
 * One connection of the door for HTTP. It answers one request after the other. While it works on a body, what
 * the client sends waits.
 */

import type { ServerCounts } from "../../metrics.ts";
import { NOTHING, StreamConnection, type StreamSocket } from "../../stream/stream-connection.ts";
import type { StreamContext } from "../../stream/stream-context.ts";
import { StreamShared } from "../../stream/stream-shared.ts";
import { WaitingBytes } from "../../stream/waiting.ts";
import type { Intake } from "../intake.ts";
import { BODY_BYTES_MAX, HEAD_BYTES_MAX, Incoming, type IncomingHead, type Refusal } from "./incoming.ts";
import { type Answer, refusalOf, takeBody } from "./reports.ts";

/** Bytes of requests and answers that may wait, over all connections. */
const WAITING_BYTES_MAX = 4 * 1_048_576;

/** Bytes of whole bodies that wait for their turn. A further one is dropped. */
const QUEUED_BYTES_MAX = 4 * 1_048_576;

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
};

/** The parts that all connections of the door share. */
export class DoorShared extends StreamShared {
  readonly intake: Intake;
  /** The end of the last body that waits. The daemon works on one body at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #queuedBytes = 0;

  constructor(context: StreamContext, counts: ServerCounts, intake: Intake) {
    super(context, counts, new WaitingBytes(WAITING_BYTES_MAX));
    this.intake = intake;
  }

  /** Takes a body when all before it are taken; undefined if too much waits already. */
  take(head: IncomingHead, body: Buffer): Promise<Answer> | undefined {
    if (this.#queuedBytes + body.length > QUEUED_BYTES_MAX) return undefined;
    this.#queuedBytes += body.length;
    const taken = this.#last.then(() => takeBody(head, body, this.intake));
    this.#last = taken.finally(() => {
      this.#queuedBytes -= body.length;
    });
    return taken;
  }
}

export class DoorConnection extends StreamConnection {
  readonly #shared: DoorShared;
  #incoming = new Incoming();
  #isWorking = false;
  /** The client has ended its side, and waits for its answer. */
  #isLast = false;

  constructor(shared: DoorShared, socket: StreamSocket, nowMs: number) {
    super(shared, socket, nowMs);
    this.#shared = shared;
  }

  protected override get isMidway(): boolean {
    return this.#isWorking;
  }

  override isOverdue(sinceMs: number): boolean {
    return !this.#isWorking && super.isOverdue(sinceMs);
  }

  override isReadyToEnd(sinceMs: number): boolean {
    return !this.#isWorking && super.isReadyToEnd(sinceMs);
  }

  override clientEnded(): void {
    if (this.#isWorking) this.#isLast = true;
    else super.clientEnded();
  }

  protected consume(chunk: Uint8Array): void {
    this.keepPart(chunk, 0);
    if (!this.#isWorking) this.#look();
    else if (this.partLength > HEAD_BYTES_MAX + 2 * BODY_BYTES_MAX) this.terminate();
  }

  /** Looks whether the part has a whole request, and begins to work on it. */
  #look(): void {
    const part = this.part;
    const state = this.#incoming.advance(part);
    if (state === false) return;
    const { head, end } = this.#incoming;
    if (state !== true || head === undefined) {
      this.#refuse(state === true ? { status: 400, text: "" } : state);
      return;
    }
    const refusal = this.#refusalOf(head);
    const body = this.#incoming.body(part);
    this.#incoming = new Incoming();
    this.dropPart();
    this.ended();
    if (end < part.length) this.keepPart(part, end);
    this.#isWorking = true;
    void this.#work(head, refusal, body);
  }

  /** Never rejects. */
  async #work(head: IncomingHead, refusal: Answer | undefined, body: Buffer): Promise<void> {
    const answer = refusal ?? (await this.#shared.take(head, body)) ?? this.#busy(head);
    this.#isWorking = false;
    if (this.isClosing) return;
    const isLast = this.#isLast || !head.keepsAlive || this.#shared.isClosing;
    this.#answer(answer, isLast);
    this.#shared.counts.success++;
    if (isLast) this.endWhenAnswered();
    else if (this.partLength > 0 && !this.isClosing) this.#look();
  }

  #refusalOf(head: IncomingHead): Answer | undefined {
    if (this.#shared.intake.isOpenTo(this.remoteAddress, doorOf(head))) return refusalOf(head);
    return { status: 403, contentType: "text/plain", text: "this address may not report outcomes\n" };
  }

  #busy(head: IncomingHead): Answer {
    this.#shared.intake.counts.dropped(doorOf(head), "busy");
    return { status: 503, contentType: "text/plain", text: "too much waits already\n" };
  }

  #refuse(refusal: Refusal): void {
    this.#shared.counts.failure++;
    this.dropPart();
    this.#answer({ contentType: "text/plain", ...refusal }, true);
    this.endWhenAnswered();
  }

  #answer({ status, contentType, text }: Answer, isLast: boolean): void {
    const head = [
      `HTTP/1.1 ${status} ${STATUS_TEXTS[status] ?? "Status"}`,
      `Date: ${new Date().toUTCString()}`,
      `Content-Type: ${contentType}`,
      `Content-Length: ${Buffer.byteLength(text)}`,
      `Connection: ${isLast ? "close" : "keep-alive"}`,
    ];
    const bytes = Buffer.from(`${head.join("\r\n")}\r\n\r\n${text}`);
    this.flush(bytes, bytes.length, NOTHING, 0);
  }
}

function doorOf({ path }: IncomingHead): "otlp" | "http" {
  return path === "/v1/logs" ? "otlp" : "http";
}
