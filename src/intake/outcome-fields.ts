/**
 * The fields of an outcome as text: one function for each name. Every door reads its reports with them, so
 * `source=192.0.2.7` means the same in a line, in structured data of syslog, and as an attribute of OTLP.
 * Pure. No function throws.
 */

import { assignmentOfText } from "../assignment.ts";
import { MAINTENANCE, VERSION } from "../circle.ts";
import { type OutcomeDraft, SWITCHING_PROTOCOLS } from "./outcome.ts";
import { type NoOutcome, UNDECIDED, type Unreadable } from "./unreadable.ts";

/** Further events of one request are left out. */
export const EVENTS_MAX = 8;

/** No application has a longer name. */
const APPLICATION_LENGTH_MAX = 128;

/** An event's name is a part of the name of a metric. */
const EVENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The text of an IPv4 or IPv6 address. */
const SOURCE = /^[0-9A-Fa-f:.]{2,45}$/;

/** `0.027`, or `27.e-3`: HAProxy and Envoy know milliseconds, and a format can only add text to them. */
const DECIMAL = /^\d{1,15}(?:\.\d{0,15})?(?:e-\d)?$/;

/** A number that the proxy does not know, in the same form: `-`, `-1`, `-.e-3`, `-1.e-3`. */
const UNKNOWN = /^-1?(?:\.?e-\d)?$/;

/** A longer duration is a mistake. */
const DURATION_MS_MAX = 30 * 86_400_000;

/** nginx's own status for a visitor who went away. */
const CLIENT_CLOSED_REQUEST = 499;

/** Envoy's flags of an answer that broke off: the connection failed, was reset, ended, or took too long. */
const BROKEN_FLAGS = /(?:^|,)(?:UF|UR|UT|UC|UPE)(?:,|$)/;

/** Envoy's flag of a visitor who went away. */
const LEFT_FLAG = /(?:^|,)DC(?:,|$)/;

/**
 * Reads the value of one field into `draft`. A name that it does not know is left out.
 *
 * @param value `-` or empty if the reporter does not know it
 * @returns the fault, if it cannot be read
 */
export function setField(draft: OutcomeDraft, name: string, value: string): Unreadable | undefined {
  switch (name) {
    case "application":
      draft.application = isNothing(value) ? "" : value;
      return value.length > APPLICATION_LENGTH_MAX ? "application" : undefined;
    case "location":
      draft.location = isNothing(value) ? "" : value;
      return isNothing(value) || VERSION.test(value) ? undefined : "location";
    case "assignment":
      draft.assignment = assignmentOfText(value);
      return Number.isNaN(draft.assignment) && !isNothing(value) ? "assignment" : undefined;
    case "status":
      draft.status = statusOf(value);
      return Number.isNaN(draft.status) ? "status" : undefined;
    case "seconds":
      draft.durationMs = millisecondsOf(value);
      return isDuration(draft.durationMs) ? undefined : "duration";
    case "first":
      draft.firstByteMs = millisecondsOf(value);
      return isDuration(draft.firstByteMs) ? undefined : "duration";
    case "brought":
      if (!isNothing(value)) draft.isBrought = value === "1" || value === "true";
      return isNothing(value) || /^(?:[01]|true|false)$/.test(value) ? undefined : "brought";
    default:
      return isNothing(value) || setNamed(draft, name, value) ? undefined : "value";
  }
}

/** Checks a draft when all of its fields are read, and decides on its kind. */
export function finishOutcome(draft: OutcomeDraft): NoOutcome | undefined {
  if (Number.isNaN(draft.assignment)) return UNDECIDED;
  if (Number.isNaN(draft.status)) return "status";
  if (draft.location === MAINTENANCE) return UNDECIDED;
  const { ended, status } = draft;
  // HAProxy refused or redirected the request, or Envoy asked no server.
  if (/^(?:L|PR|PT)/.test(ended) || (draft.isOwnAnswer && status < 500)) return UNDECIDED;
  if (draft.kind === "broken") draft.kind = status === SWITCHING_PROTOCOLS ? "answered" : "broken";
  else if (draft.kind === "left" || /^[Cc]/.test(ended) || (status === 0 && !/^[Ss]/.test(ended)))
    draft.kind = "left";
  else if (/^(?:[Ss]|PH)/.test(ended) && status !== SWITCHING_PROTOCOLS) draft.kind = "broken";
  return undefined;
}

