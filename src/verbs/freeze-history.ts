/** The freezes of a store and their ends, as far as the store remembers them. */

import { fieldsOf } from "../records/fields.ts";
import { HISTORY_LIMIT_MAX, pastOfSnapshot } from "../records/history.ts";
import type { PastRecord, Store } from "../stores/store.ts";
import { FREEZE, freezeIn } from "./freeze.ts";

/** The beginning of a freeze, or its end. */
export interface FreezeChange {
  /** Undefined if the store does not remember which of the two it was. */
  readonly isFrozen: boolean | undefined;
  /** The author that the record names, or else the login. */
  readonly by: string | undefined;
  /** The login of the writer, if the engine keeps it. */
  readonly login: string | undefined;
  /** The time by the engine's clock, or else the time that the record names. */
  readonly at: string | undefined;
  readonly why: string | undefined;
}

/** At most `limit`, the newest first. Rejects with the store's own error. */
export async function readFreezeHistory(
  store: Store,
  limit: number,
  signal: AbortSignal,
): Promise<FreezeChange[]> {
  const { application, version } = FREEZE;
  const past =
    store.history === undefined
      ? pastOfSnapshot(await store.read(application, signal), HISTORY_LIMIT_MAX)
      : await store.history(application, HISTORY_LIMIT_MAX, signal);
  return past
    .filter((record) => record.version === version)
    .slice(0, limit)
    .map(changeOf);
}

function changeOf({ value, atMs, login }: PastRecord): FreezeChange {
  const { isFrozen, by, at, why } = freezeIn(new Map([[FREEZE.version, { value, revision: "" }]]));
  // Records of older versions did not keep it in their past. A record that was removed holds nothing back.
  const isKnown = value === undefined || typeof fieldsOf(value)["frozen"] === "boolean";
  return {
    ...{ isFrozen: isKnown ? isFrozen : undefined, by: by ?? login, login, why },
    at: atMs === undefined ? at : new Date(atMs).toISOString(),
  };
}
