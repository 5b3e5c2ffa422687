/**
 * One connection to a daemon, with any number of questions that wait for their replies. Replies come in
 * order, so the next reply belongs to the oldest question without one.
 *
 * **Late replies are counted off, not cut off.** A question whose time is up keeps its place in the queue.
 * When its reply comes, the client drops it, so it cannot reach the next question. The other way is to close
 * the connection. A daemon that slept for 10 ms with 1000 questions waiting would then lose all of them, and
 * meet a burst of new connections. The late replies would be lost, too, and they show that the daemon is
 * awake again. A connection that owes a reply for OVERDUE_MS longer is closed after all: the process at its
 * other end may hang for ever while a successor has taken over the socket.
 *
 * The client trusts its counting only while the replies make sense. Four things do not: a number that is not
 * the visitor's, a fresh number that repeats the last reply's, bytes without a question, and a line that is
 * too long. After one of them the client closes the connection, and all its questions fail.
 *
 * All questions of one turn go out in one write. The socket does not keep the process alive; a caller that
 * waits does.
 */

import { connect, type Socket } from "node:net";
import { nextTick } from "node:process";
import { type ClientAddress, connectOptions } from "./address.ts";
import { ANSWER_BYTES_MAX, isAnswerTo } from "./codec.ts";
import { Fifo } from "./fifo.ts";

/** If a reply is later than its question's deadline by more than this, the connection is closed. */
const OVERDUE_MS = 1000;

/** Questions without a reply; those whose callers have given up count, too. */
const OWED_MAX = 16_384;

/** The most that may wait for a daemon that does not read. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

/** A question that was sent, or waits to be sent. */
export interface Pending {
  /** The request, with its LF. */
  readonly line: string;
  /** The assignment that the question carries. */
  readonly given: string | undefined;
  /** The question carries neither assignment nor key, so the daemon draws a fresh assignment. */
  readonly isFresh: boolean;
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
  /** Its caller has an answer and no longer waits. */
  isSettled: boolean;
  /** It was sent before, on a connection that turned out dead. */
  isRetried: boolean;
}

export type Ending =
  /** The connection could not be opened, or was closed. */
  | "unreachable"
  /** The peer does not speak the protocol. */
  | "malformed";

/** The object that a connection reports to. */
export interface ConnectionOwner<T extends Pending> {
  /** A reply came. If the question is settled already, the reply is late and must be dropped. */
  replied(pending: T, assignment: string, location: string): void;
  /** The connection has ended, and these questions have no answer. */
  ended(connection: Connection<T>, unanswered: readonly T[], ending: Ending, cause?: Error): void;
}

export class Connection<T extends Pending> {
  #socket: Socket | undefined;
  readonly #owner: ConnectionOwner<T>;
  readonly #owed = new Fifo<T>();
  #unsent = "";
  #partial = "";
  #lastAssignment = "";
  #hasReplied = false;
  #hasEnded = false;

  constructor(address: ClientAddress, owner: ConnectionOwner<T>) {
    this.#owner = owner;
    try {
      const socket = connect(connectOptions(address));
      socket.unref();
      socket.on("data", (bytes: Buffer) => this.#receive(bytes.toString("latin1")));
      socket.on("end", () => this.#end("unreachable"));
      socket.on("error", (error) => this.#end("unreachable", error));
      socket.on("close", () => this.#end("unreachable"));
      this.#socket = socket;
    } catch (error) {
      // Deno throws if a permission is missing. The owner learns of it as it does of other failures: later,
      // not in this call.
      nextTick(() => this.#end("unreachable", error as Error));
    }
  }

  /** Whether a reply has ever come. If so, a dead connection is worth a second try. */
  get hasReplied(): boolean {
    return this.#hasReplied;
  }

  /** Whether it owes a reply to a question that was given up. */
  get isLate(): boolean {
    return this.#owed.peek()?.isSettled ?? false;
  }

  /** Whether it can take no more questions for now. */
  get isFull(): boolean {
    const unsentBytes = this.#unsent.length + (this.#socket?.writableLength ?? 0);
    return this.#owed.length >= OWED_MAX || unsentBytes > UNSENT_BYTES_MAX;
  }

  isOverdue(nowMs: number): boolean {
    const oldest = this.#owed.peek();
    return oldest !== undefined && nowMs > oldest.deadlineMs + OVERDUE_MS;
  }

  send(pending: T): void {
    this.#owed.push(pending);
    if (this.#unsent === "") nextTick(() => this.#flush());
    this.#unsent += pending.line;
  }

  /** Closes it and gives its unanswered questions back to the owner. */
  close(): void {
    this.#end("unreachable");
  }

  #flush(): void {
    const bytes = this.#unsent;
    this.#unsent = "";
    if (!this.#hasEnded) this.#socket?.write(bytes, "latin1");
  }

  #receive(bytes: string): void {
    const text = this.#partial === "" ? bytes : this.#partial + bytes;
    let at = 0;
    while (!this.#hasEnded) {
      const first = text.indexOf("\n", at);
      const second = first < 0 ? -1 : text.indexOf("\n", first + 1);
      if (second < 0) break;
      this.#reply(text.slice(at, first), text.slice(first + 1, second));
      at = second + 1;
    }
    this.#partial = text.slice(at);
    const isUnasked = this.#partial !== "" && this.#owed.length === 0;
    if (isUnasked || this.#partial.length > ANSWER_BYTES_MAX) this.#end("malformed");
  }

  #reply(assignment: string, location: string): void {
    const pending = this.#owed.peek();
    const isRepeated = pending?.isFresh === true && assignment === this.#lastAssignment;
    if (pending === undefined || isRepeated || !isAnswerTo(pending.given, assignment, location)) {
      this.#end("malformed");
      return;
    }
    this.#owed.shift();
    this.#lastAssignment = assignment;
    this.#hasReplied = true;
    this.#owner.replied(pending, assignment, location);
  }

  #end(ending: Ending, cause?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#partial = "";
    this.#socket?.destroy();
    this.#owner.ended(this, this.#owed.drain(), ending, cause);
  }
}
