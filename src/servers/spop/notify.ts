/**
 * Reads HAProxy's question and writes the answer, once a request: the messages of a NOTIFY → a request, a
 * decision → the actions of an ACK (SPOE.txt of HAProxy, sections 3.3 and 3.4). Pure. Allocates only for an
 * application, a key or a forced location.
 */

import { parseAssignment, SPELLING_BYTES_MAX } from "../../assignment.ts";
import type { Decision, Request } from "../../handler.ts";
import type { Cursor } from "./cursor.ts";
import { emptyValue, isText, readValue, TYPE, type Value, writeString } from "./data.ts";

/** The message that the daemon answers. HAProxy may send others beside it. */
const DECIDE = Buffer.from("decide");

const ASSIGNMENT = Buffer.from("assignment");
const APPLICATION = Buffer.from("application");
const KEY = Buffer.from("key");
const FORCE = Buffer.from("force");

const SET_VAR = 1;
const SET_VAR_ARGUMENTS = 3;
const SCOPE_TRANSACTION = 2;

/** A `decide` message. One object serves all messages of a listener. */
export interface DecideMessage {
  /** Whether there was such a message. */
  isAsked: boolean;
  /** The position of the assignment; empty if none was given. */
  start: number;
  end: number;
  /** The current argument. */
  readonly value: Value;
}

export function emptyQuestion(): DecideMessage {
  return { isAsked: false, start: 0, end: 0, value: emptyValue() };
}

/**
 * Reads all messages that are left into `request` and `question`. The first `decide` counts, and all others
 * are skipped. The cursor is broken if a message is malformed.
 *
 * @param allowsForce if false, the argument `force` is not read
 */
export function readMessages(
  cursor: Cursor,
  request: Request,
  question: DecideMessage,
  allowsForce: boolean,
): void {
  request.assignment = Number.NaN;
  request.valid = true;
  request.application = undefined;
  request.key = undefined;
  request.force = undefined;
  question.isAsked = false;
  question.start = 0;
  question.end = 0;
  while (cursor.hasMore) {
    const start = cursor.skip(cursor.varint());
    const isDecide = !question.isAsked && cursor.is(DECIDE, start, cursor.at);
    const count = cursor.byte();
    for (let i = 0; i < count && !cursor.isBroken; i++) {
      const nameStart = cursor.skip(cursor.varint());
      const nameEnd = cursor.at;
      readValue(cursor, question.value);
      if (isDecide && !cursor.isBroken) {
        readArgument(cursor, nameStart, nameEnd, request, question, allowsForce);
      }
    }
    if (isDecide) question.isAsked = true;
  }
}

/**
 * Fills in one argument. NULL and an empty text count as absent, because HAProxy sends them if a visitor has
 * no such value. If two arguments have the same name, the first one that is not absent counts, so that a
 * header can take precedence over a cookie.
 */
function readArgument(
  cursor: Cursor,
  nameStart: number,
  nameEnd: number,
  request: Request,
  question: DecideMessage,
  allowsForce: boolean,
): void {
  const { value } = question;
  const { start, end } = value;
  const isGivenText = isText(value);
  if (value.type === TYPE.null || (isGivenText && start === end)) return;
  if (cursor.is(ASSIGNMENT, nameStart, nameEnd)) {
    if (question.end > question.start) return;
    question.start = start;
    question.end = end;
    request.assignment = isGivenText ? parseAssignment(cursor.bytes, start, end) : Number.NaN;
    if (Number.isNaN(request.assignment)) request.valid = false;
  } else if (cursor.is(APPLICATION, nameStart, nameEnd)) {
    if (isGivenText) request.application ??= cursor.text(start, end);
    else request.valid = false;
  } else if (cursor.is(KEY, nameStart, nameEnd)) {
    if (isGivenText) request.key ??= cursor.text(start, end);
    else request.valid = false;
  } else if (allowsForce && isGivenText && cursor.is(FORCE, nameStart, nameEnd)) {
    request.force ??= cursor.text(start, end);
  }
}

/**
 * Writes the actions at `out[at]`: they set `assignment` and `location` as variables of the transaction.
 * 160 bytes must be free there: the heads of two actions, the longest spelling and the longest location.
 *
 * @param bytes `question` has a position in these: the spelling of the assignment, which is echoed if it is
 *              used
 * @returns the position for the next byte
 */
export function writeActions(
  out: Buffer,
  at: number,
  decision: Readonly<Decision>,
  request: Readonly<Request>,
  bytes: Uint8Array,
  question: Readonly<DecideMessage>,
): number {
  let next = writeSetVar(out, at, SET_ASSIGNMENT);
  const length = question.end - question.start;
  if (request.valid && decision.assignment === request.assignment && length <= SPELLING_BYTES_MAX) {
    out[next++] = TYPE.string;
    out[next++] = length;
    for (let i = question.start; i < question.end; i++) out[next++] = bytes[i] as number;
  } else {
    next = writeString(out, next, String(decision.assignment));
  }
  return writeString(out, writeSetVar(out, next, SET_LOCATION), decision.placement.location);
}

const SET_ASSIGNMENT = setVar("assignment");
const SET_LOCATION = setVar("location");

/** The bytes of an action, without its value. */
function setVar(name: string): Uint8Array {
  return Buffer.from([SET_VAR, SET_VAR_ARGUMENTS, SCOPE_TRANSACTION, name.length, ...Buffer.from(name)]);
}

function writeSetVar(out: Uint8Array, at: number, action: Uint8Array): number {
  for (let i = 0; i < action.length; i++) out[at + i] = action[i] as number;
  return at + action.length;
}
