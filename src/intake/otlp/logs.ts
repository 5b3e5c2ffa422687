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

/** A longer record is not read. One record is one step, and a visitor may wait for it. */
export const RECORD_BYTES_MAX = 32_768;

/** Further attributes of a record are left out. */
export const ATTRIBUTES_MAX = 64;

/** A record has an outcome; or the reason why it has none; or it was a step without a record. */
export type Step = NoOutcome | "outcome" | "step";

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
  const steps = logSteps(body, draft);
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) return value;
    if (value !== "step") hear(value === "outcome" ? undefined : value);
  }
}

/**
 * The same in short steps, so that the reader of a long request can let visitors go first. After a step
 * `"outcome"`, `draft` has the outcome.
 */
export function* logSteps(body: Uint8Array, draft: OutcomeDraft): Generator<Step, boolean> {
  const request = new Wire(body);
  while (request.next()) {
    yield "step";
    const resource = request.field === RESOURCE_LOGS ? request.message : NOTHING;
    while (resource.next()) {
      yield "step";
      const scope = resource.field === SCOPE_LOGS ? resource.message : NOTHING;
      while (scope.next()) {
        const record = scope.field === LOG_RECORDS ? scope.message : undefined;
        if (record === undefined) yield "step";
        else if (record.length > RECORD_BYTES_MAX) yield "long";
        else {
          const none = readRecord(record, draft);
          if (record.isBroken) return false;
          yield none ?? "outcome";
        }
      }
      if (scope.isBroken) return false;
    }
    if (resource.isBroken) return false;
  }
  return !request.isBroken;
}

/** A message without fields. */
const NOTHING = new Wire(new Uint8Array(0));

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
