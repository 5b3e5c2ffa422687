/** The state of a record that has a release which this program can read. */

import type { Now } from "./request.ts";

export interface Seen extends Now {
  readonly found: Extract<Now["found"], { readonly kind: "release" }>;
}

/** False also if the record itself is malformed: then nothing is known of its rollout. */
export function isSeen(now: Now): now is Seen {
  return now.found.kind === "release" && !now.isMalformed;
}
