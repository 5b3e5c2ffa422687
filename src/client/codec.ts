/**
 * The client's side of the line protocol (docs/protocol/line.md): makes a line of a question, and reads the
 * two lines of an answer. Pure.
 *
 * Values are percent-encoded, and an assignment has only the characters of a number. So a visitor's input
 * cannot become a second request.
 */

/** A request with its LF must be shorter than this, or the daemon counts it as invalid. */
export const LINE_BYTES_MAX = 8192;

/** Every decimal spelling of a fraction is shorter. The client does not send a longer one. */
const ASSIGNMENT_BYTES_MAX = 32;

/** The longest answer: an assignment, a location and two LF. */
export const ANSWER_BYTES_MAX = ASSIGNMENT_BYTES_MAX + 64 + 2;

/** The characters that may be sent as an assignment. The daemon judges whether they make a number. */
const SENDABLE = /^[0-9.eE+-]+$/;

/**
 * The daemon repeats a known assignment in its own spelling, so every spelling that the protocol allows may
 * come back.
 */
const ASSIGNMENT = /^\+?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const LOCATION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A question about one visitor. */
export interface Question {
  /** The visitor's number in [0, 1), in the spelling of the cookie; absent for a new visitor. */
  readonly assignment?: string | undefined;
  /** An application that the daemon serves; the daemon's first one by default. */
  readonly application?: string | undefined;
  /** A stable id of the visitor, such as a user id. Without an assignment, the daemon derives one from it. */
  readonly key?: string | undefined;
  /** The location that the visitor asks for; the daemon obeys only if it has `-allow-force`. */
  readonly force?: string | undefined;
}

/**
 * The request for a question, without its LF. Throws if a value is neither a string nor absent (possible in
 * JavaScript).
 */
export function requestLine({ assignment = "", application, key, force }: Question): string {
  return assignment + field("application", application) + field("key", key) + field("force", force);
}

/**
 * `text` if it may be sent as an assignment, even if it is not a number; else undefined, for a new visitor.
 */
export function sendableAssignment(text: unknown): string | undefined {
  const isSendable = typeof text === "string" && text.length <= ASSIGNMENT_BYTES_MAX && SENDABLE.test(text);
  return isSendable ? text : undefined;
}

/** Whether `text` spells a number in [0, 1) as the protocol allows. */
export function isAssignment(text: string): boolean {
  return ASSIGNMENT.test(text) && Number(text) < 1;
}

export function isLocation(text: string): boolean {
  return LOCATION.test(text);
}

/**
 * Whether two lines can answer a visitor who brought `given`. A valid number comes back equal (LP-3), so
 * another number answers another visitor.
 */
export function isAnswerTo(given: string | undefined, assignment: string, location: string): boolean {
  if (assignment.length > ASSIGNMENT_BYTES_MAX || !isAssignment(assignment) || !isLocation(location))
    return false;
  return (
    given === undefined ||
    given === assignment ||
    !isAssignment(given) ||
    Number(given) === Number(assignment)
  );
}

/** Null is absent, too: in JavaScript it often means that there is no such header or user. */
function field(name: string, value: string | null | undefined): string {
  return value === undefined || value === null ? "" : ` ${name}=${encoded(value)}`;
}

/**
 * Percent-encodes a value. UTF-8 cannot hold a lone surrogate, so the replacement character takes its place.
 */
function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
