/** The facts of one moment about a release, and the conditions for which it waits. */

import type { CheckRunner } from "../checks/runner.ts";
import type { StoreClock } from "../exchange/store-clock.ts";
import { type Condition, waitingFor } from "../releases/due.ts";
import type { Release } from "../releases/release.ts";
import type { Seen } from "../releases/seen.ts";
import type { Watch } from "../releases/watch.ts";
import type { Target } from "../verbs/look.ts";
import type { Impure } from "./impure.ts";
import type { Judging } from "./judging.ts";
import type { OpenWindows } from "./open-windows.ts";
import type { Presence } from "./presence.ts";

/** The part of the checks that a controller needs. */
export type Checks = Pick<CheckRunner, "follow" | "forget" | "answers" | "told" | "close">;

export interface FactParts extends Pick<Impure, "store" | "clock" | "wallClock"> {
  readonly storeClock: StoreClock;
  readonly windows: OpenWindows;
  readonly checks: Checks;
}

/** After the promotion a check may still find harm. Then a person decides. */
function isAsking({ state }: Release): boolean {
  return state === "running" || state === "promoted";
}

export class Facts {
  readonly #target: Target;
  readonly #judging: Judging | undefined;
  readonly #presence: Presence | undefined;
  readonly #parts: FactParts;

  constructor(
    target: Target,
    presence: Presence | undefined,
    judging: Judging | undefined,
    parts: FactParts,
  ) {
    this.#target = target;
    this.#judging = judging;
    this.#presence = presence;
    this.#parts = parts;
  }

  /** The conditions for which a state of the record waits now. */
  waits(seen: Seen, watch: Watch, isFrozen: boolean): Condition[] {
    const { found, plan } = seen;
    const { release } = found;
    const { clock, checks } = this.#parts;
    return waitingFor(release, plan, {
      ...{ watch, isFrozen, ok: this.#judging?.ok(seen), signs: this.#judging?.signs() ?? [] },
      evidenceAgeMs: this.#judging?.evidenceAgeMs ?? this.#presence?.ageMs(clock()),
      checks: checks.answers({ ...this.#target, key: release.key, seq: release.seq }),
      isOpen: this.#isOpen(release),
    });
  }

  /**
   * The time to the next window in milliseconds; 0 if the release may go on at any time. If the store's clock
   * is not known, it is by this machine's: the attempt of that time asks the store's clock again.
   */
  opensInMs({ windows }: Release): number {
    const { wallClock, windows: open } = this.#parts;
    return windows === undefined ? 0 : open.opensInMs(windows, this.#epochMs() ?? wallClock());
  }

  /** Asks the checks of a step that runs or bakes, and no others. */
  followChecks({ found: { release }, plan, rollout }: Seen): void {
    const { application, version } = this.#target;
    const step = plan?.steps[release.step - 1];
    if (plan === undefined || step === undefined || !isAsking(release)) {
      this.forgetChecks();
      return;
    }
    const { key, seq, id, of } = release;
    const subject = { application, version, key, seq, id, of, step: release.step, rollout };
    this.#parts.checks.follow({ ...subject, steps: plan.steps.length }, step.wait.checks);
  }

  forgetChecks(): void {
    this.#parts.checks.forget(this.#target.application, this.#target.version);
  }

  #isOpen({ windows }: Release): boolean | undefined {
    const epochMs = this.#epochMs();
    if (windows === undefined) return true;
    return epochMs === undefined ? undefined : this.#parts.windows.isOpen(windows, epochMs);
  }

  /**
   * By the store's clock, or this machine's if the store has none; undefined if the store's clock is not
   * known. Then this machine's says nothing, because it may be hours wrong.
   */
  #epochMs(): number | undefined {
    const { store, storeClock, clock, wallClock } = this.#parts;
    return store.clock === undefined ? wallClock() : storeClock.at(clock());
  }
}
