/**
 * The fields of an outcome as text: one function for each name. Every door reads its reports with them, so
 * `source=192.0.2.7` means the same in a line, in structured data of syslog, and as an attribute of OTLP.
 * Pure. No function throws.
 */

import { assignmentOfText } from "../assignment.ts";
import { VERSION } from "../circle.ts";
import type { OutcomeDraft } from "./outcome.ts";
import type { Unreadable } from "./unreadable.ts";

/** Further events of one request are left out. */
export const EVENTS_MAX = 8;

/** No application has a longer name. */
const APPLICATION_LENGTH_MAX = 128;

/** An event's name is a part of the name of a metric. */
const EVENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The text of an IPv4 or IPv6 address, perhaps with the zone of an interface. */
const SOURCE = /^[0-9A-Fa-f:.]{2,45}$/;

const DECIMAL = /^\d{1,15}(?:\.\d{0,15})?$/;

/** A longer duration is a mistake. */
const DURATION_MS_MAX = 30 * 86_400_000;

/** nginx's own status for a visitor who went away. */
const CLIENT_CLOSED_REQUEST = 499;

/** The status of a connection that goes on as another protocol. A server may end it at any time. */
const SWITCHING_PROTOCOLS = 101;

/**
 * Reads the value of one field into `draft`. A name that it does not know is left out.
 *
 * @param value `-` or empty if the reporter does not know it
 * @returns the fault, if it cannot be read
 */
export function setField(draft: OutcomeDraft, name: string, value: string): Unreadable | undefined {
  switch (name) {
    case "application":
      draft.application = value;
      return value === "" || value === "-" || value.length > APPLICATION_LENGTH_MAX
        ? "application"
        : undefined;
    case "location":
      draft.location = isNothing(value) ? "" : value;
      return isNothing(value) || VERSION.test(value) ? undefined : "location";
    case "assignment":
      draft.assignment = assignmentOfText(value);
      return Number.isNaN(draft.assignment) ? "assignment" : undefined;
    case "status":
      draft.status = statusOf(value);
      return Number.isNaN(draft.status) ? "status" : undefined;
    case "seconds":
      return setDuration(draft, value, 1_000);
    case "ms":
      return setDuration(draft, value, 1);
    case "brought":
      return setBrought(draft, value);
    default:
      return isNothing(value) || setNamed(draft, name, value) ? undefined : "value";
  }
}

/** Checks a draft when all of its fields are read, and decides on its kind. */
export function finishOutcome(draft: OutcomeDraft): Unreadable | undefined {
  if (draft.application === "") return "application";
  if (Number.isNaN(draft.assignment)) return "assignment";
  if (Number.isNaN(draft.status)) return "status";
  const { ended, status } = draft;
  if ((ended === "S" || ended === "s") && status !== SWITCHING_PROTOCOLS) draft.kind = "broken";
  else if (ended === "C" || ended === "c" || status === 0) draft.kind = "left";
  else draft.kind = "answered";
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
      draft.isForced = value === "1";
      return value === "0" || value === "1";
    case "retried":
      if (value === "1") draft.isRetried = true;
      return value === "0" || value === "1";
    case "retries":
      // HAProxy's %rc: a number of tries, with a plus if the last one went to another server.
      if (value.startsWith("+")) draft.isRetried = true;
      return true;
    case "tries":
      if (hasSecondTry(value)) draft.isRetried = true;
      return true;
    case "ended":
      draft.ended = value.charAt(0);
      return true;
    case "time":
      draft.decidedAtMs = DECIMAL.test(value) ? Number(value) * 1_000 : undefined;
      return draft.decidedAtMs !== undefined;
    case "event":
      if (!EVENT.test(value)) return false;
      if (draft.events.length < EVENTS_MAX) draft.events = [...draft.events, value];
      return true;
    default:
      return true;
  }
}

/** The status; 0 if the visitor left before one; NaN if the text is none. */
function statusOf(value: string): number {
  if (isNothing(value) || value === "-1") return 0;
  const status = /^\d{1,3}$/.test(value) ? Number(value) : Number.NaN;
  if (status === CLIENT_CLOSED_REQUEST || status === 0) return 0;
  return status >= 100 ? status : Number.NaN;
}

/**
 * Reads a duration. nginx writes a list if it asked several servers, `0.003, 0.120 : 0.004`: the visitor
 * waited for all of them. HAProxy writes -1 if there was none.
 */
function setDuration(draft: OutcomeDraft, value: string, unitMs: number): Unreadable | undefined {
  if (isNothing(value) || value === "-1") return undefined;
  let total = 0;
  if (DECIMAL.test(value)) total = Number(value);
  else if (value.includes(",") || value.includes(":")) {
    for (const part of value.split(/ ?[,:] ?/)) {
      if (isNothing(part)) continue;
      if (!DECIMAL.test(part)) return "duration";
      total += Number(part);
    }
  } else return "duration";
  draft.durationMs = total * unitMs;
  return draft.durationMs <= DURATION_MS_MAX ? undefined : "duration";
}

function setBrought(draft: OutcomeDraft, value: string): Unreadable | undefined {
  if (isNothing(value)) return undefined;
  draft.isBrought = value === "1";
  return value === "1" || value === "0" ? undefined : "brought";
}

/**
 * Whether a list of nginx's tries has one that failed before the last: `$upstream_status` as `502, 200`. A
 * comma is a try at another server. A colon is an internal redirect, which a page may ask for
 * (`X-Accel-Redirect`), so it counts only after a status of 500 or more.
 */
function hasSecondTry(value: string): boolean {
  return value.includes(",") || /(?:^| )5\d\d :/.test(value);
}
