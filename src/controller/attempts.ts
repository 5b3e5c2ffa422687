/**
 * The attempts to go on with one release: one at a time, each within a time limit, and with a longer wait
 * after each failure. An abort does not wait for the attempt that is under way.
 */

import type { Condition } from "../releases/due.ts";
import { isBehind } from "../releases/known.ts";
import { goesOn, type Release } from "../releases/release.ts";
import type { Request } from "../releases/request.ts";
import { isSeen, type Seen } from "../releases/seen.ts";
import type { Watch } from "../releases/watch.ts";
import { StoreError } from "../stores/store.ts";
import { errorMessage } from "../text/error-message.ts";
import { type Carrying, carryOut, type VerbOutcome } from "../verbs/carry-out.ts";
import type { Looked, Target } from "../verbs/look.ts";
import { nameOf } from "../verbs/transition-line.ts";
import { Pace } from "./pace.ts";
import type { LedParts } from "./parts.ts";

/** An attempt reads, asks the clock, and writes; then it is given up. */
const ATTEMPT_MS = 10_000;

/** The release of which an `Attempts` makes the attempts. */
export interface Attempted {
  readonly target: Target;
  readonly key: string;
  readonly release: Release;
  /** Whether the last reading was older than what was seen. */
  readonly isBehind: boolean;
  /** The watch after a look at the record just now. If the `seq` is the present one, the watch goes on. */
  watchOf(release: Release): Watch;
  /** For how long this daemon has seen a state of the record, in milliseconds; 0 if it is news. */
  seenMs(release: Release): number;
  /** The conditions for which a state of the record waits now. */
  waits(seen: Seen, watch: Watch, isFrozen: boolean): readonly Condition[];
  /** This machine's clock for a write, in milliseconds since 1970: a store without a clock gets this one. */
  wallClock(): number;
  /** A verdict came after the promotion. */
  tooLate(reason: string): void;
  /** Called when an attempt has ended. */
  reconsider(): void;
}

export class Attempts {
  readonly #led: Attempted;
  readonly #parts: LedParts;
  readonly #pace: Pace;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #problem: string | undefined;
  /** The attempts that are under way, by kind. */
  readonly #underWay = new Map<"abort" | "look", Promise<void>>();

  constructor(led: Attempted, parts: LedParts) {
    this.#led = led;
    this.#parts = parts;
    this.#pace = new Pace(parts.clock, parts.random);
  }

  /** Why the last attempt failed, for people; undefined if it did not, or if nothing is to be attempted. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** When the last attempt ended, on the monotonic clock; -Infinity if there was none. */
  get triedAtMs(): number {
    return this.#triedAtMs;
  }

  /** The time of the next attempt, if something is due at `dueAtMs`. */
  notBefore(dueAtMs: number): number {
    const kind = this.#kind();
    return this.#underWay.has(kind) ? Number.POSITIVE_INFINITY : Math.max(dueAtMs, this.#pace.notBeforeMs);
  }

  /** The release has a new state. A wait after a failure goes on. */
  restart(): void {
    this.#pace.restart();
  }

  /** There is nothing to attempt for a while, so an earlier failure holds nothing back. */
  rest(): void {
    this.#problem = undefined;
  }

  /** Earlier failures hold nothing back: there is a verdict, or the reason of the failures is gone. */
  hurry(): void {
    this.#pace.wentWell();
  }

  /** Begins an attempt, unless one of its kind is under way. */
  begin(): void {
    const kind = this.#kind();
    if (this.#isClosed || this.#underWay.has(kind)) return;
    const { turns } = this.#parts;
    const attempt = kind === "abort" ? this.#attempt() : turns.run(() => this.#attempt());
    this.#underWay.set(
      kind,
      attempt.finally(() => {
        this.#underWay.delete(kind);
        this.#triedAtMs = this.#parts.clock();
        this.#led.reconsider();
      }),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#underWay.values());
  }

  #kind(): "abort" | "look" {
    return this.#parts.overrides.of(this.#led.target)?.key === this.#led.key ? "abort" : "look";
  }

