/**
 * One connection of a server over a byte stream: the part that all protocols share, below their grammar.
 *
 * The connection of a protocol extends this class, and reads the bytes in `consume`. All connections share
 * one output buffer for their answers. Everything that arrived together is answered with one `write`.
 *
 *     reading ──the kernel does not take all──▶ paused ──drained──▶ reading
 *        │ client ends, nothing is left            │ too long, or too much over all connections
 *        ▼                                         ▼
 *     closing ◀────────────────────────────────────┘
 *
 * If a client asks for more than one turn may answer, the connection is paused until the next turn. If it
 * sends large pieces faster than the daemon's pace, it is paused for some milliseconds.
 *
 * If a client asks without reading, the daemon stops reading from it. The bytes that the kernel did not take
 * (`#unsent`) and the requests that are not answered yet (`#unread`) wait here. The beginning of a request
 * that is not complete (`#part`) waits here too. `waiting.ts` limits all this over all connections of a
 * listener. A request must be complete `REQUEST_MS_MAX` after its first byte.
 */

import type { Socket } from "bun";
import type { Peer } from "./peer.ts";
import type { StreamShared } from "./stream-shared.ts";
import type { WaitingConnection } from "./waiting.ts";

/**
 * A request must be complete this long after its first byte, or its connection is cut off. Proxies give up
 * after milliseconds, so only a client that wants to occupy a place takes longer.
 */
export const REQUEST_MS_MAX = 2_000;

/** A client that sends no more than this, a few requests, does not wait for clients that ask without end. */
const LITTLE_BYTES = 512;

/** To read this much takes so long that the turn looks at the clock, however few answers there were. */
const MUCH_BYTES = 16_384;

/**
 * The daemon reads large pieces of one connection no faster than this, 32 MiB a second. Each piece that
 * arrives is an object, and large ones keep the collector busy. At a gigabyte a second it stops the daemon
 * fifty times a second, for a millisecond or more. Pieces of less than `MUCH_BYTES` do not count.
 */
const MUCH_BYTES_PER_MS = 32_768;

/** A client may be ahead of that pace by this much, such as a proxy that was stopped for a moment. */
const AHEAD_MS_MAX = 16;

/** The first size of the buffer for a part of a request. It doubles when the part grows. */
const PART_BYTES_MIN = 64;

export const NOTHING = Buffer.alloc(0);

/** A time that never comes. */
const NONE = Number.POSITIVE_INFINITY;

/** A socket. Its data is its connection, if the daemon has to remember one. */
export type StreamSocket = Socket<StreamConnection | undefined>;

export abstract class StreamConnection implements WaitingConnection {
  /** The time at which bytes last came or went, on the daemon's clock. */
  activeAtMs: number;
  /** The time of the first byte of a request that is not complete; `NONE` if there is no such request. */
  #begunAtMs = NONE;
  /** No request is answered any more. Only the end of the socket is still to come. */
  isClosing = false;
  readonly #shared: StreamShared;
  #socket: StreamSocket;
  #part: Buffer | null = null;
  #partLength = 0;
  /** Bytes of replies that the kernel did not take; null while the daemon reads from the client. */
  #unsent: Uint8Array | null = null;
  /** Requests that are answered when `#unsent` is gone. */
  #unread: Uint8Array | null = null;
  /** The connection was paused once, because its client asks before it has read earlier answers. */
  #asksAhead = false;
  /** When the large pieces so far would have come at the daemon's pace; 0 before the first one. */
  #pacedToMs = 0;
  /** No more requests will come, or none of them will be answered. */
  #hasEnded = false;

  constructor(shared: StreamShared, socket: StreamSocket, nowMs: number) {
    this.#shared = shared;
    this.#socket = socket;
    this.activeAtMs = nowMs;
  }

