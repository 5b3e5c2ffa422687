/**
 * A minimal client of the line protocol: one question over a connection of its own, with a deadline.
 *
 * It uses only `node:net`, so it runs on Node as well. It reads replies strictly: two lines of bounded
 * length, and nothing more. Any other reply is an error, because the daemon does not send it.
 */

import { connect } from "node:net";
import { type ClientAddress, connectOptions } from "./address.ts";
import { isAssignment, isLocation, LINE_BYTES_MAX, type Question, requestLine } from "./codec.ts";

/** Longer than every reply: an assignment and a location, or all arcs of an application. */
const REPLY_BYTES_MAX = 32_768;

export interface SingleQuestion extends Question {
  /** The daemon's address. */
  readonly address: ClientAddress;
  /** The limit for all of it, from connecting to the last byte. */
  readonly timeoutMs: number;
}

export interface DecisionAnswer {
  /** The number in the daemon's spelling. */
  readonly assignment: string;
  readonly location: string;
}

export interface Explanation extends DecisionAnswer {
  /** One of the words of `REASONS`, or a word of a newer daemon. */
  readonly reason: string;
  readonly application: string;
  /** Each in the form `canary=0.25@0`. */
  readonly arcs: readonly string[];
}

export type ClientErrorCode =
  /** There was no connection, or it was cut off. */
  | "unreachable"
  /** No whole reply came in time. */
  | "timeout"
  /** The reply does not follow the protocol. */
  | "malformed"
  /** The question cannot be asked: it does not fit into a line. */
  | "unaskable";

export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Asks for a visitor's location. Rejects with a `ClientError`. */
export async function ask(question: SingleQuestion): Promise<DecisionAnswer> {
  const [assignment, location] = await exchange(question, requestLine(question));
  return checked(assignment, location);
}

/** Like `ask`, with the reason of the decision. */
export async function explain(question: SingleQuestion): Promise<Explanation> {
  const [first, second] = await exchange(question, `?explain ${requestLine(question)}`.trimEnd());
  const [assignment = "", location = "", ...tooMuch] = first.split(" ");
  const [reason, application, ...arcs] = second.split(" ");
  if (tooMuch.length > 0 || !reason?.startsWith("reason=") || !application?.startsWith("application=")) {
    throw new ClientError("malformed", `it cannot explain; it answered ${shortened(`${first}\n${second}`)}`);
  }
  return {
    ...checked(assignment, location),
    reason: reason.slice("reason=".length),
    application: decoded(application.slice("application=".length)),
    arcs,
  };
}

/** Sends one line and resolves to the two lines of the reply. */
function exchange({ address, timeoutMs }: SingleQuestion, line: string): Promise<[string, string]> {
  if (/[\r\n]/.test(line) || Buffer.byteLength(line) >= LINE_BYTES_MAX) {
    return Promise.reject(
      new ClientError("unaskable", `a question is one line of less than ${LINE_BYTES_MAX} bytes`),
    );
  }
  return new Promise((resolve, reject) => {
    let reply = "";
    const connection = connect(connectOptions(address));
    const timer = setTimeout(() => {
      fail(new ClientError("timeout", `no answer within ${timeoutMs} ms`));
    }, timeoutMs);

    function finish(): void {
      clearTimeout(timer);
      connection.destroy();
    }
    function fail(error: ClientError): void {
      finish();
      reject(error);
    }

    connection.setEncoding("latin1");
    connection.on("connect", () => connection.write(`${line}\n`));
    connection.on("data", (chunk: string) => {
      reply += chunk;
      const [first, second, rest] = reply.split("\n", 3);
      if (first !== undefined && second !== undefined && rest === "" && reply.endsWith("\n")) {
        finish();
        resolve([first, second]);
      } else if (rest !== undefined || reply.length > REPLY_BYTES_MAX) {
        fail(new ClientError("malformed", `the reply is not two lines: ${shortened(reply)}`));
      }
    });
    connection.on("error", (error) => {
      fail(new ClientError("unreachable", error.message, { cause: error }));
    });
    connection.on("close", () => {
      fail(new ClientError("unreachable", "the connection was closed before the answer"));
    });
  });
}

function checked(assignment: string, location: string): DecisionAnswer {
  if (!isAssignment(assignment) || !isLocation(location)) {
    throw new ClientError(
      "malformed",
      `the reply is not an answer: ${shortened(`${assignment}\n${location}`)}`,
    );
  }
  return { assignment, location };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function shortened(text: string): string {
  const shownMax = 80;
  return JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);
}
