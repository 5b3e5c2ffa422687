/**
 * Reads a line of Caddy's access log, which is JSON, as an outcome. Pure; never throws.
 *
 * Caddy cuts cookies out of its log, and has no format of its own for a line. So the site puts the facts into
 * headers of the response, which the log has. The visitor gets them, too:
 *
 *     Maxwellsdaemon-Outcome: APPLICATION ASSIGNMENT BROUGHT [name=value …]
 *     Maxwellsdaemon-Location: LOCATION
 */

import { type OutcomeDraft, resetOutcome, SWITCHING_PROTOCOLS } from "./outcome.ts";
import { finishOutcome, setField } from "./outcome-fields.ts";
import { setNamedWords } from "./outcome-line.ts";
import { type NoOutcome, UNDECIDED } from "./unreadable.ts";

/** The longest line of JSON. It has all headers of the version's response. */
export const JSON_LENGTH_MAX = 65_536;

type Fields = Readonly<Record<string, unknown>>;

/** Whether a text is a line of JSON. */
export function isJson(text: string): boolean {
  return text.startsWith("{");
}

/**
 * Reads a line of Caddy into `draft`.
 *
 * @returns undefined if `draft` has the outcome; else why there is none
 */
export function readCaddy(text: string, draft: OutcomeDraft): NoOutcome | undefined {
  resetOutcome(draft);
  if (text.length > JSON_LENGTH_MAX) return "long";
  const line = fieldsOf(parsed(text));
  if (line === undefined) return "json";
  const headers = fieldsOf(line["resp_headers"]) ?? {};
  const told = valuesOf(headers, "Maxwellsdaemon-Outcome").join(" ");
  const [location] = valuesOf(headers, "Maxwellsdaemon-Location");
  // Without a location no version was asked: Caddy itself answered.
  if (told === "" || location === undefined) return UNDECIDED;
  const [application = "", assignment = "", brought = "", ...named] = told.split(" ");
  const request = fieldsOf(line["request"]) ?? {};
  const ended = numberOf(line["ts"]);
  draft.durationMs = numberOf(line["duration"]) * 1_000;
  if (Number.isFinite(ended - draft.durationMs)) draft.decidedAtMs = ended * 1_000 - draft.durationMs;
  const fault =
    setField(draft, "application", application) ??
    setField(draft, "assignment", assignment) ??
    setField(draft, "brought", brought) ??
    setField(draft, "location", location) ??
    setField(draft, "status", statusOf(line, headers)) ??
    setField(draft, "source", textOf(request["client_ip"]) || textOf(request["remote_ip"])) ??
    setNamedWords(draft, named);
  if (fault !== undefined) return fault;
  return draft.durationMs < 0 ? "duration" : finishOutcome(draft);
}

/** Caddy writes 0 for a visitor who left, and its versions up to 2.6 write it for a WebSocket too. */
function statusOf({ status }: Fields, headers: Fields): string {
  const isUpgraded = status === 0 && valuesOf(headers, "Upgrade").length > 0;
  return String(isUpgraded ? SWITCHING_PROTOCOLS : numberOf(status));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  // An object of JSON has names as keys, whatever its values are.
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function valuesOf(headers: Fields, name: string): string[] {
  const values = headers[name];
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
