/**
 * The news that the page of a daemon shows: whole states, as plain JSON. The daemon makes them, and the code
 * in the browser reads them. Types only.
 */

import type { Arc } from "../circle.ts";
import type { Judged } from "../evidence/judged.ts";
import type { ShownChange } from "../records/history.ts";
import type { Condition } from "../releases/due.ts";
import type { State } from "../releases/release.ts";

/** One event of the stream. */
export interface PageNews {
  /** When it was made, by the daemon's monotonic clock. Two states of one process can be compared. */
  readonly atMs: number;
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
  /** The store's clock less this machine's; null if it is not known. */
  readonly clockAheadMs: number | null;
  /** Reports of outcomes that this daemon could not take, since its start. */
  readonly dropped: number;
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
  /** The versions, such as `canary 5%`. If the snapshot is too old, only those that keep their visitors. */
  readonly arcs: string;
  /** The release that goes on, or the last one, in a few words; null if there was none. */
  readonly release: string | null;
  readonly state: State | null;
}

export interface ApplicationNews {
  readonly name: string;
  /** If it is not, only the arcs with failsafe `hold` have visitors. */
  readonly isFresh: boolean;
  /** The age of the snapshot; null if the store was never read. */
  readonly ageMs: number | null;
  readonly leaseMs: number;
  /** Why the store cannot be read now; null if it can. */
  readonly error: string | null;
  /** Whether the records were read since this page is open. Before that, there are no releases here. */
  readonly isRead: boolean;
  readonly arcs: readonly Arc[];
  /** By location: the share of visitors that the records order now. */
  readonly ordered: Readonly<Record<string, number>>;
  /** Since the start of the daemon, also those that proxies decided and reported. */
  readonly decisions: readonly DecisionCount[];
  /** Null if it could not be read. It is about all applications of the store. */
  readonly freeze: FreezeNews | null;
  /** The releases that go on, or the last one. */
  readonly releases: readonly ReleaseNews[];
  /** The last changes, newest first. */
  readonly history: readonly ChangeNews[];
  /** The freezes in the time of `history`, newest first. */
  readonly freezes: readonly FreezeChangeNews[];
  /** The command that starts the next release, with a name to fill in. */
  readonly start: string;
}

export interface FreezeNews {
  readonly isFrozen: boolean;
  /** When it was written; null if that is not known. The end of a freeze is pinned to it. */
  readonly at: string | null;
  /** `releases are frozen by ada@web1 since …: Black Friday`. */
  readonly text: string;
}

/** A change of a record. */
export interface ChangeNews extends ShownChange {
  /** The author that the record names, and the store's login if that is another name. */
  readonly author: string;
  /** The rollout before; null for none. Left out if the store does not remember it. */
  readonly before?: number | null;
}

/** A freeze of all releases of the store, or its end. */
export interface FreezeChangeNews {
  /** Null if the store does not remember which of the two it was. */
  readonly isFrozen: boolean | null;
  readonly at: string | null;
  readonly author: string;
  readonly why: string | null;
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
  /** Whether the step has just begun, so that the judge leaves out all outcomes. */
  readonly isInGrace: boolean;
  /** The shortest time of the present step. */
  readonly waitMs: number;
  /** All that must be true in the present step, in the order of the plan. */
  readonly conditions: readonly ConditionNews[];
  /** All for which it waits, the most important first. */
  readonly waits: readonly WaitNews[];
  /** Sentences that a person must see: silence, overrides, another writer, a freeze. */
  readonly warnings: readonly string[];
  readonly reason: string | null;
  /** Null if the evidence cannot be seen, or the release is not under way any more. */
  readonly judged: Judged | null;
  /** After that, the figures at the end of the last step in which two versions had visitors. */
  readonly judgedAtEnd: Judged | null;
  /** The daemons that lead it; null if the store does not show them. */
  readonly leaders: readonly string[] | null;
  /** The daemons that the store knows; null if the store does not show them. A long list is cut. */
  readonly fleet: readonly MemberNews[] | null;
}

/** One condition of a step. */
export interface ConditionNews {
  readonly kind: Condition["kind"];
  /** `time`, `check(load)`. */
  readonly label: string;
  readonly state: Condition["state"];
  /** The way so far, and its whole length; null if it has no length. */
  readonly way: { readonly done: number; readonly of: number; readonly unit: "ms" | "visitors" } | null;
  /** The missing part, and the command for a person. Empty if it is met. */
  readonly texts: readonly WaitNews[];
}

/** A daemon that told something of this release through the store. */
export interface MemberNews {
  readonly name: string;
  readonly isThis: boolean;
  /** `lead`: it advances the release. `unable`: the store refuses its writes. Null: it only reports. */
  readonly role: "lead" | "unable" | null;
  /** Since it told that it leads; null if it never did. */
  readonly heardAgoMs: number | null;
  /** The step that it has seen; null if the record does not remember that state. */
  readonly step: number | null;
  readonly isUpToDate: boolean;
  /** The outcomes that it heard in this release; null if it told none. */
  readonly outcomes: number | null;
  /** Since its last outcome, by the store's clock. */
  readonly outcomeAgoMs: number | null;
  /** Whether it hears no outcome any more. */
  readonly isQuiet: boolean;
  /** The store's clock less its own; null if it is not known, or if an older daemon does not tell it. */
  readonly aheadMs: number | null;
  /** The reports that it could not take since its start; null if an older daemon does not tell it. */
  readonly dropped: number | null;
  /** Why it took the visitors back before the record says so; null if it did not. */
  readonly override: string | null;
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
