/** The contract of a case of the conformance suite: a statement that has to be true of every integration. */

import type { Rig } from "./rig.ts";

export interface Case {
  /** For the exceptions of an integration, such as `websockets`. */
  readonly id: string;
  /** The sentence that it proves, for the table. */
  readonly title: string;
  /** Needs an integration whose operator allows forcing, and whose visitors come over TLS. */
  readonly isGuarded?: boolean;
  readonly timeoutMs?: number;
  /** Leaves the daemon running, and the canary at 0.25, or the next case cannot begin. */
  run(rig: Rig): Promise<void>;
}
