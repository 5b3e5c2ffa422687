/**
 * The release of a version, as the field `release` of the version's record holds it. Plain data.
 * `read-release.ts` reads it, and `release-field.ts` writes it.
 *
 * Steps count from 1. Times are milliseconds since 1970, but `since` is a text, because people read it in the
 * record. Both are by the clock of the store, or of the writer if the store has no clock.
 */

import type { Failsafe } from "../circle.ts";

/** The field of a version's record that holds its release. */
export const RELEASE = "release";

/** The format that this program writes, and the only one that it reads. */
export const FORMAT = 1;

/** The JSON of a release has at most this many bytes. */
export const RELEASE_BYTES_MAX = 16_384;

/** A greater `seq` or `id` is malformed: the next one would be no safe integer. */
export const COUNT_MAX = Number.MAX_SAFE_INTEGER - 1;

/** A release keeps its last transitions, this many. */
export const LOG_MAX = 64;

/** A release keeps the times of this many arcs. The judge needs all of them. */
export const ARCS_MAX = 256;

/** A text of a person, such as a reason, is cut after this many UTF-16 units. */
export const TEXT_LENGTH_MAX = 256;

/** A list of windows, bounds, weights or cleared signs has at most this many entries. */
export const LIST_MAX = 16;

export const STATES = ["running", "paused", "promoted", "aborted", "finished"] as const;
export type State = (typeof STATES)[number];

/** The end of a step if the judge does not pass it within its bound. */
export type Inconclusive = "pause" | "abort";

/** From `atMs` on, the version had this rollout and this offset. */
export type ArcSince = readonly [atMs: number, rollout: number, offset: number];

/** A line of the log. The rollout is that of the record after the transition. */
export type Transition = readonly [
  seq: number,
  atMs: number,
  state: State,
  step: number,
  rollout: number,
  by: string,
];

/** From `sinceMs` on, the rollout falls evenly from `from` to 0, which it reaches after `durationMs`. */
export type Fade = readonly [from: number, sinceMs: number, durationMs: number];

/** A sign that a person has cleared. */
export type Cleared = readonly [sign: string, by: string, why: string];

export interface Release {
  readonly format: typeof FORMAT;
  /** 96 random bits as 24 hexadecimal digits. Everything hangs on it. */
  readonly key: string;
  /** Counts the releases of an application, for people. */
  readonly id: number;
  /** The name of the software that is released, such as `v42`. */
  readonly of: string;
  /** The text of the plan. It may have terms that this program does not know. */
  readonly plan: string;
  readonly state: State;
  /** From 1. It stays as it was if the release ends. */
  readonly step: number;
  /** The time of the last change of state, step or rollout that this release made or saw. */
  readonly since: string;
  readonly inconclusive: Inconclusive;
  /** The failsafe from the promotion to the finish; undefined if it does not change. */
  readonly failsafe?: "hold" | undefined;
  /** The times at which a controller may advance it; undefined for any time. */
  readonly windows?: readonly string[] | undefined;
  /** The bounds of the slow metrics. */
  readonly slow?: readonly string[] | undefined;
  /** The weight of each metric. */
  readonly weights?: Readonly<Record<string, number>> | undefined;
  readonly arcs: readonly ArcSince[];
  /** The rollout and the offset that the record has by this release. Other values are a foreign write. */
  readonly wrote: readonly [rollout: number, offset: number];
  /** Grows with each write of the release, also from one release to the next. */
  readonly seq: number;
  /** 96 random bits of the last write, as `key`. A writer knows its own write by it. */
  readonly tx: string;
  readonly log: readonly Transition[];
  /** Set while it is paused, if it was promoted before. */
  readonly from?: "promoted" | undefined;
  /** The step that a person has approved. */
  readonly approved?: number | undefined;
  /** Why it was paused or ended: a text of a person, or a word of the machine. */
  readonly reason?: string | undefined;
  readonly cleared?: readonly Cleared[] | undefined;
  readonly fade?: Fade | undefined;
  /** The duration of its fade in milliseconds. It stays when the fade is over, for the history. */
  readonly fadeMs?: number | undefined;
  /** The failsafe before the promotion, if the promotion changed it. */
  readonly was?: Failsafe | undefined;
  /** Fields that this program does not know. They stay as they are. */
  readonly others: Readonly<Record<string, unknown>>;
}

const KEY = /^[0-9a-f]{24}$/;

/** Whether a value has the form of a key, or of a `tx`. */
export function isKey(value: unknown): value is string {
  return typeof value === "string" && KEY.test(value);
}

/** Whether it can still change: it is running, paused or promoted. */
export function isUnderWay({ state }: Pick<Release, "state">): boolean {
  return state !== "aborted" && state !== "finished";
}

/** Whether its rollout can still change: it is under way, or it fades. */
export function goesOn({ state, fade }: Pick<Release, "state" | "fade">): boolean {
  return isUnderWay({ state }) || fade !== undefined;
}

/** The end of the year 9999. A later one would need more digits. */
const TIME_MS_MAX = 253_402_300_799_999;

/** A time as the record has it, in whole milliseconds: from 1970 to 9999, whatever the clock says. */
export function recordMs(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.floor(Math.min(TIME_MS_MAX, Math.max(0, ms)));
}

/** The same as text. */
export function timeText(ms: number): string {
  return new Date(recordMs(ms)).toISOString();
}
