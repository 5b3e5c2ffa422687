/** The file of an override in the state directory: its name, its place and its text. Pure. */

import { fieldsOf } from "../records/fields.ts";
import { isKey, TEXT_LENGTH_MAX } from "../releases/release.ts";
import type { Target } from "../verbs/look.ts";

/** Below the state directory. */
export const OVERRIDES_DIRECTORY = "overrides";

/** A daemon has taken the visitors of a release back before the record said so. */
export interface Override extends Target {
  /** The release that was taken back. */
  readonly key: string;
  readonly reason: string;
  /** By this machine's clock: milliseconds since 1970. */
  readonly atMs: number;
}

/** The file of an override. A person ends the override by removing it. */
export function fileOf(key: string): string {
  return `${key}.json`;
}

/** @param store the address of the store, for which the override counts */
export function overrideText(override: Override, store: string): string {
  return `${JSON.stringify({ store, ...override })}\n`;
}

/** The override in a file. Undefined if the text is not ours, or of another store. */
export function overrideIn(text: string, store: string): Override | undefined {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = fieldsOf(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { application, version, key, reason, atMs } = fields;
  const isOurs = fields["store"] === store && isText(application) && isText(version) && isText(reason);
  return isOurs && isKey(key) && typeof atMs === "number"
    ? { application, version, key, reason, atMs }
    : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_LENGTH_MAX;
}
