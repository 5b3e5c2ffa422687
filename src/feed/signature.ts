/** The author and the reason of a change of the records, for a line of the log. Pure. */

import type { Snapshot } from "../stores/store.ts";

/** An author or a reason in a line of the log is cut to this many characters. */
const LENGTH_MAX = 200;

/** The author and the reason of these records, each if it is the same in all. The log escapes the texts. */
export function signatureOf(
  versions: readonly string[],
  snapshot: Snapshot,
): { readonly by?: string; readonly why?: string } {
  const values = versions.map((version) => snapshot.get(version)?.value);
  const by = sharedText(values, "updatedBy");
  const why = sharedText(values, "why");
  return { ...(by === undefined ? {} : { by }), ...(why === undefined ? {} : { why }) };
}

function sharedText(values: readonly unknown[], field: string): string | undefined {
  const texts = values.map((value) => textOf(value, field));
  const [first] = texts;
  if (typeof first !== "string" || first === "" || texts.some((text) => text !== first)) return undefined;
  return first.length > LENGTH_MAX ? `${first.slice(0, LENGTH_MAX)}…` : first;
}

/** A custom store may return an object that throws when a field is read. */
function textOf(value: unknown, field: string): unknown {
  try {
    return (value as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  } catch {
    return undefined;
  }
}
