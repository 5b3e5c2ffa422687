/**
 * Lowers the rollout of a release that fades, in the foreground of a command, as long as no controller does
 * it. Both would do the same: each step is a compare-and-set to the rollout that the fade has reached, and
 * never raises. So the command begins at once, and ends when a controller says that it has seen the fade.
 */

import { newsIn } from "../evidence/news-lines.ts";
import { fadeStepMs } from "../releases/fade.ts";
import type { Release } from "../releases/release.ts";
import { type Store, StoreError } from "../stores/store.ts";
import { type Carrying, carryOut, type VerbOutcome } from "./carry-out.ts";
import type { Looked, Target } from "./look.ts";

/** Without a sign of a controller for this long, the command says that it is alone. */
const ALONE_MS = 6_000;

/** Until then it looks for one this often. */
const LOOK_MS = 500;

/** One step has this long for all its calls. */
const STEP_TIMEOUT_MS = 10_000;

/** One read of the evidence. */
const EVIDENCE_TIMEOUT_MS = 1_000;

/** A store that has not answered for longer is given up. */
export const AWAY_MS_MAX = 300_000;

/** News while it goes on. */
export type FadeNews =
  /** No controller leads it. */
  | { readonly kind: "alone" }
  | { readonly kind: "at"; readonly rollout: number }
  /** The store does not answer. */
  | { readonly kind: "away"; readonly error: StoreError };

export type FadeEnd =
  | { readonly kind: "over" }
  /** A controller goes on with it. */
  | { readonly kind: "led"; readonly by: string; readonly rollout: number }
  /** Another writer has changed the rollout, or the release. */
  | { readonly kind: "stopped"; readonly rollout: number }
  | { readonly kind: "interrupted"; readonly rollout: number }
  | { readonly kind: "away"; readonly error: StoreError; readonly rollout: number };

export interface Fading {
  readonly target: Target;
  /** With its `fade`. */
  readonly release: Release;
  readonly rollout: number;
  /** Each step has a time limit of its own. */
  readonly carrying: Carrying;
  /** Never goes back, in milliseconds. */
  readonly monotonic: () => number;
  /** Resolves after some milliseconds, or when the signal aborts. */
  readonly idle: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborts when the operator no longer waits. */
  readonly interrupt: AbortSignal;
  told(news: FadeNews): void;
}

/**
 * Resolves when the fade is over, or when this command has nothing more to do for it. It does not reject if
 * the store fails.
 */
export async function fadeOut(fading: Fading): Promise<FadeEnd> {
  const { release, carrying, monotonic, interrupt, idle, told } = fading;
  const leaders = new LeaderLook(carrying.store, fading.target.application, release, carrying.timeLimit);
  const everyMs = release.fade === undefined ? LOOK_MS : fadeStepMs(release.fade);
  const beganMs = monotonic();
  let answeredMs = beganMs;
  let steppedMs = Number.NEGATIVE_INFINITY;
  /** When this command saw the present rollout first. */
  let seenAtMs = beganMs;
  let isAlone = false;
  let { rollout } = fading;
  while (!interrupt.aborted) {
    if (monotonic() - steppedMs >= everyMs) {
      steppedMs = monotonic();
      const step = await stepOf(fading, steppedMs - seenAtMs);
      if (step.kind === "away") {
        if (monotonic() - answeredMs > AWAY_MS_MAX) return { ...step, rollout };
        told(step);
      } else {
        answeredMs = monotonic();
        if (step.kind !== "at") return step;
        if (step.rollout !== rollout) {
          seenAtMs = answeredMs;
          told(step);
        }
        rollout = step.rollout;
      }
    }
    const by = await leaders.look();
    if (by !== undefined) return { kind: "led", by, rollout };
    if (!isAlone && monotonic() - beganMs >= ALONE_MS) {
      isAlone = true;
      told({ kind: "alone" });
    }
    const untilStepMs = Math.max(0, steppedMs + everyMs - monotonic());
    await idle(isAlone ? untilStepMs : Math.min(untilStepMs, LOOK_MS), interrupt);
  }
  return { kind: "interrupted", rollout };
}

type Step =
  | Extract<FadeNews, { readonly kind: "at" | "away" }>
  | Extract<FadeEnd, { readonly kind: "over" | "stopped" }>;

/** @param seenMs for how long the command has seen the present rollout */
async function stepOf({ target, release, carrying }: Fading, seenMs: number): Promise<Step> {
  const ask = ({ now: { found } }: Looked) => {
    const seen = found.kind === "release" ? found.release : release;
    const pin = { key: release.key, step: seen.step, seq: seen.seq };
    return { verb: "advance", pin, waits: [], seenMs } as const;
  };
  const signal = AbortSignal.any([carrying.signal, carrying.timeLimit(STEP_TIMEOUT_MS)]);
  try {
    return stepFrom(await carryOut(target, ask, { ...carrying, signal }));
  } catch (error) {
    if (error instanceof StoreError) return { kind: "away", error };
    if (!signal.aborted) throw error;
    return { kind: "away", error: noAnswer(carrying.store) };
  }
}

function stepFrom(outcome: VerbOutcome): Step {
  switch (outcome.kind) {
    case "written": {
      const { notice, rollout } = outcome;
      if (notice === "fading") return { kind: "at", rollout };
      return rollout === 0 ? { kind: "over" } : { kind: "stopped", rollout };
    }
    case "conflict":
      return { kind: "at", rollout: outcome.looked.now.rollout };
    case "unchanged": {
      const { rollout } = outcome.looked.now;
      if (outcome.code === "fade-waits") return { kind: "at", rollout };
      return rollout === 0 ? { kind: "over" } : { kind: "stopped", rollout };
    }
    case "failed":
    case "unsure":
      return { kind: "away", error: outcome.error };
    default:
      return { kind: "stopped", rollout: "looked" in outcome ? outcome.looked.now.rollout : 0 };
  }
}

function noAnswer({ address }: Store): StoreError {
  return new StoreError("unavailable", `${address} did not answer within ${STEP_TIMEOUT_MS / 1000} s`);
}

/** Looks in the evidence for a controller that has seen the fade. */
class LeaderLook {
  readonly #store: Store;
  readonly #log: { readonly application: string; readonly key: string };
  readonly #seq: number;
  readonly #timeLimit: (ms: number) => AbortSignal;
  #cursor: string | undefined;

  constructor(store: Store, application: string, { key, seq }: Release, timeLimit: Carrying["timeLimit"]) {
    this.#store = store;
    this.#log = { application, key };
    this.#seq = seq;
    this.#timeLimit = timeLimit;
  }

  /** Its name; undefined if there is none, or if the store has no evidence that can be read. */
  async look(): Promise<string | undefined> {
    const { evidence } = this.#store;
    if (evidence === undefined) return undefined;
    try {
      const limit = this.#timeLimit(EVIDENCE_TIMEOUT_MS);
      const { batches, cursor } = await evidence.read(this.#log, this.#cursor, limit);
      this.#cursor = cursor;
      return newsIn(batches).flatMap((news) =>
        news.kind === "presence" && news.seq >= this.#seq ? [news.name] : [],
      )[0];
    } catch {
      // A login that may write records may not be allowed to read evidence.
      return undefined;
    }
  }
}
