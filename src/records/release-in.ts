/** The release in the value of a record, for every value that a store may have. Pure and total. */

import { type FoundRelease, readRelease } from "../releases/read-release.ts";
import { RELEASE } from "../releases/release.ts";
import { fieldsOf } from "./fields.ts";

export function releaseIn(value: unknown): FoundRelease {
  return readRelease(fieldIn(value));
}

/** Whether there is a release, also one that this program cannot read. */
export function hasRelease(value: unknown): boolean {
  return (fieldIn(value) ?? null) !== null;
}

/** A custom store may return an object that throws when a field is read. */
function fieldIn(value: unknown): unknown {
  try {
    return fieldsOf(value)[RELEASE];
  } catch {
    return undefined;
  }
}
