/**
 * Follows one release by its key, whatever its daemons do: by the store's push, or by a look each second. A
 * store that does not answer is told, and asked again.
 */

import { releaseIn } from "../records/release-in.ts";
import type { FoundRelease } from "../releases/read-release.ts";
import { unlessAborted } from "../stores/shared/abort.ts";
import { type Store, StoreError } from "../stores/store.ts";
import type { Timers } from "../timers.ts";
import type { Target } from "./look.ts";
import type { Found, Observation, Observer } from "./observer.ts";

/** The time between two looks if the store cannot push, or does not answer. */
export const POLL_MS = 1_000;

/** The time between two looks if the store pushes. The daemons' presence comes without a push. */
export const PUSHED_POLL_MS = 5_000;

/** Two looks are at least this far apart, however often the store pushes. */
const APART_MS = 100;

/** A look that takes longer has failed. */
const LOOK_MS_MAX = 3_000;

/** A release that is followed. */
export interface Aim extends Target {
  readonly key: string;
}

export type Sight =
  | {
      readonly kind: "seen";
      readonly seen: Observation;
      /** Undefined if the version's record does not have this release any more. */
      readonly found: Found | undefined;
      /** The release that the record has. */
      readonly there: FoundRelease;
    }
  | { readonly kind: "silent"; readonly sinceMonotonicMs: number; readonly error: StoreError };

export interface Following {
  readonly store: Store;
  readonly observer: Observer;
  readonly aim: Aim;
  /** They keep the process. */
  readonly timers: Timers;
}

/**
 * Calls `show` after each look, until it returns false or the signal aborts. The first look has been made by
 * the caller.
 */
export async function follow(
  { store, observer, aim, timers }: Following,
  first: Observation,
  show: (sight: Sight) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const news = new News(timers);
  const endWatch = store.watch?.(aim.application, () => news.come());
  let lastMonotonicMs = first.moment.monotonicMs;
  try {
    for (let sight = sightOf(first, aim); show(sight); ) {
      const hasPush = endWatch !== undefined && sight.kind === "seen";
      await news.wait(hasPush ? PUSHED_POLL_MS : POLL_MS, signal);
      if (signal.aborted) return;
      try {
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS_MAX)]);
        const seen = await unlessAborted(inTime, observer.look(inTime));
        lastMonotonicMs = seen.moment.monotonicMs;
        sight = sightOf(seen, aim);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        sight = { kind: "silent", sinceMonotonicMs: lastMonotonicMs, error };
      }
      if (signal.aborted) return;
    }
  } finally {
    endWatch?.();
  }
}

function sightOf(seen: Observation, { version, key }: Aim): Sight {
  const found = seen.releases.find((each) => each.version === version && each.release.key === key);
  const there = releaseIn(seen.snapshot.get(version)?.value);
  return { kind: "seen", seen, found, there };
}

/** A wait that a push ends early. */
class News {
  readonly #timers: Timers;
  #hasCome = false;
  #wake = () => {};

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  come(): void {
    this.#hasCome = true;
    this.#wake();
  }

  /** Resolves after `ms`, or soon after a push since the last wait, or at once if the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    await this.#pause(APART_MS, signal);
    if (!this.#hasCome && !signal.aborted) await this.#pause(ms - APART_MS, signal, true);
    this.#hasCome = false;
  }

  async #pause(ms: number, signal: AbortSignal, isWakeable = false): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#timers.set(over.resolve, ms);
    const end = () => over.resolve();
    signal.addEventListener("abort", end, { once: true });
    if (isWakeable) this.#wake = end;
    if (signal.aborted) end();
    await over.promise;
    this.#wake = () => {};
    this.#timers.clear(timer);
    signal.removeEventListener("abort", end);
  }
}
