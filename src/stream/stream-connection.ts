/**
 * One connection of a server that speaks over a byte stream: what every such protocol needs below its own grammar.
 *
 * A protocol's connection extends this and says in `consume` what the bytes mean. Its answers go into one output
 * buffer that all connections share, and to the kernel in one `write` for everything that arrived together.
 *
 *     reading ──the kernel takes not all──▶ paused ──drained──▶ reading
 *        │ client ends, nothing is left         │ too long, or too much over all connections
 *        ▼                                      ▼
 *     closing ◀─────────────────────────────────┘
 *
 * A client that asks for more than a turn may answer waits in the same way for the next one.
 *
 * A client that asks without reading stops being read: what the kernel did not take (`#unsent`) and what was not yet
 * answered (`#unread`) wait here, and so does the beginning of a request whose end has not come (`#part`). All of it is
 * bounded over all connections of a listener (`waiting.ts`). A request has to be whole `REQUEST_MS_MAX` after its first byte.
 */

import type { Socket } from "bun";
import { type Decision, emptyRequest } from "../handler.ts";
import type { ServerCounts } from "../metrics.ts";
import { type Peer, Peers } from "./peer.ts";
import type { StreamContext } from "./stream-context.ts";
import { Turn } from "./turn.ts";
import { WaitingBytes, type WaitingConnection } from "./waiting.ts";

/**
 * A request has to be whole this long after its first byte, or its connection is cut off. Proxies lose patience after
 * milliseconds; only a client that wants to hold a place takes longer.
 */
export const REQUEST_MS_MAX = 2_000;

/** The output buffer. A protocol flushes it before its longest answer might not fit. */
export const OUT_BYTES = 65_536;

/** Who asks no more than this, a request or a few, need not wait for those who ask without end. */
const LITTLE_BYTES = 512;

/** Reading this much takes long enough to look at the clock, whatever was answered. */
const MUCH_BYTES = 16_384;

/** The first room for a part of a request; it doubles as the part grows. */
const PART_BYTES_MIN = 64;

export const NOTHING = Buffer.alloc(0);

/** A time that never comes. */
const NONE = Number.POSITIVE_INFINITY;

/** What the connections of a listener share: the parts of the daemon, and buffers for the request at hand. */
export class StreamShared {
  readonly context: StreamContext;
  readonly turn: Turn;
  readonly counts: ServerCounts;
  readonly request = emptyRequest();
  readonly decision: Decision;
  readonly out = Buffer.allocUnsafeSlow(OUT_BYTES);
  /** What waits, of all connections together. */
  readonly waiting: WaitingBytes;
  readonly peers = new Peers();
  /** The server closes: each answer may be the last one of its connection. */
  isClosing = false;
  /** The server closes, and a successor answers: a connection ends with its next answer, which its client waits for. */
  endsWithAnswer = false;

  constructor(context: StreamContext, counts: ServerCounts, waiting = new WaitingBytes()) {
    this.context = context;
    this.waiting = waiting;
    this.turn = new Turn(context.clock, context.metrics.delay);
    this.counts = counts;
    this.decision = context.handler.emptyDecision();
  }

  /** Counts replies that were handed to the kernel together. */
  answered(count: number): void {
    this.counts.success += count;
    this.turn.answered(count);
  }
}

/** A socket, with the connection that is remembered for it, if there is one. */
export type StreamSocket = Socket<StreamConnection | undefined>;

export abstract class StreamConnection implements WaitingConnection {
  /** When something last came or went, on the daemon's clock. */
  activeAtMs: number;
  /** When the first byte came of a request that is not whole; `NONE` if there is no such request. */
  #begunAtMs = NONE;
  /** Nothing is answered any more; the socket only has to go. */
  isClosing = false;
  readonly #shared: StreamShared;
  #socket: StreamSocket;
  #part: Buffer | null = null;
  #partLength = 0;
  /** Bytes of replies that the kernel did not take; null while the client is read. */
  #unsent: Uint8Array | null = null;
  /** Requests that are answered when `#unsent` is gone. */
  #unread: Uint8Array | null = null;
  /** It was paused once: its client asks ahead of what it reads. */
  #asksAhead = false;
  /** No more requests will come, or be answered. */
  #hasEnded = false;

