/** The fields of a record, for every value that a store may have. Pure. */

/** A record's fields; empty if the value is not an object. A bare number is its rollout. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "number") return { rollout: value };
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