function isNothing(value: string): boolean {
  return value === "-" || value === "";
}

/** The fields that a line has only by name; false if the value cannot be read. */
function setNamed(draft: OutcomeDraft, name: string, value: string): boolean {
  switch (name) {
    case "source":
      // nginx writes `unix:` for a visitor over a unix socket, who has no address.
      draft.source = SOURCE.test(value) ? value : undefined;
      return true;
    case "share":
      draft.share = DECIMAL.test(value) ? Number(value) : 0;
      return draft.share > 0 && draft.share <= 1;
    case "forced":
      draft.isForced = /^(?:1|true|always|never)$/.test(value);
      return true;
    case "time":
      draft.decidedAtMs = DECIMAL.test(value) ? Number(value) * 1_000 : undefined;
      return draft.decidedAtMs !== undefined;
    case "event":
      if (!EVENT.test(value)) return false;
      if (draft.events.length < EVENTS_MAX) draft.events = [...draft.events, value];
      return true;
    default:
      setOfProxy(draft, name, value);
      return true;
  }
}

/** The fields that only one kind of proxy has. Their values have the proxy's own form, whatever that is. */
function setOfProxy(draft: OutcomeDraft, name: string, value: string): void {
  switch (name) {
    case "retried":
      if (value === "1" || value === "true") draft.isRetried = true;
      return;
    case "retries":
      // HAProxy's %rc: a number of tries, with a plus if the last one went to another server.
      if (value.startsWith("+")) draft.isRetried = true;
      return;
    case "tries":
      if (hasSecondTry(value)) draft.isRetried = true;
      return;
    case "attempts":
      if (Number(value) > 1) draft.isRetried = true;
      if (value === "0") draft.isOwnAnswer = true;
      return;
    case "ended":
      draft.ended = value;
      return;
    case "flags":
      if (BROKEN_FLAGS.test(value)) draft.kind = "broken";
      else if (LEFT_FLAG.test(value)) draft.kind = "left";
  }
}

/** The status; 0 if the visitor left before one; NaN if the text is none. */
function statusOf(value: string): number {
  if (isNothing(value) || value === "-1") return 0;
  const status = /^\d{1,3}$/.test(value) ? Number(value) : Number.NaN;
  if (status === CLIENT_CLOSED_REQUEST || status === 0) return 0;
  return status >= 100 ? status : Number.NaN;
}

function isDuration(ms: number): boolean {
  return Number.isNaN(ms) || (ms >= 0 && ms <= DURATION_MS_MAX);
}

/**
 * Reads a duration in seconds: NaN if it is not known, -1 if it cannot be read. nginx writes a list if it
 * asked several servers, `0.003, 0.120 : 0.004`: the visitor waited for all of them.
 */
function millisecondsOf(value: string): number {
  if (DECIMAL.test(value)) return toMs(value);
  if (value === "" || UNKNOWN.test(value)) return Number.NaN;
  if (!value.includes(",") && !value.includes(" : ")) return -1;
  let totalMs = Number.NaN;
  for (const part of value.split(/ ?[,:] ?/)) {
    if (isNothing(part)) continue;
    if (!DECIMAL.test(part)) return -1;
    totalMs = (Number.isNaN(totalMs) ? 0 : totalMs) + toMs(part);
  }
  return totalMs;
}

/** Digits of milliseconds behind the point would only be noise of the multiplication. */
function toMs(seconds: string): number {
  return Math.round(Number(seconds) * 1e6) / 1e3;
}

/**
 * Whether a list of nginx's tries has one that failed before the last: `$upstream_status` as `502, 200`. A
 * comma is a try at another server. A colon is an internal redirect, which a page may ask for
 * (`X-Accel-Redirect`), so it counts only after a status of 500 or more.
 */
function hasSecondTry(value: string): boolean {
  return value.includes(",") || /(?:^| )5\d\d :/.test(value);
}
