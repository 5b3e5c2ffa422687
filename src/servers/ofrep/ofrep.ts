/**
 * Answers the OpenFeature Remote Evaluation Protocol (docs/protocol/ofrep.md) on the HTTP listener. So an
 * application with an OpenFeature SDK gets the same answer as the proxy.
 *
 *     POST /ofrep/v1/evaluate/flags/website    {"context": {"targetingKey": "user-1234"}}
 *     → {"key":"website","value":"canary",…}
 *
 * An application waits for each answer, so this is synchronous and bounded, as all decisions are.
 */

import { isExactlyAt } from "../http/ascii.ts";
import { BODY_BYTES_MAX } from "../http/body.ts";
import type { Head } from "../http/head.ts";
import { pathOf, queryOf, readQuestion, textOf } from "../http/question.ts";
import type { Page } from "../http/reply.ts";
import { bulkOf, bulkText, type Evaluator, hasTag, tagOf } from "./bulk.ts";
import type { Changes } from "./changes.ts";
import { type Failure, failure, readContext } from "./context.ts";
import { evaluation } from "./evaluation.ts";
import { flagOf } from "./flag.ts";

const FLAGS = Buffer.from("/ofrep/v1/evaluate/flags");
const EVENTS = Buffer.from("/ofrep/events");
const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;

/** The longest key of a flag that is read: a name of an application, a dot, a name of a version. */
const KEY_CHARACTERS_MAX = 256;

const NOT_POST: Page = {
  ...{ status: 405, contentType: "text/plain", body: "use POST\n" },
  headers: ["Allow: POST"],
};

/** Whether the head asks for the evaluation of a flag, or of all flags. */
export function isEvaluation(bytes: Uint8Array, { isHttp, target }: Head): boolean {
  if (!isHttp || !isExactlyAt(FLAGS, bytes, target.start)) return false;
  const end = target.start + FLAGS.length;
  return end === target.end || bytes[end] === SLASH || bytes[end] === QUESTION_MARK;
}

/** Whether the head asks for a stream of changes. */
export function isEvents(bytes: Uint8Array, { isHttp, isGet, target }: Head): boolean {
  if (!isHttp || !isGet || !isExactlyAt(EVENTS, bytes, target.start)) return false;
  const end = target.start + EVENTS.length;
  return end === target.end || bytes[end] === QUESTION_MARK;
}

/** The application of which a stream wants to hear; undefined for all. */
export function applicationOf(bytes: Uint8Array, head: Head): string | undefined {
  return queryOf(bytes, head).get("application") || undefined;
}

export class Ofrep {
  readonly #evaluator: Evaluator;
  readonly changes: Changes;

  /** @param evaluator its request and decision are used for all requests of the listener */
  constructor(evaluator: Evaluator, changes: Changes) {
    this.#evaluator = evaluator;
    this.changes = changes;
  }

  /**
   * The answer to a request for which `isEvaluation` is true.
   *
   * @param body undefined if the body is too long, or if its end is not certain
   */
  answer(bytes: Uint8Array, head: Head, body: Buffer | undefined, nowMs: number): Page {
    if (!head.isPost) return NOT_POST;
    const path = pathOf(bytes, head);
    const key = path.length === FLAGS.length ? undefined : decoded(path.slice(FLAGS.length + 1));
    const { handler, request, decision } = this.#evaluator;
    readQuestion(bytes, head, request, handler.allowsForce);
    const fault = body === undefined ? NOT_READ : readContext(body, request);
    if (fault === undefined) return key === undefined ? this.#all(bytes, head, nowMs) : this.#one(key, nowMs);
    // A request that cannot be read is counted as invalid.
    request.valid = false;
    handler.decide(request, nowMs, decision);
    return failed(400, key, fault);
  }

  #one(key: string, nowMs: number): Page {
    const { handler, rollout, request, decision } = this.#evaluator;
    const flag = flagOf(key, rollout);
    // A key that is not found is counted as an unknown application.
    request.application = flag?.application ?? key;
    handler.decide(request, nowMs, decision);
    if (flag === undefined) return failed(404, key, failure("FLAG_NOT_FOUND", notFound(key)));
    return json(200, evaluation(key, flag.application, flag.version, decision));
  }

  #all(bytes: Uint8Array, head: Head, nowMs: number): Page {
    const { application } = this.#evaluator.request;
    const bulk = bulkOf(this.#evaluator, application, nowMs);
    const tag = tagOf(bulk);
    const headers = [`ETag: ${tag}`, NO_STORE];
    if (hasTag(textOf(bytes, head.ifNoneMatch), tag)) {
      return { status: 304, contentType: "", body: "", headers };
    }
    const query = application === undefined ? "" : `?application=${encodeURIComponent(application)}`;
    return { ...json(200, bulkText(bulk, this.changes.isFull ? undefined : `${EVENTS}${query}`)), headers };
  }
}

const NOT_READ = failure(
  "INVALID_CONTEXT",
  `send a body of at most ${BODY_BYTES_MAX} bytes, with Content-Length or in a few chunks, and without Expect`,
);

function notFound(key: string): string {
  return `the daemon serves no application of this name, and none of which this is a version: ${key}`;
}

/** @param key undefined if all flags were asked for */
function failed(status: number, key: string | undefined, fault: Failure): Page {
  return json(status, JSON.stringify({ key, ...fault }));
}

const NO_STORE = "Cache-Control: no-store";

function json(status: number, body: string): Page {
  return { status, contentType: "application/json", body, headers: [NO_STORE] };
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
