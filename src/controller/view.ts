/** The view of a controller: itself and its releases, as plain data for `/state`, metrics and the log. */

import type { Judged } from "../evidence/judged.ts";
import type { Condition } from "../releases/due.ts";
import type { Release } from "../releases/release.ts";
import type { Override } from "../saved/override-file.ts";
import type { Freeze } from "../verbs/freeze.ts";
import type { Counts } from "./counts.ts";
import type { Checks } from "./facts.ts";

/** One release that this daemon leads. Plain data. */
export interface LedView {
  readonly application: string;
  readonly version: string;
  readonly release: Release;
  readonly rollout: number;
  /** At the last look at the record. Empty until the daemon has begun to watch. */
  readonly waits: readonly Condition[];
  /** Since that look, in milliseconds. */
  readonly lookedAgoMs: number;
  /** The last words of the checks for which it waits. */
  readonly checks: ReturnType<Checks["told"]>;
  /** The judge's knowledge of the present step; undefined before the first visitor, and after the end. */
  readonly judged: Judged | undefined;
  /** The names of all controllers that lead it, also this one, sorted. */
  readonly ledBy: readonly string[];
  /** The names of other controllers whose writes the store refuses, sorted. */
  readonly unable: readonly string[];
  /** Whether no controller has led it for long. */
  readonly isUnled: boolean;
  /** The names of other daemons that took visitors back before the record said so. */
  readonly overriddenBy: readonly string[];
  /** Why this daemon cannot go on with it, for people; undefined if it can. */
  readonly problem: string | undefined;
}

/** The work of a controller now. Plain data. */
export interface ControllerView {
  readonly name: string;
  /** Why this daemon leads nothing at all, for people; undefined if it can. */
  readonly problem: string | undefined;
  readonly releases: readonly LedView[];
  readonly overrides: readonly Override[];
  /** The last one that was read; undefined if none was read since the controller woke up. */
  readonly freeze: Freeze | undefined;
  /** The store's clock less this machine's; undefined if it is not known. */
  readonly storeClockAheadMs: number | undefined;
  readonly counts: Readonly<Counts>;
}
