/**
 * One write of a release, by compare-and-set. If its answer is lost, a read finds out whether it arrived: a
 * writer knows its own write by its `tx`.
 */

import { fieldsOf } from "../records/fields.ts";
import { HISTORY, withPast } from "../records/history.ts";
import { loggedTransitions, WHY_TEXTS } from "../releases/logged.ts";
import { isUnderWay, RELEASE, type Release } from "../releases/release.ts";
import { bare, releaseField } from "../releases/release-field.ts";
import type { Outcome, Stamp } from "../releases/request.ts";
import { type RecordFields, type Store, StoreError, type StoreRecord } from "../stores/store.ts";
import { type Looked, look } from "./look.ts";

/** The time limit of the read that finds out whether a write arrived. */
export const LOOK_AGAIN_MS = 2_000;

/** The part of a verb's surroundings that its write needs. */
export interface WriteParts {
  readonly store: Store;
  /** Becomes the record's `why`. */
  readonly why: string | undefined;
  readonly signal: AbortSignal;
  /** Aborts after some milliseconds. */
  readonly timeLimit: (ms: number) => AbortSignal;
}

export type Attempt =
  | { readonly kind: "written"; readonly release: Release | null; readonly isBare: boolean }
  | { readonly kind: "lost"; readonly current: StoreRecord | undefined }
  | { readonly kind: "failed"; readonly error: StoreError }
  /** Without an answer, and then another writer wrote: over this write, or in its place. */
  | { readonly kind: "overtaken"; readonly error: StoreError }
  | { readonly kind: "unsure"; readonly error: StoreError };

/** The write that the machine wants. */
export type Wanted = Extract<Outcome, { readonly kind: "write" }>;

/** One write. If the store refuses its size, the end of a release is written again without its log. */
export async function attemptTo(
  wanted: Wanted,
  looked: Looked,
  stamp: Stamp,
  parts: WriteParts,
): Promise<Attempt> {
  const { release } = wanted;
  try {
    return await write({ wanted, looked, stamp, isBare: false }, parts);
  } catch (error) {
    const isEnd = release !== null && !isUnderWay(release);
    if (!(error instanceof StoreError) || error.code !== "refused" || !isEnd) throw error;
    return write({ wanted: { ...wanted, release: bare(release) }, looked, stamp, isBare: true }, parts);
  }
}

interface Writing {
  readonly wanted: Wanted;
  readonly looked: Looked;
  readonly stamp: Stamp;
  readonly isBare: boolean;
}

async function write(writing: Writing, { store, why, signal, timeLimit }: WriteParts): Promise<Attempt> {
  const { wanted, looked, isBare } = writing;
  const { application, version } = looked.target;
  const done: Attempt = { kind: "written", release: wanted.release, isBare };
  try {
    const fields = fieldsFor(writing, why, store.history !== undefined);
    const expected = looked.record?.revision ?? null;
    const written = await store.write?.(application, version, fields, expected, signal);
    if (written?.ok === true) return done;
    return { kind: "lost", current: written?.current };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code !== "unavailable" && error.code !== "malformed") throw error;
    return lookAgain(store, writing, done, error, timeLimit(LOOK_AGAIN_MS));
  }
}

/**
 * The fields of the record. A field without a change is not named, so that it stays as it is. The steps of a
 * fade are many. They keep the reason, and the record does not remember each of them.
 */
function fieldsFor(
  { wanted, looked, stamp, isBare }: Writing,
  why: string | undefined,
  keepsHistory: boolean,
): RecordFields {
  const { rollout, offset, failsafe, release } = wanted;
  const { now, record } = looked;
  const known = fieldsOf(record?.value);
  const isStep = isFadeStep(wanted, looked);
  const signed = { updatedBy: stamp.author, updatedAt: new Date(stamp.nowMs).toISOString() };
  return {
    rollout,
    ...(offset === now.offset && !now.isMalformed ? {} : { offset }),
    ...(failsafe === now.failsafe && !now.isMalformed ? {} : { failsafe }),
    ...(release === null ? {} : { [RELEASE]: releaseField(release) }),
    ...(isStep ? signed : { ...signed, why: why ?? ownReason(release) }),
    ...(keepsHistory || record === undefined || isStep
      ? {}
      : { [HISTORY]: isBare ? undefined : withPast(known) }),
  };
}

/** The words of the machine for a pause or an end. */
const OWN_REASONS: Readonly<Record<string, string>> = {
  ...WHY_TEXTS,
  "foreign-zero": "another writer set the rollout to 0%",
  "foreign-change": "another writer changed the rollout or the offset",
  "other-version": "another version has visitors too",
};

/**
 * The reason of a daemon that pauses or ends a release, such as the judge's sentence. The release forgets it
 * with its next transition, so the history knows it only by the record.
 */
function ownReason(release: Release | null): string | undefined {
  if (release === null || release.state === "running" || release.state === "promoted") return undefined;
  return loggedTransitions(release).at(-1)?.why ?? OWN_REASONS[release.reason ?? ""];
}

function isFadeStep({ notice }: Wanted, { now: { found } }: Looked): boolean {
  return notice === "fading" && found.kind === "release" && found.release.fade !== undefined;
}

/** Reads the record after a write without an answer. */
async function lookAgain(
  store: Store,
  { looked, stamp }: Writing,
  done: Attempt,
  error: StoreError,
  signal: AbortSignal,
): Promise<Attempt> {
  try {
    const { now, record } = await look(store, looked.target, signal);
    if (now.found.kind === "release" && now.found.release.tx === stamp.tx) return done;
    return { kind: record?.revision === looked.record?.revision ? "failed" : "overtaken", error };
  } catch {
    return { kind: "unsure", error };
  }
}