  /** Never rejects. */
  async #attempt(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const isFrozen = await this.#readFreeze();
      const { calls } = this.#parts;
      const outcome = await calls.run(ATTEMPT_MS, (signal) =>
        carryOut(this.#led.target, (looked) => this.#ask(looked, isFrozen), this.#carrying(signal)),
      );
      this.#take(outcome);
    } catch (error) {
      this.#failed(error);
    }
  }

  /**
   * Reads what an advance needs. Whatever goes down needs nothing, so it does not wait for this. A freeze
   * that was not read holds an advance back: the record may differ from what was expected.
   */
  async #readFreeze(): Promise<boolean> {
    const { freezes, storeClock } = this.#parts;
    const isToAdvance =
      this.#kind() === "look" && this.#led.release.state === "running" && !this.#led.isBehind;
    if (!isToAdvance) return true;
    const [freeze] = await Promise.all([freezes.read(), storeClock.refresh(0)]);
    return freeze.isFrozen;
  }

  /** The request for a fresh look. */
  #ask({ now }: Looked, isFrozen: boolean): Request {
    const { highest, overrides, looked } = this.#parts;
    const { key, release, target } = this.#led;
    const override = overrides.of(target);
    const known = highest.of(target);
    // The release of the verdict may be over in an older state, or not be there. Then an abort has nothing to
    // end, and the older state stays.
    const isToEnd = !isSeen(now) || (now.found.release.key === key && goesOn(now.found.release));
    if (override?.key === key && (isToEnd || !isBehind(known, now))) {
      return { verb: "verdict", key, reason: override.reason };
    }
    if (isBehind(known, now)) return { verb: "restore", known };
    looked(target, now);
    if (!isSeen(now) || now.found.release.key !== key) return { verb: "foreign", key };
    const watch = this.#led.watchOf(now.found.release);
    const seenMs = this.#led.seenMs(now.found.release);
    const { step, seq } = release;
    return { verb: "advance", pin: { key, step, seq }, waits: this.#led.waits(now, watch, isFrozen), seenMs };
  }

  #carrying(signal: AbortSignal): Carrying {
    const { store, name, drawKey, random, timers, calls, writeRates } = this.#parts;
    return {
      ...{ store, author: name, why: undefined, signal, drawKey, random },
      wallClock: () => this.#led.wallClock(),
      pause: (ms) =>
        new Promise((resolve) => {
          timers.set(resolve, ms);
        }),
      timeLimit: (ms) => calls.limit(ms),
      beforeWrite: (isDown) => writeRates.count(this.#led.target, isDown),
    };
  }

  #take(outcome: VerbOutcome): void {
    const { rights } = this.#parts;
    switch (outcome.kind) {
      case "written":
        this.#problem = undefined;
        this.#pace.wentWell();
        rights.wrote();
        this.#wrote(outcome);
        break;
      case "unchanged":
        this.#problem = undefined;
        this.#pace.wentWell();
        this.#pace.wait();
        this.#unchanged(outcome);
        break;
      case "conflict":
        this.#pace.wait();
        break;
      case "failed":
      case "unsure":
        this.#failed(outcome.error);
        break;
      default:
        this.#failed(new StoreError("refused", problemOf(outcome)));
    }
  }

  #wrote(outcome: Extract<VerbOutcome, { readonly kind: "written" }>): void {
    const { release, rollout, looked, notice } = outcome;
    if (release === null) return;
    const offset = release.wrote[1];
    this.#parts.wrote(
      this.#led.target,
      { ...looked.now, rollout, offset, isMalformed: false, found: { kind: "release", release } },
      notice,
    );
  }

  /** The machine had nothing to write. A verdict may be too late. Else the next reading ends the override. */
  #unchanged({ code }: Extract<VerbOutcome, { readonly kind: "unchanged" }>): void {
    const { overrides, endOverride } = this.#parts;
    const { target, key } = this.#led;
    const override = overrides.of(target);
    if (override?.key !== key || code !== "verdict-after-promotion") return;
    this.#led.tooLate(override.reason);
    endOverride(override, "the release is promoted");
  }

  #failed(error: unknown): void {
    const { rights, log, counts } = this.#parts;
    if (this.#isClosed) return;
    counts.failures++;
    this.#problem = errorMessage(error);
    const isDenied = rights.failed(this.#led.target.application, error);
    this.#pace.failed(this.#kind() === "abort" ? "abort" : isDenied ? "denied" : "other");
    if (isDenied) return;
    const { target, release } = this.#led;
    log.warn(`${nameOf(target, release)} could not be written; it is tried again`, {
      ...target,
      error: this.#problem,
    });
  }
}

function problemOf(
  outcome: Extract<VerbOutcome, { readonly kind: "refused" | "misused" | "read-only" }>,
): string {
  if (outcome.kind === "read-only") return "the store is read-only";
  return outcome.code === "too-large"
    ? "the release has no room for another step in its record"
    : outcome.code;
}
