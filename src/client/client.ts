/**
 * Asks a daemon from an application, over connections that persist: for Node 20 and later, Bun and Deno.
 *
 *     const client = new Client({ address: "unix:/run/maxwells-daemon.sock" });
 *     const { assignment, location } = await client.decide({ assignment: cookie });
 *
 * When in doubt, master. `decide` never rejects. If the daemon is gone, hangs, is late or answers nonsense,
 * `decide` resolves to `master` within TIMEOUT_MS. The visitor keeps its assignment, and the decision says
 * that the daemon did not decide, so the caller sets no cookie. If a pooled connection turns out dead, its
 * questions are asked once more on a fresh one, within the time that is left. After some failures in a row
 * the client stops asking for a while (`pause.ts`).
 *
 * One connection does all the work while it is in time: the daemon has one thread, and all questions of one
 * turn go out in one write. If that connection is late, the client opens another one.
 */

import { emitWarning } from "node:process";
import { type ClientAddress, clientAddress } from "./address.ts";
import { LINE_BYTES_MAX, type Question, requestLine, sendableAssignment } from "./codec.ts";
import { Connection, type Ending, type Pending } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { Pause } from "./pause.ts";
import { type Report, reportLine } from "./report-line.ts";
import { Reporter } from "./reporter.ts";

export type { Question } from "./codec.ts";
export type { Report } from "./report-line.ts";

/** The daemon's default address. */
const ADDRESS = "unix:/tmp/maxwells-daemon.sock";

/** The longest wait of a visitor for an answer, in every case. */
const TIMEOUT_MS = 8;

/** The most connections of one client. More of them would not make a late daemon faster. */
const CONNECTIONS_MAX = 4;

/** The longest time that a timer of JavaScript can wait. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export interface ClientOptions {
  /** `unix:PATH` or `tcp:HOST:PORT`; `unix:/tmp/maxwells-daemon.sock` by default. */
  readonly address?: string | undefined;
  /** The limit for a question, with connecting and asking once more; 8 by default. */
  readonly timeoutMs?: number | undefined;
  /** Called when the daemon is lost and when it answers again; not for each question. */
  readonly onEvent?: ((event: ClientEvent) => void) | undefined;
}

export interface ClientEvent {
  readonly kind: "lost" | "found";
  /** A sentence for the log. */
  readonly message: string;
}

/** The reason why the daemon did not decide. */
export type UndecidedReason =
  /** There was no connection, or it was cut off. */
  | "unreachable"
  /** No answer came in time. */
  | "timeout"
  /** The reply does not answer this question. */
  | "malformed"
  /** Questions before this one found that the daemon does not answer, so this one was not asked. */
  | "paused"
  /** Too many questions are waiting for their answers already. */
  | "overloaded"
  /** The question does not fit into a line, or has values that are not strings. */
  | "unaskable"
  /** The client was closed. */
  | "closed";

/** The answer for a visitor, made by the daemon or in its place. */
export type Decision = Decided | Undecided;

export interface Decided {
  readonly isDecided: true;
  /** The visitor's number, spelled as the daemon spelled it; the visitor keeps it. */
  readonly assignment: string;
  /** `master`, or the name of a version. */
  readonly location: string;
}

export interface Undecided {
  readonly isDecided: false;
  /** The visitor's assignment, if it can be one. */
  readonly assignment: string | undefined;
  readonly location: "master";
  readonly reason: UndecidedReason;
}

export interface ClientStats {
  /** Questions that the daemon answered in time. */
  readonly decided: number;
  /** Questions that the daemon did not answer in time, by reason. */
  readonly undecided: Readonly<Record<UndecidedReason, number>>;
  /** The daemon does not answer; the client only probes it. */
  readonly isLost: boolean;
  /** Questions whose callers still wait. */
  readonly waiting: number;
  readonly connections: number;
  /** Reports of outcomes that were given to the daemon, and those that were dropped. */
  readonly reported: number;
  readonly unreported: number;
}

interface Asked extends Pending {
  readonly resolve: (decision: Decision) => void;
}

