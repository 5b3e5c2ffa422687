/**
 * Reads the body of a request: the context of the visitor. Pure.
 *
 *     {"context": {"targetingKey": "user-1234", "maxwellsdaemon": "0.42"}}
 *
 * Applications put their own values beside these. They are not looked at.
 */

import { assignmentOfText } from "../../assignment.ts";
import type { Request } from "../../handler.ts";

/**
 * The most values in a body, those within others counted too. Each is an object of the runtime, and to
 * collect many of them would delay the answers of others.
 */
export const VALUES_MAX = 1_024;

/** The codes of errors, as OpenFeature has them. */
export type ErrorCode = "PARSE_ERROR" | "INVALID_CONTEXT" | "TARGETING_KEY_MISSING" | "FLAG_NOT_FOUND";

/** Why a request has no answer. */
export interface Failure {
  readonly errorCode: ErrorCode;
  readonly errorDetails: string;
}

/**
 * Adds the context in `body` to `request`. The head of the HTTP request has been read into it before: the
 * assignment of a header or of a cookie counts if the context has none. With an assignment the key does not
 * count.
 *
 * @returns why the request cannot be answered, or undefined
 */
export function readContext(body: Buffer, request: Request): Failure | undefined {
  if (separatorsIn(body) > VALUES_MAX)
    return failure("INVALID_CONTEXT", `the context has more than ${VALUES_MAX} values`);
  const read = parsed(body);
  if (read === undefined) return failure("PARSE_ERROR", "the body is not an object of JSON");
  const { context = {} } = read;
  if (!isObject(context)) return failure("INVALID_CONTEXT", "the context is not an object");
  const { targetingKey, maxwellsdaemon: assignment, "maxwellsdaemon-force": force } = context;
  const application = context["maxwellsdaemon-application"];
  if (!isText(targetingKey)) return failure("INVALID_CONTEXT", "the targetingKey is not a text");
  if (!isText(force)) return failure("INVALID_CONTEXT", "maxwellsdaemon-force is not a text");
  if (!isText(application)) return failure("INVALID_CONTEXT", "maxwellsdaemon-application is not a text");
  if (!isText(assignment) && typeof assignment !== "number")
    return failure("INVALID_CONTEXT", "maxwellsdaemon is neither a text nor a number");
  if (isGiven(assignment)) {
    request.assignment = assignmentOfText(String(assignment));
    request.valid = !Number.isNaN(request.assignment);
  }
  // A proxy that names the application hides the others from its visitors.
  if (isGiven(application)) request.application ??= application;
  if (isGiven(force)) request.force = force;
  request.key = isGiven(targetingKey) ? targetingKey : undefined;
  // A visitor without a number that can be read gets master, as at `/decide`.
  const isPlaced = request.key !== undefined || !Number.isNaN(request.assignment) || !request.valid;
  return isPlaced ? undefined : failure("TARGETING_KEY_MISSING", "the context has no targetingKey");
}

export function failure(errorCode: ErrorCode, errorDetails: string): Failure {
  return { errorCode, errorDetails };
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;

/** The commas and opening brackets outside of texts. There are not many more values than these. */
function separatorsIn(body: Uint8Array): number {
  let count = 0;
  let isText = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText && byte === BACKSLASH) at++;
    else if (!isText && (byte === COMMA || byte === BRACKET || byte === BRACE)) count++;
  }
  return count;
}

/** The object in these bytes; undefined if they are not an object of JSON. */
function parsed(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = JSON.parse(body.toString("utf8"));
    return isObject(read) ? read : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether it is a text, or is not there. */
function isText(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === "string";
}

/** Whether it is there. An empty text counts as absent, as in the other protocols. */
function isGiven<T>(value: T | null | undefined | ""): value is T {
  return value !== undefined && value !== null && value !== "";
}
