/**
 * One connection to a daemon, with any number of questions on their way. Replies come in order, so the oldest question
 * that has none is whose the next reply is.
 *
 * **Late replies are counted off, not cut off.** A question whose time is up keeps its place in the queue until its
 * reply comes, and that is dropped: it cannot reach the next question. To close the connection instead would make a
 * daemon that slept for 10 ms with 1000 questions on their way lose all of them, and be met by a burst of new
 * connections; and it would throw away the late replies, which tell that it is awake again. A connection that owes a
 * reply for OVERDUE_MS longer is closed after all: the process at its other end may hang for ever, while another one has
 * taken its place at the socket.
 *
 * Counting is trusted only as far as the replies make sense: a number that is not the visitor's, a fresh one that was
 * the last reply's, bytes that nobody asked for, or a line too long end the connection, and all that is on its way
 * there has failed.
 *
 * What is sent within one turn goes out as one write. The socket keeps no process alive; a caller that waits does.
 */

import { connect, type Socket } from "node:net";
import { nextTick } from "node:process";
import { type ClientAddress, connectOptions } from "./address.ts";
import { ANSWER_BYTES_MAX, isAnswerTo } from "./codec.ts";
import { Fifo } from "./fifo.ts";

/** A connection that owes a reply for longer than the question's time and this is closed. */
const OVERDUE_MS = 1000;

/** Questions that have no reply yet, those included that nobody waits for any more. */
const OWED_MAX = 16_384;

/** What may wait for a daemon that reads nothing. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

/** A question on its way. */
export interface Pending {
  /** With its LF. */
  readonly line: string;
  /** The assignment that was asked with. */
  readonly given: string | undefined;
  /** Asked with neither assignment nor key, so the answer is drawn. */
  readonly isFresh: boolean;
  /** By `performance.now()`. */
  readonly deadlineMs: number;
  /** Nobody waits for its reply any more. */
  isSettled: boolean;
  /** It was on a connection before that turned out dead. */
  isRetried: boolean;
}

export type Ending =
  /** It could not be opened, or was closed. */
  | "unreachable"
  /** Its peer does not speak the protocol. */
  | "malformed";

/** Who is told what happens on a connection. */
export interface ConnectionOwner<T extends Pending> {
  /** For a question that may have been settled before: then the reply is late, and nobody's. */
  replied(pending: T, assignment: string, location: string): void;
  /** It has ended, with these questions unanswered. */
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
      // Deno throws if a permission is missing. The caller is told as of any other failure, and not at once.
      nextTick(() => this.#end("unreachable", error as Error));
    }
  }

  /** Whether a reply has ever come, so that it is worth to ask again when it turns out dead. */
  get hasReplied(): boolean {
    return this.#hasReplied;
  }

  /** Whether it owes a reply that nobody waits for any more. */
  get isLate(): boolean {
    return this.#owed.peek()?.isSettled ?? false;
  }

  /** Whether no more can be sent for now. */
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

  /** Closes it; its owner is told of what was on its way. */
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
