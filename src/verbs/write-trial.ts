/**
 * Finds out whether a login may write a store, without a change: a compare-and-set that cannot succeed. It
 * asks to create a record that is there already. An engine that refuses the login says so first, except for
 * Redis before version 7, which says so at the first write of a record.
 *
 * If another writer removes the record in that moment, the trial creates it with rollout 0, as it counted
 * without a record. In PostgreSQL it proves the right to insert; the right to update is given with it.
 */

import { type Snapshot, type Store, StoreError } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";

export type WriteTrial =
  | { readonly kind: "allowed" }
  /** The store is read-only, or refuses this login. */
  | { readonly kind: "read-only" | "denied"; readonly why: string }
  /** There is no record to try it with, or the store does not answer. */
  | { readonly kind: "unknown"; readonly why: string };

/**
 * Never rejects.
 *
 * @param read called with the records that the trial has read
 */
export async function tryWrite(
  store: Store,
  application: string,
  signal: AbortSignal,
  read: (snapshot: Snapshot) => void = () => {},
): Promise<WriteTrial> {
  if (store.write === undefined) return { kind: "read-only", why: `${store.address} is read-only` };
  try {
    const snapshot = await store.read(application, signal);
    read(snapshot);
    const [version] = snapshot.keys();
    if (version === undefined) return { kind: "unknown", why: `${application} has no record` };
    await store.write(application, version, { rollout: 0 }, null, signal);
    return { kind: "allowed" };
  } catch (error) {
    const isDenied = error instanceof StoreError && error.code === "denied";
    return { kind: isDenied ? "denied" : "unknown", why: errorMessage(error) };
  }
}
