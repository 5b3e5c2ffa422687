/**
 * Carries out a verb: look, ask the machine, write by compare-and-set, return the outcome. Commands, pages
 * and controllers all write releases by this one function.
 *
 *     look ─▶ machine ─▶ write ─ok───────▶ written
 *      ▲                   ├─lost, down──┐
 *      └───────────────────┼─────────────┘ again, until it is written or the caller's signal is aborted
 *                          ├─lost, up────▶ conflict: a verb that raises is never aimed at a new revision
 *                          └─no answer───▶ look: the writer knows its own write by its `tx`
 */

import { move } from "../releases/machine.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import type {
  Misused,
  NoOp,
  Notice,
  Outcome,
  Refused,
  RefusedFacts,
  Request,
  Stamp,
} from "../releases/request.ts";
import { abandoned } from "../stores/shared/abort.ts";
import type { StoreError, StoreRecord } from "../stores/store.ts";
import { type Looked, look, type Target, timeFor } from "./look.ts";
import { attemptTo, type Wanted, type WriteParts } from "./write-release.ts";

/** The longest pause between two attempts of a verb that lowers or stops. */
const RETRY_PAUSE_MS = 20;

/** Such a verb is tried again this often if the store fails to write, but can be read. */
const FAILURES_MAX = 3;

export interface Carrying extends WriteParts {
  /** `user@host`, or the name of a controller. */
  readonly author: string;
  /** This machine's clock: milliseconds since 1970. */
  readonly wallClock: () => number;
  /** 96 random bits as 24 hexadecimal digits. */
  readonly drawKey: () => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves after some milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  /**
   * Called before each write. It throws a `StoreError` to hold the write back.
   *
   * @param isDown whether the write takes visitors back, or ends the release
   */
  readonly beforeWrite?: (isDown: boolean) => void;
}

export type VerbOutcome =
  | {
      readonly kind: "written";
      /** The state before the write. */
      readonly looked: Looked;
      readonly rollout: number;
      /** The release after the write; null if the field could not be read, and stays. */
      readonly release: Release | null;
      readonly notice: Notice;
      /** Number of other writers that were first. */
      readonly conflicts: number;
      /** Whether the release had to be written without its log. */
      readonly isBare: boolean;
    }
  | { readonly kind: "unchanged"; readonly looked: Looked; readonly code: NoOp }
  | {
      readonly kind: "refused";
      readonly looked: Looked;
      readonly code: Refused;
      readonly facts: RefusedFacts;
    }
  | { readonly kind: "misused"; readonly looked: Looked; readonly code: Misused }
  /** Another writer was first, and nothing was written. `current` is undefined if the record is gone. */
  | { readonly kind: "conflict"; readonly looked: Looked; readonly current: StoreRecord | undefined }
  | { readonly kind: "read-only" }
  /** The store failed during the write, and a read afterwards shows that nothing was written. */
  | { readonly kind: "failed"; readonly error: StoreError }
  /** The store failed during the write and cannot be read, so the write may have arrived. */
  | { readonly kind: "unsure"; readonly error: StoreError };

/**
 * @param ask makes the request from the first look. It is called once, so that a verb never aims at a release
 *            or a step that its caller did not see
 * @throws {StoreError} if the store cannot be read, or says that nothing was written
 */
export async function carryOut(
  target: Target,
  ask: (looked: Looked) => Request,
  carrying: Carrying,
): Promise<VerbOutcome> {
  const { store, signal } = carrying;
  if (store.write === undefined) return { kind: "read-only" };
  const first = await look(store, target, signal);
  const request = ask(first);
  const isLowering = lowers(request);
  let failures = 0;
  for (let conflicts = 0, looked = first; ; looked = await look(store, target, signal)) {
    const stamp = await stampFor(isLowering, carrying);
    const outcome = move(looked.now, request, stamp);
    if (outcome.kind !== "write") return unwritten(looked, outcome);
    carrying.beforeWrite?.(isDown(outcome, looked));
    const attempt = await attemptTo(outcome, looked, stamp, carrying);
    switch (attempt.kind) {
      case "written":
        return { ...attempt, looked, conflicts, rollout: outcome.rollout, notice: outcome.notice };
      case "unsure":
        return attempt;
      case "failed":
        if (!isLowering || ++failures > FAILURES_MAX) return attempt;
        break;
      case "overtaken":
        if (!isLowering) return { kind: "unsure", error: attempt.error };
        conflicts++;
        break;
      case "lost":
        if (!isLowering) return { kind: "conflict", looked, current: attempt.current };
        conflicts++;
    }
    await carrying.pause(RETRY_PAUSE_MS * carrying.random());
    if (signal.aborted) throw abandoned(signal);
  }
}

/** Verbs that lower or stop do not give way to other writers (law 14). */
export function lowers({ verb }: Pick<Request, "verb">): boolean {
  return verb === "abort" || verb === "verdict" || verb === "undo" || verb === "finish" || verb === "pause";
}

function isDown({ rollout, release }: Wanted, { now }: Looked): boolean {
  return rollout < now.rollout || release === null || !isUnderWay(release);
}

async function stampFor(
  isLowering: boolean,
  { store, author, signal, wallClock, drawKey, timeLimit }: Carrying,
): Promise<Stamp> {
  const nowMs = await timeFor(store, isLowering, { signal, wallClock, timeLimit });
  return { nowMs, tx: drawKey(), author };
}

function unwritten(looked: Looked, outcome: Exclude<Outcome, { readonly kind: "write" }>): VerbOutcome {
  switch (outcome.kind) {
    case "no-op":
      return { kind: "unchanged", looked, code: outcome.code };
    case "refused":
      return { kind: "refused", looked, code: outcome.code, facts: outcome.facts };
    case "error":
      return { kind: "misused", looked, code: outcome.code };
  }
}
