/**
 * The parts of a release that is over, and that only people read: its log and its arcs. A store may leave
 * them out if a daemon reads many applications. Pure.
 */

import type { Release } from "../../releases/release.ts";

const OVER: readonly unknown[] = ["aborted", "finished"] satisfies Release["state"][];

const REST: readonly string[] = ["log", "arcs"] satisfies (keyof Release)[];

/**
 * A release in two parts. `rest` is undefined if the release is not over, still fades, has neither a log nor
 * arcs, or is not an object.
 *
 * @param value the field `release` of a record, unchecked
 */
export function restOfRelease(value: unknown): { readonly release: unknown; readonly rest: unknown } {
  const fields = asObject(value);
  if (
    fields === undefined ||
    !OVER.includes(fields["state"]) ||
    (fields["fade"] ?? undefined) !== undefined
  ) {
    return { release: value, rest: undefined };
  }
  const parts = Object.groupBy(Object.entries(fields), ([name]) =>
    REST.includes(name) ? "rest" : "release",
  );
  if (parts.rest === undefined) return { release: value, rest: undefined };
  return { release: Object.fromEntries(parts.release ?? []), rest: Object.fromEntries(parts.rest) };
}

/** Undefined if it is not an object. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
