/** The questions to the machine of releases, and its answers. Plain data, without words for people. */

import type { Failsafe } from "../circle.ts";
import type { Plan } from "./plan.ts";
import type { FoundRelease } from "./read-release.ts";
import type { Inconclusive, Release } from "./release.ts";

/** The state of a version's record, and of its application, at one revision. */
export interface Now {
  /** Malformed fields have the values by which the record counts: rollout 0, offset 0, failsafe `master`. */
  readonly rollout: number;
  readonly offset: number;
  readonly failsafe: Failsafe;
  /** Whether the record itself cannot be used. */
  readonly isMalformed: boolean;
  readonly found: FoundRelease;
  /**
   * The plan that `parsePlan` reads from the release; undefined if this program cannot read it. Its text may
   * differ from that of the release, because another version of this program may have written that.
   */
  readonly plan: Plan | undefined;
  /** Another version of the application that has a rollout above 0, or a release that is not over. */
  readonly otherVersion: string | undefined;
}

/** The time, the random bits and the author of one attempt to write. */
export interface Stamp {
  /** By the store's clock, or the writer's own if the store has none: milliseconds since 1970. */
  readonly nowMs: number;
  /** 96 random bits as 24 hexadecimal digits. */
  readonly tx: string;
  /** `user@host`, or the name of a controller. */
  readonly author: string;
}

/** The release and the step that the writer saw at its first reading. It never aims at another one. */
export interface Pin {
  readonly key: string;
  readonly step: number;
}

/** A release that begins. */
export interface Start {
  readonly key: string;
  readonly id: number;
  readonly of: string;
  readonly plan: Plan;
  /** In [0, 1). */
  readonly offset: number;
  readonly inconclusive: Inconclusive;
  readonly failsafe: "hold" | undefined;
  readonly windows: readonly string[] | undefined;
  readonly slow: readonly string[] | undefined;
  readonly weights: Readonly<Record<string, number>> | undefined;
}

/** The key of a verb that lowers or stops; undefined for the release that is there. */
interface Lowering {
  readonly key: string | undefined;
  readonly reason: string | undefined;
}

/** The highest state of one release that a controller has seen. */
export interface KnownRelease {
  readonly key: string;
  /** The greatest one that was seen. */
  readonly seq: number;
  /** Whether it was aborted, finished or replaced. */
  readonly isOver: boolean;
  /** Whether another program had written rollout 0, which aborts it. */
  readonly isZero: boolean;
}

/** All that a controller has seen of a version: `known.ts` keeps it. */
export interface Known {
  /** The greatest `seq` since the record last had no release; 0 if none was seen. */
  readonly seq: number;
  /** The release that was seen last comes first. */
  readonly releases: readonly KnownRelease[];
}

export type Request =
  /**
   * A controller looks. `waits` is the result of `waitingFor` for the release with this `seq`. Conditions
   * that were met before a pause say nothing about the time after it. `seenMs` is the time for which the
   * writer has seen the present state: a fade goes by it if the store's clock went back.
   */
  | {
      readonly verb: "advance";
      readonly pin: Pin & { readonly seq: number };
      readonly waits: readonly Waiting[];
      readonly seenMs?: number;
    }
  /**
   * A person goes to the next step. `to` is the rollout that this step must have. `resume` resumes a paused
   * release too.
   */
  | {
      readonly verb: "promote";
      readonly pin: Pin;
      readonly to: number | undefined;
      readonly resume: boolean;
    }
  | { readonly verb: "resume"; readonly pin: Pin }
  | ({ readonly verb: "pause" } & Lowering)
  | ({ readonly verb: "abort" } & Lowering)
  /** The judge says abort. `key` is the release that was judged. */
  | { readonly verb: "verdict"; readonly key: string; readonly reason: string }
  /** `overMs`: a fade of a promoted release lasts this long; 0 for none. */
  | ({ readonly verb: "undo"; readonly overMs: number } & Lowering)
  | ({ readonly verb: "finish"; readonly deployed: string; readonly overMs: number } & Lowering)
  /** `seenKey` is the release that the writer saw at its first reading, null if it saw none. */
  | {
      readonly verb: "release";
      readonly start: Start;
      readonly replace: boolean;
      readonly seenKey: string | null;
      readonly reason: string | undefined;
    }
  /** A person clears a sign of the judge. `sign` is its name. */
  | { readonly verb: "clear"; readonly key: string | undefined; readonly sign: string; readonly why: string }
  /** A controller looks for a foreign write of the rollout or the offset. */
  | { readonly verb: "foreign"; readonly key: string }
  /** A controller sees an older state than it has seen before. `known` is what it has seen. */
  | { readonly verb: "restore"; readonly known: Known };

/** The part of a condition that the machine looks at; `due.ts` has the rest. */
export interface Waiting {
  readonly state: "met" | "waiting" | "inconclusive" | "unknown";
}

export type Outcome =
  | {
      readonly kind: "write";
      readonly rollout: number;
      readonly offset: number;
      readonly failsafe: Failsafe;
      /** The new release; null if the field stays as it is, because this program cannot read it. */
      readonly release: Release | null;
      readonly notice: Notice;
    }
  | { readonly kind: "no-op"; readonly code: NoOp }
  | { readonly kind: "refused"; readonly code: Refused; readonly facts: RefusedFacts }
  | { readonly kind: "error"; readonly code: Misused };

/** The news that a write is. */
export type Notice =
  | "started"
  | "replaced"
  | "advanced"
  | "promoted"
  | "paused"
  | "inconclusive"
  | "foreign-zero"
  | "foreign-change"
  | "other-version"
  | "resumed"
  | "aborted"
  | "finished"
  | "fading"
  | "fade-over"
  | "fade-stopped"
  /** The store went back, and the release was paused, or its `seq` was raised. */
  | "restored"
  | "cleared";

/** Why there is nothing to do. */
export type NoOp =
  /** There is no release, or none with this key. A controller forgets the one that it knew. */
  | "no-release"
  | "gone"
  | "replaced"
  | "unreadable"
  | "malformed-record"
  | "over"
  | "not-foreign"
  | "waiting"
  | "stale"
  | "unknown-plan"
  | "paused"
  | "running"
  | "promoted"
  /** The bake of a promoted release is over: a person may finish it. */
  | "bake-over"
  /** The judge says abort, but the release is promoted: a notice, because all visitors are there. */
  | "verdict-after-promotion"
  | "at-zero"
  | "fade-waits"
  | "not-behind"
  /** The sign was cleared before. */
  | "cleared";

/** Why a verb is not done, although it is possible in general. */
export type Refused =
  | "stale"
  | "replaced"
  | "other-share"
  | "other-of"
  | "other-version"
  | "paused"
  | "under-way"
  | "in-use"
  | "finish-first"
  | "below-first-step"
  | "unknown-plan"
  | "unreadable"
  | "malformed-record"
  | "too-large";

/** The release, and the value that did not fit, if there is one. */
export interface RefusedFacts {
  readonly release?: Release;
  /** The step, share, name or version that is there. */
  readonly found?: number | string;
}

/** The verb makes no sense in this state. */
export type Misused = "no-release" | "over" | "running" | "paused";
