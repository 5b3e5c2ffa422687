/**
 * DynamoDB's typed values ⇄ plain values, for the types that records need: numbers, texts, booleans, lists
 * and maps. Other values of a table (binary, sets) are shown to readers and never written.
 */

import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export type Item = Readonly<Record<string, AttributeValue>>;

/** The value as in JSON. Total, because a hostile endpoint may answer anything. */
function fromAttribute(attribute: AttributeValue): unknown {
  if (typeof attribute !== "object" || attribute === null) return undefined;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  if (Array.isArray(attribute.L)) return attribute.L.map(fromAttribute);
  if (attribute.M !== undefined) return fromItem(attribute.M);
  if (Array.isArray(attribute.SS)) return attribute.SS;
  if (Array.isArray(attribute.NS)) return attribute.NS.map(Number);
  if (attribute.B !== undefined) return base64(attribute.B);
  if (Array.isArray(attribute.BS)) return attribute.BS.map(base64);
  return undefined;
}

/** All attributes by name. The object is built without assignments, because `__proto__` is a valid name. */
export function fromItem(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, fromAttribute(value)]));
}

/** @throws {TypeError} for a value that JSON does not have */
export function toAttribute(value: unknown): AttributeValue {
  if (typeof value === "number" && Number.isFinite(value)) return { N: String(value) };
  if (typeof value === "string") return { S: value };
  if (typeof value === "boolean") return { BOOL: value };
  if (value === null) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  if (typeof value === "object") {
    return { M: Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toAttribute(part)])) };
  }
  throw new TypeError(`a record cannot have the value ${String(value)}`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
