/** A result of `check -deep`. */

export type OpenedLevel = "ok" | "warning" | "problem";

/** One thing that was opened. */
export interface OpenedSetting {
  readonly level: OpenedLevel;
  /** The setting that it belongs to, as `-store`. */
  readonly setting: string;
  /** The state of it. If it is not well: what happened, what follows, and what to do. */
  readonly text: string;
}
