/** What every section is given, and for how long it may measure. */

import type { Revision } from "./revision.ts";
import type { Program } from "./subject.ts";

export interface Setup {
  /** The ways to run the daemon that are compared. */
  readonly programs: readonly Program[];
  /** Another revision, which takes its turns beside this one. */
  readonly against?: Revision | undefined;
  /** How often yardstick and daemon alternate. */
  readonly turns: number;
  /** How long each has its turn. */
  readonly seconds: number;
  /** How many requests the memory is watched for. */
  readonly millions: number;
  /** How often the daemon is started. */
  readonly starts: number;
  /** Tells an impatient human how it goes. */
  say(progress: string): void;
}

export const FULL = { turns: 7, seconds: 2, millions: 10, starts: 10 };
export const QUICK = { turns: 3, seconds: 0.3, millions: 3, starts: 5 };
