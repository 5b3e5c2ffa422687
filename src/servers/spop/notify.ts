/**
 * What HAProxy asks and is answered, once a request: the messages of a NOTIFY → a request, a decision → the actions of
 * an ACK (SPOE.txt of HAProxy, sections 3.3 and 3.4). Pure, and without allocation unless an application or a key is
 * named.
 */

import { parseAssignment, SPELLING_BYTES_MAX } from "../../assignment.ts";
import type { Decision, Request } from "../../handler.ts";
import type { Cursor } from "./cursor.ts";
import { emptyValue, isText, readValue, TYPE, type Value, writeString } from "./data.ts";

/** The message that is answered. HAProxy may send others beside it. */
const DECIDE = Buffer.from("decide");

const ASSIGNMENT = Buffer.from("assignment");
const APPLICATION = Buffer.from("application");
const KEY = Buffer.from("key");
const FORCE = Buffer.from("force");

const SET_VAR = 1;
const SET_VAR_ARGUMENTS = 3;
const SCOPE_TRANSACTION = 2;

/** What both actions take at most: their heads, a spelling and a location. */
export const ACTIONS_BYTES_MAX = 160;

/** A `decide` as it was read. One object serves all of a listener. */
export interface DecideMessage {
  /** Whether there was one. */
  isAsked: boolean;
  /** Where the assignment stands; empty where none was given. */
  start: number;
  end: number;
  /** The argument at hand. */
  readonly value: Value;
}

export function emptyQuestion(): DecideMessage {
  return { isAsked: false, start: 0, end: 0, value: emptyValue() };
}

/**
 * Reads all messages that are left into `request` and `question`: the first `decide` counts, and all else is gone over.
 * The cursor is broken where they are malformed.
 *
 * @param allowsForce whether it is worth while to read what is forced
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
 * Fills in one argument. NULL and an empty text are ones that were not given: HAProxy sends what a visitor lacks so. Of
 * two with the same name the first one that was given counts, so that a header can go before a cookie.
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
 * Writes the actions at `out[at]`, for which `ACTIONS_BYTES_MAX` must be free: `assignment` and `location`, as variables of the
 * transaction.
 *
 * @param bytes where `question` points into: a spelling that is used is repeated as it was
 * @returns where the next byte may stand
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

/** Everything of an action but its value. */
function setVar(name: string): Uint8Array {
  return Buffer.from([SET_VAR, SET_VAR_ARGUMENTS, SCOPE_TRANSACTION, name.length, ...Buffer.from(name)]);
}

function writeSetVar(out: Uint8Array, at: number, action: Uint8Array): number {
  for (let i = 0; i < action.length; i++) out[at + i] = action[i] as number;
  return at + action.length;
}
