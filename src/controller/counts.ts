/** Counts of a controller since its start, for metrics. */

import { isUnderWay } from "../releases/release.ts";
import type { Notice, Now } from "../releases/request.ts";

/** Aborts are counted for this many reasons by name. A reason may be the sentence of a check. */
const REASONS_MAX = 32;

/** Stands for all other reasons. */
const OTHER = "other";

export class Counts {
  /** Steps that this daemon went forward. */
  advances = 0;
  /** Attempts that failed. */
  failures = 0;
  readonly #aborts = new Map<string, number>();

  /** Releases that this daemon took back, by the reason. */
  get aborts(): ReadonlyMap<string, number> {
    return this.#aborts;
  }

  /** This daemon wrote a transition. */
  wrote({ found }: Now, notice: Notice): void {
    if (notice === "advanced" || notice === "promoted") this.advances++;
    const isAbort = notice === "aborted" || notice === "foreign-zero";
    if (!isAbort || found.kind !== "release" || isUnderWay(found.release)) return;
    const reason = found.release.reason ?? OTHER;
    const name = this.#aborts.has(reason) || this.#aborts.size < REASONS_MAX ? reason : OTHER;
    this.#aborts.set(name, (this.#aborts.get(name) ?? 0) + 1);
  }
}
