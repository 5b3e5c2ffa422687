/** The kinds of store that remember every change by themselves, for pages of help. */

import { STORES } from "../../stores/list.ts";

/** `postgres, etcd`: as the kinds are written in -store. */
export const HISTORY_KINDS = STORES.flatMap(({ name, keepsHistory }) =>
  (keepsHistory ?? false) ? [name] : [],
).join(", ");
