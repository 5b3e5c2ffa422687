/** A result of `check -deep`. */

export type Level = "ok" | "warning" | "problem";

/** One thing that was opened. */
export interface Finding {
  readonly level: Level;
  /** The setting that it belongs to, as `-store`. */
  readonly setting: string;
  /** The state of it. If it is not well: what happened, what follows, and what to do. */
  readonly text: string;
}
