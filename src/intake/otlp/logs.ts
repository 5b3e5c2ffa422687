/**
 * Reads a request of OTLP logs (`ExportLogsServiceRequest`, protobuf) as outcomes. Pure; never throws.
 *
 * The body of a record of Envoy is a line of text. Other records have the same names as attributes. Traefik
 * has attributes of its own.
 */

import { type OutcomeDraft, resetOutcome } from "../outcome.ts";
import { finishOutcome, setField } from "../outcome-fields.ts";
import { readOutcomeLine } from "../outcome-line.ts";
import { type NoOutcome, UNDECIDED } from "../unreadable.ts";
import { isTraefik, readTraefik } from "./traefik.ts";
import { Wire } from "./wire.ts";

/** Further attributes of a record are left out. */
export const ATTRIBUTES_MAX = 64;

/** Called after each record. Undefined: the draft has an outcome. Else it is the reason why there is none. */
export type Hear = (none: NoOutcome | undefined) => void;

/** Numbers of fields, from the definitions of OTLP. */
const RESOURCE_LOGS = 1;
const SCOPE_LOGS = 2;
const LOG_RECORDS = 2;
const RECORD = { time: 1, body: 5, attributes: 6 } as const;
const ATTRIBUTE = { key: 1, value: 2 } as const;
const VALUE = { text: 1, bool: 2, int: 3, double: 4 } as const;

/**
 * Reads all records of a request.
 *
 * @returns false if the bytes are not a whole request. Then `hear` got the records before the fault.
 */
export function readLogs(body: Uint8Array, draft: OutcomeDraft, hear: Hear): boolean {
  const hearRecord = (record: Wire) => {
    const none = readRecord(record, draft);
    if (!record.isBroken) hear(none);
    return !record.isBroken;
  };
  const readScope = (scope: Wire) => isWhole(scope, LOG_RECORDS, hearRecord);
  const readResource = (resource: Wire) => isWhole(resource, SCOPE_LOGS, readScope);
  return isWhole(new Wire(body), RESOURCE_LOGS, readResource);
}

/** Reads all messages in one field of another one; false at the first fault. */
function isWhole(parent: Wire, field: number, read: (message: Wire) => boolean): boolean {
  while (parent.next()) if (parent.field === field && !read(parent.message)) return false;
  return !parent.isBroken;
}

function readRecord(record: Wire, draft: OutcomeDraft): NoOutcome | undefined {
  let startedNs = 0;
  let line = "";
  const attributes = new Map<string, string>();
  while (record.next()) {
    if (record.field === RECORD.time) startedNs = record.number;
    else if (record.field === RECORD.body) line = textOf(record.message);
    else if (record.field === RECORD.attributes && attributes.size < ATTRIBUTES_MAX) {
      addAttribute(record.message, attributes);
    }
  }
  if (isTraefik(attributes)) return readTraefik(attributes, draft);
  if (attributes.has("application")) return readAttributes(attributes, draft);
  // The body of another program's record, which is in the same log.
  if (line === "" || line.startsWith("{")) return UNDECIDED;
  const none = readOutcomeLine(line, draft);
  // A record of Envoy has the time when the request began.
  if (startedNs > 0) draft.decidedAtMs ??= startedNs / 1e6;
  return none;
}

function addAttribute(attribute: Wire, attributes: Map<string, string>): void {
  let [key, value] = ["", ""];
  while (attribute.next()) {
    if (attribute.field === ATTRIBUTE.key) key = attribute.text;
    else if (attribute.field === ATTRIBUTE.value) value = textOf(attribute.message);
  }
  attributes.set(key, value);
}

/** A value as text; empty if it is a list or has another form that no outcome has. */
function textOf(value: Wire): string {
  let text = "";
  while (value.next()) {
    if (value.field === VALUE.text) text = value.text;
    else if (value.field === VALUE.bool) text = value.number === 1 ? "true" : "false";
    else if (value.field === VALUE.int) text = String(value.number);
    else if (value.field === VALUE.double) text = String(value.double);
  }
  return text;
}

function readAttributes(attributes: ReadonlyMap<string, string>, draft: OutcomeDraft): NoOutcome | undefined {
  resetOutcome(draft);
  for (const [name, value] of attributes) {
    const fault = setField(draft, name, value);
    if (fault !== undefined) return fault;
  }
  return finishOutcome(draft);
}
