/** Hints at the application that was probably meant, if a command cannot know it, or the store has none. */

import { listApplications } from "../../records/applications.ts";
import type { Store } from "../../stores/store.ts";
import { nearest } from "../../text/nearest.ts";
import { oneLine } from "../../text/one-line.ts";

/** Listing goes through all keys of some engines, and is only a courtesy here. */
const LIST_TIMEOUT_MS = 1_000;

/** A longer list does not help. */
const NAMES_MAX = 8;

/** `name one with -application: website, shop`, if the settings name several. */
export function oneOfText(names: readonly string[]): string {
  const list = names.length <= NAMES_MAX ? `: ${names.join(", ")}` : "";
  return oneLine(`name one with -application${list}`);
}

/** `; did you mean website?` or `; it has website, shop`; empty if the store cannot tell. Never rejects. */
export async function applicationHint(store: Store, name: string): Promise<string> {
  const names = await listApplications(store, AbortSignal.timeout(LIST_TIMEOUT_MS)).catch(() => undefined);
  if (names === undefined || names.length === 0) return "";
  const list = names.length <= NAMES_MAX ? `; it has ${names.toSorted().join(", ")}` : "";
  return oneLine(nearest(name, names) || list);
}
