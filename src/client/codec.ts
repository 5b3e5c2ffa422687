/**
 * The line protocol (docs/protocol/line.md) as a client sees it: a question → a line, two lines → an answer. Pure.
 *
 * Values are percent-encoded, and an assignment has only the characters of a number, so nothing that a visitor sends
 * can become a second request.
 */

/** A request has to be shorter, its LF included, or the daemon takes it as invalid. */
export const LINE_BYTES_MAX = 8192;

/** Any decimal spelling of a fraction is shorter; a longer one is not sent. */
export const ASSIGNMENT_BYTES_MAX = 32;

/** What an answer to a question takes at most: an assignment, a location, two LF. */
export const ANSWER_BYTES_MAX = ASSIGNMENT_BYTES_MAX + 64 + 2;

/** What may be sent as an assignment; whether it is one, the daemon says. */
const SENDABLE = /^[0-9.eE+-]+$/;

/** A known visitor's is echoed as it was spelled, so all spellings that the protocol takes may come back. */
const ASSIGNMENT = /^\+?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const LOCATION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** What a visitor is asked about by. */
export interface Question {
  /** The visitor's number in [0, 1), as it was spelled; absent for a new visitor. */
  readonly assignment?: string | undefined;
  /** One of those that the daemon serves; its first one by default. */
  readonly application?: string | undefined;
  /** A stable id of the visitor, such as a user id: without an assignment, one is derived from it. */
  readonly key?: string | undefined;
  /** The location that the visitor asks for; obeyed only where the daemon has `-allow-force`. */
  readonly force?: string | undefined;
}

/** The line that asks, without its LF. Throws where a value is neither a string nor absent, as in JavaScript it may be. */
export function requestLine({ assignment = "", application, key, force }: Question): string {
  return assignment + field("application", application) + field("key", key) + field("force", force);
}

/** `text` if it may be sent as an assignment, whatever it means; else undefined, and the visitor is a new one. */
export function sendableAssignment(text: unknown): string | undefined {
  const isSendable = typeof text === "string" && text.length <= ASSIGNMENT_BYTES_MAX && SENDABLE.test(text);
  return isSendable ? text : undefined;
}

/** Whether `text` is a number in [0, 1), as the protocol spells it. */
export function isAssignment(text: string): boolean {
  return ASSIGNMENT.test(text) && Number(text) < 1;
}

export function isLocation(text: string): boolean {
  return LOCATION.test(text);
}

/**
 * Whether two lines can be the answer to a visitor who brought `given`: a valid number comes back equal (LP-3), so
 * another one is the answer to somebody else.
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

/** Null is absent, too: so JavaScript says that there is no such header or user. */
function field(name: string, value: string | null | undefined): string {
  return value === undefined || value === null ? "" : ` ${name}=${encoded(value)}`;
}

/** Percent-encoded; a lone surrogate, which UTF-8 cannot hold, as the replacement character. */
function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
