/**
 * The news that the page of a daemon shows: whole states, as plain JSON. The daemon makes them, and the code
 * in the browser reads them. Types only.
 */

import type { Arc } from "../circle.ts";
import type { Judged } from "../evidence/judged.ts";
import type { ShownChange } from "../records/history.ts";
import type { State } from "../releases/release.ts";

/** One event of the stream. */
export interface PageNews {
  readonly daemon: DaemonNews;
  readonly list: ListNews;
  /** The application of the page's address; null if the daemon does not serve it. */
  readonly application: ApplicationNews | null;
}

export interface DaemonNews {
  readonly name: string;
  readonly version: string;
  /** The store's address, without secrets. */
  readonly store: string;
  /** Why the daemon does not answer visitors as the store says; null if it does. */
  readonly notReady: string | null;
}

export interface ListNews {
  /** Applications with a release come first. A long list is cut. */
  readonly applications: readonly ListedApplication[];
  /** All applications of the daemon. */
  readonly total: number;
}

export interface ListedApplication {
  readonly name: string;
  readonly isFresh: boolean;
  /** The versions with visitors, such as `canary 5%`. */
  readonly arcs: string;
  /** The release that goes on, or the last one, in a few words; null if there was none. */
  readonly release: string | null;
  readonly state: State | null;
}

export interface ApplicationNews {
  readonly name: string;
  /** Whether the snapshot is fresh. If it is not, visitors get master. */
  readonly isFresh: boolean;
  /** The age of the snapshot; null if the store was never read. */
  readonly ageMs: number | null;
  readonly leaseMs: number;
  /** Why the store cannot be read now; null if it can. */
  readonly error: string | null;
  readonly arcs: readonly Arc[];
  /** Since the start of the daemon. */
  readonly decisions: readonly DecisionCount[];
  /** The releases that go on, or the last one. */
  readonly releases: readonly ReleaseNews[];
  /** The last changes, newest first. */
  readonly history: readonly ShownChange[];
}

export interface DecisionCount {
  readonly location: string;
  readonly reason: string;
  readonly count: number;
}

/** A release, as the record and the evidence show it. */
export interface ReleaseNews {
  readonly version: string;
  readonly id: number;
  readonly key: string;
  readonly seq: number;
  readonly of: string;
  readonly plan: string;
  readonly state: State;
  readonly step: number;
  readonly rollout: number;
  readonly offset: number;
  readonly isOver: boolean;
  /** It says all at once: `release 7 (v42) running, step 2/5, at 5%; it waits for …`. */
  readonly headline: string;
  /** The steps of the plan; null if this daemon cannot read it. */
  readonly steps: readonly StepNews[] | null;
  /** In the present state, by the store's clock. */
  readonly passedMs: number;
  /** The shortest time of the present step. */
  readonly waitMs: number;
  readonly waits: readonly WaitNews[];
  /** Sentences that a person must see: silence, overrides, another writer, a freeze. */
  readonly warnings: readonly string[];
  readonly reason: string | null;
  readonly judged: Judged | null;
  /** The daemons that lead it; null if the store does not show them. */
  readonly leaders: readonly string[] | null;
}

export interface StepNews {
  readonly rollout: number;
  /** `30m+ok`. */
  readonly wait: string;
}

export interface WaitNews {
  readonly text: string;
  /** A command that a person can paste; null if there is none. */
  readonly command: string | null;
}
