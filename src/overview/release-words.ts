/** A release of `/state` in a few words. Pure. */

import type { ReleaseState } from "./release-state.ts";

type Worded = Pick<ReleaseState, "id" | "of" | "state" | "step" | "steps" | "fading">;

/** `release 7 (v42) running, step 2/5`. */
export function releaseWord({ id, of, state, step, steps, fading }: Worded): string {
  const place =
    state === "finished"
      ? ""
      : `${state === "aborted" ? " at" : ","} step ${step}${steps === null ? "" : `/${steps}`}`;
  return `release ${id} (${of}) ${state}${place}${fading ? ", going down slowly" : ""}`;
}
