/**
 * Reads the question in the head of a request: whether it asks for a decision, and for which visitor. Pure.
 */

import { parseAssignment } from "../../assignment.ts";
import type { Request } from "../../handler.ts";
import { isEmpty, isExactlyAt, type Span } from "./ascii.ts";
import type { Head } from "./head.ts";

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const DECIDE = Buffer.from("/decide");

/** Whether the head asks for a decision: `/decide`, or a path below it. */
export function isDecide(bytes: Uint8Array, { isHttp, target }: Head): boolean {
  if (!isHttp || !isExactlyAt(DECIDE, bytes, target.start)) return false;
  const end = target.start + DECIDE.length;
  return end === target.end || bytes[end] === SLASH || bytes[end] === QUESTION_MARK;
}

/** The target's path, as it was sent. */
export function pathOf(bytes: Uint8Array, { target }: Head): string {
  return text(bytes, target, "latin1").split("?", 1)[0] as string;
}

export function queryOf(bytes: Uint8Array, { target }: Head): URLSearchParams {
  const whole = text(bytes, target, "latin1");
  const start = whole.indexOf("?");
  return new URLSearchParams(start < 0 ? "" : whole.slice(start + 1));
}

/**
 * Fills in `request` from a head. Names and keys are read as UTF-8, because a key must mean the same in every
 * protocol.
 */
export function readQuestion(bytes: Uint8Array, head: Head, request: Request, allowsForce: boolean): void {
  const { assignment, application, key, force } = head;
  const isKnown = !isEmpty(assignment);
  request.assignment = isKnown ? parseAssignment(bytes, assignment.start, assignment.end) : Number.NaN;
  request.valid = !head.isDoubled && !(isKnown && Number.isNaN(request.assignment));
  request.application = isEmpty(application)
    ? applicationOfQuery(bytes, head)
    : text(bytes, application, "utf8");
  request.key = isKnown || isEmpty(key) ? undefined : text(bytes, key, "utf8");
  request.force = allowsForce && !isEmpty(force) ? text(bytes, force, "latin1") : undefined;
}

/**
 * Only the proxy writes the query of `/decide` itself. A path below `/decide`, and its query, come from the
 * visitor, so they name no application.
 */
function applicationOfQuery(bytes: Uint8Array, head: Head): string | undefined {
  if (bytes[head.target.start + DECIDE.length] !== QUESTION_MARK) return undefined;
  return queryOf(bytes, head).get("application") || undefined;
}

/** The value, one character a byte. */
export function textOf(bytes: Uint8Array, span: Span): string {
  return text(bytes, span, "latin1");
}

function text(bytes: Uint8Array, { start, end }: Span, encoding: "latin1" | "utf8"): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString(encoding);
}
