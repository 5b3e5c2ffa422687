/** A hint at the application that was probably meant, if the store does not have the one that was named. */

import type { Store } from "../../stores/store.ts";
import { nearest } from "../../text/nearest.ts";
import { oneLine } from "../../text/one-line.ts";

/** Listing goes through all keys of some engines, and is only a courtesy here. */
const LIST_TIMEOUT_MS = 1_000;

/** A longer list does not help. */
const NAMES_MAX = 8;

/** `; did you mean website?` or `; it has website, shop`; empty if the store cannot tell. Never rejects. */
export async function applicationHint(store: Store, name: string): Promise<string> {
  const names = await store.applications?.(AbortSignal.timeout(LIST_TIMEOUT_MS)).catch(() => undefined);
  if (names === undefined || names.length === 0) return "";
  const list = names.length <= NAMES_MAX ? `; it has ${names.toSorted().join(", ")}` : "";
  return oneLine(nearest(name, names) || list);
}
