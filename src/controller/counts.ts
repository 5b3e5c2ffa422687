/** Counts of a controller since its start. */

import { isUnderWay } from "../releases/release.ts";
import type { Notice, Now } from "../releases/request.ts";

export class Counts {
  /** Steps that this daemon went forward. */
  advances = 0;
  /** Releases that this daemon took back. */
  aborts = 0;
  /** Attempts that failed. */
  failures = 0;

  /** This daemon wrote a transition. */
  wrote({ found }: Now, notice: Notice): void {
    if (notice === "advanced" || notice === "promoted") this.advances++;
    const isAbort = notice === "aborted" || notice === "foreign-zero";
    if (isAbort && found.kind === "release" && !isUnderWay(found.release)) this.aborts++;
  }
}
