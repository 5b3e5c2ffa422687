/** The applications of a store, without the one that only has a word about all of them. */

import type { Store } from "../stores/store.ts";

/** No daemon serves this application. Its record `freeze` holds back all releases of the store. */
export const ABOUT_ALL = "~releases";

/** Undefined if the store cannot list its applications. Rejects with the store's own error. */
export async function listApplications(
  store: Store,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const names = await store.applications?.(signal);
  return names?.filter((name) => name !== ABOUT_ALL);
}