export class Client {
  readonly #address: ClientAddress;
  readonly #addressText: string;
  readonly #timeoutMs: number;
  readonly #onEvent: ((event: ClientEvent) => void) | undefined;
  readonly #deadlines = new Deadlines<Asked>((asked) => this.#fail(asked, "timeout"));
  readonly #pause = new Pause();
  readonly #reporter: Reporter;
  #connections: Connection<Asked>[] = [];
  #isClosed = false;
  #decided = 0;
  readonly #undecided: Record<UndecidedReason, number> = {
    unreachable: 0,
    timeout: 0,
    malformed: 0,
    paused: 0,
    overloaded: 0,
    unaskable: 0,
    closed: 0,
  };

  /** Opens no connection yet. Throws a `TypeError` if an option is wrong. */
  constructor(options: ClientOptions = {}) {
    if (typeof options !== "object" || options === null) {
      throw new TypeError('the options of a client are an object, such as { address: "unix:PATH" }');
    }
    const { address = ADDRESS, timeoutMs = TIMEOUT_MS, onEvent } = options;
    if (!(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX)) {
      throw new TypeError("timeoutMs is a number of milliseconds, over 0");
    }
    if (typeof (onEvent ?? (() => {})) !== "function") {
      throw new TypeError("onEvent is a function");
    }
    this.#address = clientAddress(address);
    this.#addressText = address;
    this.#reporter = new Reporter(this.#address);
    this.#timeoutMs = timeoutMs;
    this.#onEvent = onEvent;
  }

  /** Asks for a visitor's location. Never throws or rejects; resolves within the client's `timeoutMs`. */
  decide(question: Question = {}): Promise<Decision> {
    let given: string | undefined;
    let line = "";
    let isFresh = false;
    try {
      if (typeof question !== "object") throw new TypeError("a question is an object");
      given = sendableAssignment(question.assignment);
      isFresh = given === undefined && (question.key ?? undefined) === undefined;
      line = `${requestLine(given === question.assignment ? question : { ...question, assignment: given })}\n`;
    } catch {
      // A caller in JavaScript may pass null, a number as key, or a getter that throws. No visitor may see an
      // error for it.
    }
    if (this.#isClosed) return Promise.resolve(this.#toMaster(given, "closed"));
    // Before the pause is checked: a question that cannot be sent must not use up the probe.
    if (line === "" || line.length > LINE_BYTES_MAX)
      return Promise.resolve(this.#toMaster(given, "unaskable"));
    const nowMs = performance.now();
    if (!this.#pause.mayAsk(nowMs)) return Promise.resolve(this.#toMaster(given, "paused"));
    const connection = this.#choose(nowMs);
    if (connection === undefined) return Promise.resolve(this.#toMaster(given, "overloaded"));
    return new Promise((resolve) => {
      const asked: Asked = {
        line,
        given,
        isFresh,
        deadlineMs: nowMs + this.#timeoutMs,
        isSettled: false,
        isRetried: false,
        resolve,
      };
      this.#deadlines.add(asked, nowMs);
      connection.send(asked);
    });
  }

  /**
   * Reports what became of a visitor's request. A release is judged by such reports. Returns at once and
   * never throws. A report that cannot be sent is dropped and counted.
   */
  report(report: Report): void {
    let line: string | undefined;
    try {
      line = reportLine(report);
    } catch {
      // A caller in JavaScript may pass null, or a getter that throws.
    }
    this.#reporter.add(line);
  }

  /** Counts since the client was made, and its state now. */
  get stats(): ClientStats {
    return {
      decided: this.#decided,
      undecided: { ...this.#undecided },
      isLost: this.#pause.isOn,
      waiting: this.#deadlines.count,
      connections: this.#connections.length,
      reported: this.#reporter.stats.sent,
      unreported: this.#reporter.stats.dropped,
    };
  }

  /** Closes all connections. Questions that wait, and later ones, are answered with master. */
  close(): void {
    this.#isClosed = true;
    this.#reporter.close();
    for (const connection of this.#connections.slice()) connection.close();
    this.#deadlines.close();
  }

  /** A connection that is in time, else a new one, else a late one; undefined if all are full. */
  #choose(nowMs: number): Connection<Asked> | undefined {
    const [first] = this.#connections;
    if (first !== undefined && !first.isLate && !first.isFull) return first;
    for (const connection of this.#connections.slice()) {
      if (connection.isOverdue(nowMs)) connection.close();
    }
    const open = this.#connections.filter((connection) => !connection.isFull);
    const inTime = open.find((connection) => !connection.isLate);
    if (inTime !== undefined) return inTime;
    return this.#connections.length < CONNECTIONS_MAX ? this.#open() : open[0];
  }

  #open(): Connection<Asked> {
    const connection = new Connection<Asked>(this.#address, {
      replied: (asked, assignment, location) => this.#replied(asked, assignment, location),
      ended: (ended, unanswered, ending, cause) => this.#ended(ended, unanswered, ending, cause),
    });
    this.#connections.push(connection);
    return connection;
  }

  #replied(asked: Asked, assignment: string, location: string): void {
    if (asked.isSettled) {
      this.#pause.answeredLate();
      return;
    }
    this.#settle(asked);
    this.#decided++;
    asked.resolve({ isDecided: true, assignment, location });
    if (this.#pause.answered()) this.#tell("found", `maxwells-daemon at ${this.#addressText} answers again`);
  }

  #ended(
    ended: Connection<Asked>,
    unanswered: readonly Asked[],
    ending: Ending,
    cause: Error | undefined,
  ): void {
    this.#connections = this.#connections.filter((connection) => connection !== ended);
    const isWorthRetrying = ending === "unreachable" && ended.hasReplied && !this.#isClosed;
    let fresh: Connection<Asked> | undefined;
    for (const asked of unanswered) {
      if (asked.isSettled) continue;
      if (isWorthRetrying && !asked.isRetried) {
        asked.isRetried = true;
        fresh ??= this.#open();
        fresh.send(asked);
      } else if (isWorthRetrying) {
        // The daemon answers one question per connection and then closes it. It is not lost, so no pause.
        this.#giveUp(asked, "unreachable");
      } else {
        this.#fail(asked, this.#isClosed ? "closed" : ending, cause);
      }
    }
  }

  #fail(asked: Asked, reason: Ending | "timeout" | "closed", cause?: Error): void {
    this.#giveUp(asked, reason);
    if (reason === "closed" || !this.#pause.failed(performance.now(), reason === "unreachable")) return;
    const why = cause === undefined ? reason : `${reason}: ${cause.message}`;
    this.#tell(
      "lost",
      `maxwells-daemon at ${this.#addressText} does not answer (${why}): all visitors go to master until it does`,
    );
  }

  #giveUp(asked: Asked, reason: UndecidedReason): void {
    this.#settle(asked);
    asked.resolve(this.#toMaster(asked.given, reason));
  }

  #settle(asked: Asked): void {
    asked.isSettled = true;
    this.#deadlines.settled();
  }

  #toMaster(assignment: string | undefined, reason: UndecidedReason): Undecided {
    this.#undecided[reason]++;
    return { isDecided: false, assignment, location: "master", reason };
  }

  /** If a listener throws, the process gets a warning, and no visitor sees an error. */
  #tell(kind: ClientEvent["kind"], message: string): void {
    try {
      this.#onEvent?.({ kind, message });
    } catch (error) {
      emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
