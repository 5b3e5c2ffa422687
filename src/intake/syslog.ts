/**
 * Takes the frame of syslog off a report: RFC 3164 as nginx sends it, RFC 5424 as HAProxy and `logger` do.
 * Pure; never throws.
 *
 *     <190>Nov 29 12:10:03 mwd: website canary …
 *     <134>1 2026-11-29T12:10:03Z web-1 mwd 42 - [mwd@0 application="website" …] -
 *     <13>1 2026-11-29T12:10:03.1Z web-1 mwd - - [timeQuality tzKnown="1"] website canary …
 *
 * The message itself is a line. Or structured data whose id is `mwd` has its fields by name, or the whole
 * line as `outcome`.
 */

import { type OutcomeDraft, resetOutcome } from "./outcome.ts";
import { finishOutcome, setField } from "./outcome-fields.ts";
import { endOfQuote, readOutcomeLine, unescaped } from "./outcome-line.ts";
import type { NoOutcome } from "./unreadable.ts";

const PRIORITY = /^<\d{1,3}>/;

/** `VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID `, and then the structured data. */
const HEADER_5424 = /^1 \S+ \S+ \S+ \S+ \S+ /;

/** The tag in front of the message: the time and a host may stand before it. */
const TAG_3164 = /^(?:[^:[\]]{0,64}:\d\d:\d\d )?(?:\S{1,255} )?mwd(?:\[\d{1,10}\])?: ?/;

/** The beginning of the element that is the outcome. */
const OURS = /^mwd(?:@[\d.]{1,32})?(?= |$)/;

/** ` NAME="` within an element. */
const PARAMETER = / ([A-Za-z][\w.-]{0,31})="/y;

/** The longest message: a line, its frame, and structured data of others. */
const MESSAGE_LENGTH_MAX = 4_096;

/** Whether a text is a message of syslog. */
export function isSyslog(text: string): boolean {
  return text.startsWith("<");
}

/**
 * Reads a message of syslog into `draft`.
 *
 * @returns undefined if `draft` has the outcome; else why there is none
 */
export function readSyslog(text: string, draft: OutcomeDraft): NoOutcome | undefined {
  if (text.length > MESSAGE_LENGTH_MAX) return "long";
  const priority = PRIORITY.exec(text);
  if (priority === null) return "syslog";
  const rest = text.slice(priority[0].length);
  const header = HEADER_5424.exec(rest);
  if (header === null) {
    const tag = TAG_3164.exec(rest);
    return tag === null ? "syslog" : readOutcomeLine(rest.slice(tag[0].length), draft);
  }
  return readData(rest.slice(header[0].length), draft);
}

/** Reads structured data, and the message behind it if none of the data is ours. */
function readData(data: string, draft: OutcomeDraft): NoOutcome | undefined {
  let at = data.startsWith("-") ? 1 : 0;
  while (data[at] === "[") {
    const end = endOfElement(data, at + 1);
    if (end < 0) return "syslog";
    const element = data.slice(at + 1, end);
    if (OURS.test(element)) return readElement(element, draft);
    at = end + 1;
  }
  // A message in UTF-8 may begin with a byte order mark.
  return readOutcomeLine(data.slice(at).replace(/^ ?\ufeff?/, ""), draft);
}

function readElement(element: string, draft: OutcomeDraft): NoOutcome | undefined {
  resetOutcome(draft);
  let at = element.search(/ |$/);
  while (at < element.length) {
    PARAMETER.lastIndex = at;
    const [opening, name] = PARAMETER.exec(element) ?? [];
    if (opening === undefined || name === undefined) return "syslog";
    const start = at + opening.length;
    const end = endOfQuote(element, start);
    if (end < 0) return "syslog";
    const value = unescaped(element.slice(start, end));
    // The parameter has a whole line.
    if (name === "outcome") return readOutcomeLine(value, draft);
    const fault = setField(draft, name, value);
    if (fault !== undefined) return fault;
    at = end + 1;
  }
  return finishOutcome(draft);
}

/** The position of the bracket that ends an element; -1 if there is none. */
function endOfElement(data: string, start: number): number {
  for (let at = start; at < data.length; at++) {
    if (data[at] === "]") return at;
    if (data[at] !== '"') continue;
    at = endOfQuote(data, at + 1);
    if (at < 0) return -1;
  }
  return -1;
}