  /**
   * Answers all complete requests of `chunk` with `flush`, and keeps the rest with `keepPart`. Must not
   * throw.
   *
   * @param chunk belongs to this connection from now on
   */
  protected abstract consume(chunk: Uint8Array, nowMs: number): void;

  /** Called when the kernel has taken the last bytes of `#unsent`. */
  protected allSent(): void {}

  /** Whether the protocol is in the middle of a request, beside the part that is kept here. */
  protected get isMidway(): boolean {
    return false;
  }

  /** The peer at the other end. This asks the kernel, so it is not for the path of a request. */
  get peer(): Peer {
    return this.#shared.peers.of(this.#socket);
  }

  /**
   * The address at the other end of a TCP connection, and undefined on a unix socket. It is empty if the
   * client has reset the connection: the kernel has forgotten it, although the bytes can still be read.
   */
  get remoteAddress(): string | undefined {
    const { remoteAddress, localPort } = this.#socket;
    return remoteAddress || (localPort === undefined ? undefined : "");
  }

  /** The bytes that wait in this connection. */
  get waitingBytes(): number {
    return (this.#part?.length ?? 0) + (this.#unsent?.length ?? 0) + (this.#unread?.length ?? 0);
  }

  /**
   * Whether a request began before `sinceMs` and is still not complete, although the daemon read all the
   * time, or at its pace.
   */
  isOverdue(sinceMs: number): boolean {
    return this.#begunAtMs < sinceMs && (!this.isPaused || this.#isPaced) && !this.isClosing;
  }

  /** Whether the connection is paused only because its client is ahead of the daemon's pace. */
  get #isPaced(): boolean {
    return this.#unsent?.length === 0 && this.#unread === null;
  }

  /** Whether a request or a reply would be lost with the connection. */
  get isBusy(): boolean {
    return this.#part !== null || this.#unsent !== null || this.isMidway;
  }

  /** Whether the connection has nothing to remember until its next event. */
  get isBlank(): boolean {
    const hasNothing = this.#part === null && this.#unsent === null && this.#pacedToMs === 0;
    return hasNothing && !this.#hasEnded && !this.isClosing && !this.isMidway;
  }

  /** Serves another socket from now on. Only a blank connection can do that. */
  adopt(socket: StreamSocket): void {
    this.#socket = socket;
  }

  /** Whether replies wait until the client reads, or requests wait for the next turn. */
  get isPaused(): boolean {
    return this.#unsent !== null;
  }

  /** Whether all requests that were sent before `sinceMs` have arrived, so that this side may end. */
  isReadyToEnd(sinceMs: number): boolean {
    return !this.#hasEnded && !this.isPaused && !(this.#asksAhead && this.activeAtMs > sinceMs);
  }

