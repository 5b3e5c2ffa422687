/**
 * Answers the OpenFeature Remote Evaluation Protocol (docs/protocol/ofrep.md) on the HTTP listener. So an
 * application with an OpenFeature SDK gets the same answer as the proxy.
 *
 *     POST /ofrep/v1/evaluate/flags/website    {"context": {"targetingKey": "user-1234"}}
 *     → {"key":"website","value":"canary",…}
 *
 * An application waits for each answer, so this is synchronous and bounded, as all decisions are.
 */

import type { Decision, Request } from "../../handler.ts";
import { isExactlyAt } from "../http/ascii.ts";
import { BODY_BYTES_MAX } from "../http/body.ts";
import type { Head } from "../http/head.ts";
import { pathOf, readQuestion } from "../http/question.ts";
import type { Page } from "../http/reply.ts";
import type { ServerContext } from "../server.ts";
import { type Failure, failure, readContext } from "./context.ts";
import { evaluation } from "./evaluation.ts";
import { flagOf } from "./flag.ts";

const FLAGS = Buffer.from("/ofrep/v1/evaluate/flags");
const SLASH = 0x2f;

/** The longest key of a flag that is read: a name of an application, a dot, a name of a version. */
const KEY_CHARACTERS_MAX = 256;

const TYPE = "application/json";

const NOT_POST: Page = {
  ...{ status: 405, contentType: "text/plain", body: "use POST\n" },
  headers: ["Allow: POST"],
};

/** Whether the head asks for the evaluation of a flag. */
export function isEvaluation(bytes: Uint8Array, { isHttp, target }: Head): boolean {
  const end = target.start + FLAGS.length;
  return isHttp && isExactlyAt(FLAGS, bytes, target.start) && end < target.end && bytes[end] === SLASH;
}

export class Ofrep {
  readonly #context: ServerContext;
  readonly #request: Request;
  readonly #decision: Decision;

  /** @param request one object for all requests of the listener, and so is `decision` */
  constructor(context: ServerContext, request: Request, decision: Decision) {
    this.#context = context;
    this.#request = request;
    this.#decision = decision;
  }

  /**
   * The answer to a request for which `isEvaluation` is true.
   *
   * @param body undefined if the body is too long, or if its end is not certain
   */
  answer(bytes: Uint8Array, head: Head, body: Buffer | undefined, nowMs: number): Page {
    if (!head.isPost) return NOT_POST;
    const key = decoded(pathOf(bytes, head).slice(FLAGS.length + 1));
    const { handler, rollout } = this.#context;
    readQuestion(bytes, head, this.#request, handler.allowsForce);
    const fault = body === undefined ? NOT_READ : readContext(body, this.#request, handler.allowsForce);
    if (fault !== undefined) return this.#refused(fault, key, nowMs);
    const flag = flagOf(key, rollout);
    // A key that is not found is counted as an unknown application.
    this.#request.application = flag?.application ?? key;
    handler.decide(this.#request, nowMs, this.#decision);
    if (flag === undefined) return failed(404, key, failure("FLAG_NOT_FOUND", notFound(key)));
    return json(200, evaluation(key, flag.application, flag.version, this.#decision));
  }

  /** The answer to a request that cannot be read. It is counted as invalid. */
  #refused(fault: Failure, key: string, nowMs: number): Page {
    this.#request.valid = false;
    this.#context.handler.decide(this.#request, nowMs, this.#decision);
    return failed(400, key, fault);
  }
}

const NOT_READ = failure(
  "INVALID_CONTEXT",
  `send a body of at most ${BODY_BYTES_MAX} bytes, with Content-Length or in a few chunks, and without Expect`,
);

function notFound(key: string): string {
  return `the daemon serves no application of this name, and none of which this is a version: ${key}`;
}

function failed(status: number, key: string, fault: Failure): Page {
  return json(status, JSON.stringify({ key, ...fault }));
}

function json(status: number, body: string): Page {
  return { status, contentType: TYPE, body, headers: ["Cache-Control: no-store"] };
}

/** The key in a path. A path that is not percent-encoded right is taken as it is. */
function decoded(text: string): string {
  const key = text.slice(0, KEY_CHARACTERS_MAX * 3);
  try {
    return decodeURIComponent(key).slice(0, KEY_CHARACTERS_MAX);
  } catch {
    return key.slice(0, KEY_CHARACTERS_MAX);
  }
}
