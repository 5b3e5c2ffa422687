/** The parameters of every section, and the lengths of a full and of a quick run. */

import type { Revision } from "./revision.ts";
import type { Program } from "./subject.ts";

export interface Setup {
  /** The ways to run the daemon that are compared. */
  readonly programs: readonly Program[];
  /** Another revision, which takes its turns beside this one. */
  readonly against?: Revision | undefined;
  /** The kinds of stores that are measured; undefined for all. */
  readonly stores?: readonly string[] | undefined;
  /** The number of turns that the yardstick and the daemon take. */
  readonly turns: number;
  /** The length of a turn, in seconds. */
  readonly seconds: number;
  /** The number of requests in the test of memory, in millions. */
  readonly millions: number;
  /** The number of starts of the daemon. */
  readonly starts: number;
  /** Prints progress for the person that waits. */
  say(progress: string): void;
}

export const FULL = { turns: 7, seconds: 2, millions: 10, starts: 10 };
export const QUICK = { turns: 3, seconds: 0.3, millions: 3, starts: 5 };