  /**
   * Takes bytes that arrived. `chunk` belongs to this connection from now on, because Bun makes one for each
   * event.
   */
  receive(chunk: Uint8Array): void {
    if (this.isClosing || this.#hasEnded) return;
    const nowMs = this.#shared.turn.now();
    this.activeAtMs = nowMs;
    if (this.#unsent === null) {
      if (this.#shared.turn.isOver && chunk.length > LITTLE_BYTES) this.#waitForTurn(chunk);
      else this.consume(chunk, nowMs);
      if (chunk.length > MUCH_BYTES) this.#tookMuch(chunk.length, nowMs);
      this.#noteBeginning(nowMs);
      if (this.#shared.endsWithAnswer && !this.isBusy && !this.isClosing) this.endWhenAnswered();
      return;
    }
    // The connection is paused, but these bytes had already been read.
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
    else if (!this.#waitsForPace(nowMs)) this.#socket.resume();
  }

  /** The client sends no more. Its requests are still answered. */
  clientEnded(): void {
    if (this.#part !== null || this.isMidway) this.#shared.counts.failure++;
    this.endWhenAnswered();
  }

  /** Ends the connection as soon as all requests are answered. */
  endWhenAnswered(): void {
    this.#hasEnded = true;
    if (this.#unsent === null && !this.isClosing) this.end();
  }

  /** Ends this side. The connection is gone when the client ends its side, or after `terminate`. */
  end(): void {
    this.isClosing = true;
    this.#socket.end();
  }

  terminate(): void {
    // This comes first, because the socket may report its end at once, before it has this connection as its
    // data.
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

  /** The beginning of a request that is not complete; empty if there is none. */
  protected get part(): Buffer {
    return this.#part === null ? NOTHING : this.#part.subarray(0, this.#partLength);
  }

  /**
   * Adds `bytes[start, end)` to the part. Its buffer doubles, so that many small pieces cost no more than
   * one.
   */
  protected keepPart(bytes: Uint8Array, start: number, end = bytes.length): void {
    // A connection that was cut off must keep nothing, because its bytes would stay in the sum for ever.
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

  /** Forgets the part. A buffer that `part` returned before may still be used. */
  protected dropPart(): void {
    if (this.#part === null) return;
    const waitedBefore = this.waitingBytes;
    this.#part = null;
    this.#partLength = 0;
    this.#shared.waiting.changed(this, waitedBefore, this.waitingBytes);
  }

  /** The current request is complete. The bytes behind it belong to another one, with a time of its own. */
  protected ended(): void {
    this.#begunAtMs = NONE;
  }

  #noteBeginning(nowMs: number): void {
    if (this.#part === null && !this.isMidway) this.#begunAtMs = NONE;
    else if (this.#begunAtMs === NONE) this.#begunAtMs = nowMs;
  }

  /**
   * Gives `bytes[0, length)` to the kernel: answers in the shared output buffer, or a page.
   *
   * @returns false if the kernel did not take all, or if the turn is over: then the connection is paused, and
   *          `chunk` from `start` on waits in it
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
    // The bytes are copied, because all connections share the output buffer. The chunk belongs to this
    // connection.
    this.#wait(
      Buffer.from(bytes.subarray(sent, length)),
      start < chunk.length ? chunk.subarray(start) : null,
    );
    this.#asksAhead = true;
    this.#socket.pause();
    this.#cutOffIfTooMuchWaits();
    return false;
  }

  /**
   * Pauses after everything was sent: `unread` is answered in the next turn, and other clients come first.
   */
  #waitForTurn(unread: Uint8Array): void {
    this.#wait(NOTHING, unread);
    this.#asksAhead = true;
    this.#socket.pause();
    this.#cutOffIfTooMuchWaits();
    if (!this.isClosing) setImmediate(() => this.drained());
  }

  /** Notes a large piece that arrived, and pauses if its client is too far ahead. */
  #tookMuch(bytes: number, nowMs: number): void {
    this.#shared.turn.lookAtClock();
    this.#pacedToMs = Math.max(this.#pacedToMs, nowMs) + bytes / MUCH_BYTES_PER_MS;
    if (this.isClosing || this.#hasEnded || this.#unsent !== null || !this.#waitsForPace(nowMs)) return;
    this.#asksAhead = true;
    this.#socket.pause();
  }

  /** Whether the client is too far ahead. Then it stays paused, and `drained` looks again. */
  #waitsForPace(nowMs: number): boolean {
    const waitMs = this.#pacedToMs - AHEAD_MS_MAX - nowMs;
    if (waitMs <= 0) return false;
    this.#wait(NOTHING, null);
    setTimeout(() => this.drained(), waitMs);
    return true;
  }

  /** Sets the bytes that wait here, and updates the sum over all connections. */
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
      "too much waits for clients that do not read answers or end requests; the largest are cut off, and a proxy among them serves master",
      { server: counts.name, limitBytes: waiting.max, connections },
    );
  }

  /** The client has gone before it had its replies. */
  #vanished(): void {
    if (this.isClosing) return;
    this.#shared.counts.failure++;
    this.terminate();
  }
}
