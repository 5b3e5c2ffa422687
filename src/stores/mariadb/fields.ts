/**
 * Changes the fields of a record in their text. The server could do it too, but its functions for JSON merge
 * what is within a field, and its paths cannot have every name.
 */

import { asObject } from "../shared/release-rest.ts";
import { StoreError } from "../store.ts";

/** A number with the digits that the text has. The types of JavaScript do not know it yet. */
interface ExactJson {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
}
const { rawJSON, isRawJSON } = JSON as unknown as ExactJson;

/**
 * The text of the fields with these in it. A field that is undefined is removed, and so is `rollout`, which
 * has a column. Numbers keep all of their digits.
 *
 * @param text the column `fields`
 */
export function withFields(text: unknown, fields: Readonly<Record<string, unknown>>): string {
  const merged = new Map(Object.entries(fieldsOf(text)));
  merged.delete("rollout");
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) merged.delete(name);
    else merged.set(name, value);
  }
  return JSON.stringify(Object.fromEntries(merged));
}

function fieldsOf(text: unknown): Readonly<Record<string, unknown>> {
  let fields: unknown;
  try {
    fields = text === null ? {} : JSON.parse(String(text), keepDigits);
  } catch {}
  const object = asObject(fields);
  if (object !== undefined && !isRawJSON(fields)) return object;
  throw new StoreError(
    "refused",
    "its fields are not an object of JSON; correct them by hand, nothing was written",
  );
}

function keepDigits(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? rawJSON(context.source) : value;
}