  constructor(shared: StreamShared, socket: StreamSocket, nowMs: number) {
    this.#shared = shared;
    this.#socket = socket;
    this.activeAtMs = nowMs;
  }

  /**
   * Answers all whole requests of `chunk`, by `flush`, and keeps the rest, by `keepPart`. Must not throw.
   *
   * @param chunk this connection's own from now on
   */
  protected abstract consume(chunk: Uint8Array, nowMs: number): void;

  /** Called when the kernel has taken what it did not take at once. */
  protected allSent(): void {}

  /** Whether the protocol itself is in the middle of something, beside a part that is kept here. */
  protected get isMidway(): boolean {
    return false;
  }

  /** Who is at the other end. Asks the kernel; not for a request. */
  get peer(): Peer {
    return this.#shared.peers.of(this.#socket);
  }

  /** What waits in this connection. */
  get waitingBytes(): number {
    return (this.#part?.length ?? 0) + (this.#unsent?.length ?? 0) + (this.#unread?.length ?? 0);
  }

  /** Whether a request was begun before `sinceMs` and is still not whole, although it was read all the time. */
  isOverdue(sinceMs: number): boolean {
    return this.#begunAtMs < sinceMs && !this.isPaused && !this.isClosing;
  }

  /** Whether something is under way that would be lost with the connection. */
  get isBusy(): boolean {
    return this.#part !== null || this.#unsent !== null || this.isMidway;
  }

  /** Whether anything has to be remembered until the next event. */
  get isBlank(): boolean {
    return (
      this.#part === null && this.#unsent === null && !this.#hasEnded && !this.isClosing && !this.isMidway
    );
  }

  /** Stands for another socket from now on; only a blank one can. */
  adopt(socket: StreamSocket): void {
    this.#socket = socket;
  }

  /** Whether replies wait for the client to read. */
  get isPaused(): boolean {
    return this.#unsent !== null;
  }

  /** Whether all that was asked before `sinceMs` has come in, and the end can be told. */
  isReadyToEnd(sinceMs: number): boolean {
    return !this.#hasEnded && !this.isPaused && !(this.#asksAhead && this.activeAtMs > sinceMs);
  }

  /** Takes what arrived. `chunk` is this connection's from now on: Bun makes one for each event. */
  receive(chunk: Uint8Array): void {
    if (this.isClosing || this.#hasEnded) return;
    const nowMs = this.#shared.turn.now();
    this.activeAtMs = nowMs;
    if (this.#unsent === null) {
      if (this.#shared.turn.isOver && chunk.length > LITTLE_BYTES) this.#waitForTurn(chunk);
      else this.consume(chunk, nowMs);
      if (chunk.length > MUCH_BYTES) this.#shared.turn.lookAtClock();
      this.#noteBeginning(nowMs);
      if (this.#shared.endsWithAnswer && !this.isBusy && !this.isClosing) this.endWhenAnswered();
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
    const sent = unsent.length === 0 ? 0 : this.#socket.write(unsent);
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
    this.allSent();
    if (unread !== null && this.#shared.turn.isOver) this.#waitForTurn(unread);
    else if (unread !== null) this.consume(unread, nowMs);
    this.#noteBeginning(nowMs);
    if (this.#unsent !== null || this.isClosing) return;
    if (this.#hasEnded) this.end();
    else this.#socket.resume();
  }

  /** The client sends no more; what it asked is still answered. */
  clientEnded(): void {
    if (this.#part !== null || this.isMidway) this.#shared.counts.failure++;
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
    // First: the socket may tell of its end at once, when nobody remembers this connection yet.
    this.closed();
    this.#socket.terminate();
  }

  /** The socket is gone. */
  closed(): void {
    this.isClosing = true;
    this.dropPart();
    this.#wait(null, null);
  }

  protected get partLength(): number {
    return this.#partLength;
  }

  /** The beginning of a request whose end has not arrived; empty where there is none. */
  protected get part(): Buffer {
    return this.#part === null ? NOTHING : this.#part.subarray(0, this.#partLength);
  }

  /** Adds `bytes[start, end)` to the part that is kept. Its room doubles, so that many small pieces cost no more than one. */
  protected keepPart(bytes: Uint8Array, start: number, end = bytes.length): void {
    // Who was cut off has nothing that waits, or nobody would ever take it off the sum.
    if (this.isClosing) return;
    const length = this.#partLength + end - start;
    const before = this.#part?.length ?? 0;
    if (this.#part === null || length > before) {
      const grown = Buffer.allocUnsafeSlow(Math.max(PART_BYTES_MIN, 2 * before, length));
      if (this.#part !== null) grown.set(this.part);
      const waitedBefore = this.waitingBytes;
      this.#part = grown;
      this.#shared.waiting.changed(this, waitedBefore, this.waitingBytes);
    }
    this.#part.set(bytes.subarray(start, end), this.#partLength);
    this.#partLength = length;
    this.#cutOffIfTooMuchWaits();
  }

  /** Forgets the part that is kept; who took `part` before may go on using it. */
  protected dropPart(): void {
    if (this.#part === null) return;
    const waitedBefore = this.waitingBytes;
    this.#part = null;
    this.#partLength = 0;
    this.#shared.waiting.changed(this, waitedBefore, this.waitingBytes);
  }

  /** The request at hand is whole: what comes behind it is another one, with a time of its own. */
  protected ended(): void {
    this.#begunAtMs = NONE;
  }

  #noteBeginning(nowMs: number): void {
    if (this.#part === null && !this.isMidway) this.#begunAtMs = NONE;
    else if (this.#begunAtMs === NONE) this.#begunAtMs = nowMs;
  }

  /**
   * Hands `bytes[0, length)` to the kernel: answers in the shared output buffer, or a page.
   *
   * @returns false where it did not take all, or where this turn has answered enough: the connection is paused, and
   *          `chunk` from `start` on waits with it
   */
  protected flush(bytes: Buffer, length: number, chunk: Uint8Array, start: number): boolean {
    const sent = this.#socket.write(bytes, 0, length);
    if (sent === length) {
      if (start >= chunk.length) return true;
      this.#shared.turn.lookAtClock();
      if (!this.#shared.turn.isOver) return true;
      this.#waitForTurn(chunk.subarray(start));
      return false;
    }
    if (sent < 0) {
      this.#vanished();
      return false;
    }
    // A copy, as the output buffer is everybody's; the chunk is this connection's own.
    this.#wait(
      Buffer.from(bytes.subarray(sent, length)),
      start < chunk.length ? chunk.subarray(start) : null,
    );
    this.#asksAhead = true;
    this.#socket.pause();
    this.#cutOffIfTooMuchWaits();
    return false;
  }

  /** Everything was sent, and `unread` is answered in the next turn; others are heard before. */
  #waitForTurn(unread: Uint8Array): void {
    this.#wait(NOTHING, unread);
    this.#asksAhead = true;
    this.#socket.pause();
    this.#cutOffIfTooMuchWaits();
    if (!this.isClosing) setImmediate(() => this.drained());
  }

  /** Changes what waits here, and keeps the sum over all connections. */
  #wait(unsent: Uint8Array | null, unread: Uint8Array | null): void {
    const waitedBefore = this.waitingBytes;
    this.#unsent = unsent;
    this.#unread = unread;
    this.#shared.waiting.changed(this, waitedBefore, this.waitingBytes);
  }

  #cutOffIfTooMuchWaits(): void {
    const { waiting, counts, context } = this.#shared;
    if (!waiting.isTooMuch) return;
    const connections = waiting.cutOff();
    counts.failure += connections;
    context.log.warn(
      "too much waits for clients that do not read, or do not end what they ask; those that hold most were cut off",
      { server: counts.name, limitBytes: waiting.max, connections },
    );
  }

  /** The client has gone without waiting for its replies. */
  #vanished(): void {
    if (this.isClosing) return;
    this.#shared.counts.failure++;
    this.terminate();
  }
}
