/** The contract of a row of the reporting suite: a statement that is true of every proxy that reports. */

import type { Site } from "./site.ts";

export interface Row {
  /** For the exceptions of an integration, such as `left`. */
  readonly id: string;
  /** The sentence that it proves. */
  readonly title: string;
  /** Needs an integration whose operator allows forcing. */
  readonly isForcing?: boolean;
  /** Needs an integration that can report for a share of the assignments. */
  readonly isSharing?: boolean;
  readonly timeoutMs?: number;
  /** Leaves both versions and the daemon running, and the canary at 0.25, or the next row cannot begin. */
  run(site: Site): Promise<void>;
}
