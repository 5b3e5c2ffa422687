/**
 * One release that this daemon leads: it watches the record, and asks the machine to go on when that can be
 * due.
 *
 *     reading ─▶ watch ─▶ conditions ─▶ one timer ─▶ attempt: look, ask the machine, write
 *        ▲                                              │
 *        └──────────── the new state ◀──────────────────┘
 *
 * An attempt decides by a fresh look alone, so a late timer or a lost answer does no harm. Controllers wait a
 * random time after something is due, so that they seldom race. An abort does not wait.
 */

import { type Condition, type DueFacts, waitingFor } from "../releases/due.ts";
import { foreignIn } from "../releases/foreign.ts";
import { isBehind, wasOver } from "../releases/known.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import { type Look, type Watch, watched } from "../releases/watch.ts";
import type { Target } from "../verbs/look.ts";
import { type Attempted, Attempts } from "./attempts.ts";
import { dueInMs } from "./due-in.ts";
import { Exchange } from "./exchange.ts";
import { PRESENCE_FRESH_MS } from "./leaders.ts";
import type { LedParts, LedView } from "./parts.ts";
import type { Seen } from "./seen.ts";
import { nameOf, tellTransition } from "./tell.ts";

/** Controllers wait a random part of this after something is due. */
export const SPREAD_MS = 2_000;

/** No timer is longer, so that a release is looked at now and then in any case. */
const TIMER_MS_MAX = 600_000;

/** A fade is written this often, and at most `FADE_STEPS` times. */
const FADE_MS_MIN = 1_000;
const FADE_STEPS = 100;

export class Led implements Attempted {
  readonly target: Target;
  readonly key: string;
  readonly exchange: Exchange | undefined;
  readonly #parts: LedParts;
  readonly #attempts: Attempts;
  #seen: Seen;
  #watch: Watch | undefined;
  /** When this daemon saw the present `seq` first, on the monotonic clock. */
  #sinceMs: number;
  #spread: number;
  #timer: unknown;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #ledAtMs: number;
  #isUnled = false;
  #isClosed = false;

  constructor(target: Target, seen: Seen, parts: LedParts) {
    const { application } = target;
    this.target = target;
    this.key = seen.found.release.key;
    this.#parts = parts;
    this.#seen = seen;
    this.#sinceMs = parts.clock();
    this.#ledAtMs = this.#sinceMs;
    this.#spread = parts.random();
    this.#attempts = new Attempts(this, parts);
    const { evidence } = parts.store;
    if (evidence !== undefined) {
      this.exchange = new Exchange(
        { application, key: this.key },
        { ...parts, evidence, canLead: () => parts.rights.canWrite, heard: () => this.#heard() },
      );
    }
    tellTransition(target, undefined, seen, parts);
    this.exchange?.saw(seen.found.release.seq);
  }

  get seen(): Seen {
    return this.#seen;
  }

  get release(): Release {
    return this.#seen.found.release;
  }

  /** Takes a state of the record that was read or written, with the same key. */
  see(seen: Seen): void {
    const before = this.#seen;
    this.#seen = seen;
    const { seq } = this.release;
    if (seq !== before.found.release.seq) {
      this.#sinceMs = this.#parts.clock();
      this.#spread = this.#parts.random();
      this.#attempts.restart();
      tellTransition(this.target, before, seen, this.#parts);
      this.exchange?.saw(seq);
    }
  }

  /** The record was read with success just now. */
  look(): void {
    if (this.#parts.isClockAsked()) this.#watch = this.#watchAt(this.release);
    this.#tellIfUnled();
    this.reconsider();
  }

  /** Something may have become due: sets the timer again. */
  reconsider(): void {
    if (this.#isClosed) return;
    const { clock, timers } = this.#parts;
    const nowMs = clock();
    const atMs = Math.min(this.#attempts.notBefore(this.#dueAtMs(nowMs)), nowMs + TIMER_MS_MAX);
    if (atMs === this.#timerAtMs) return;
    timers.clear(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = timers.set(() => this.#fire(), Math.max(0, atMs - nowMs));
  }

  /**
   * The conditions of a state of the record. A fresh look at the record counts for the watch too.
   *
   * @param isFrozen as it was read just now; by default as it was read last
   */
  waits(
    { found, plan }: Seen,
    watch: Watch,
    isFrozen = this.#parts.freezes.last?.isFrozen ?? false,
  ): Condition[] {
    return waitingFor(found.release, plan, this.#facts(found.release, watch, isFrozen));
  }

  /** The watch after a look at the record just now. The same `seq` goes on. */
  watchOf(release: Release): Watch {
    const watch = this.#watchAt(release);
    if (release.seq === this.release.seq) this.#watch = watch;
    return watch;
  }

  /** There is a verdict: its abort is written at once. */
  hurry(): void {
    this.#attempts.hurry();
    this.reconsider();
  }

  /** Whether this daemon knows the record's state to be older than one that it saw. */
  get isBehind(): boolean {
    return isBehind(this.#parts.highest.of(this.target), this.#seen);
  }

  view(): LedView {
    const { clock, name, rights } = this.#parts;
    const ledBy = this.#ledBy(clock());
    return {
      ...this.target,
      ...{ release: this.release, rollout: this.#seen.rollout, ledBy, isUnled: this.#isUnled },
      waits: this.#watch === undefined ? [] : this.waits(this.#seen, this.#watch),
      overriddenBy: [...(this.exchange?.overrides ?? [])].flatMap((each) =>
        each.name === name ? [] : [each.name],
      ),
      problem: rights.problem ?? this.#attempts.problem,
    };
  }

  /** Ends the timers, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#parts.timers.clear(this.#timer);
    await Promise.all([this.#attempts.close(), this.exchange?.close()]);
  }

  #fire(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#attempts.begin();
    this.reconsider();
  }

  /** When the next attempt can be due, on the monotonic clock; Infinity if a reading has to come first. */
  #dueAtMs(nowMs: number): number {
    const { overrides, highest } = this.#parts;
    const known = highest.of(this.target);
    if (overrides.of(this.target)?.key === this.key) return nowMs;
    if (isBehind(known, this.#seen)) {
      return wasOver(known, this.release) ? nowMs : this.#spreadFrom(this.#sinceMs);
    }
    if (isUnderWay(this.release) && foreignIn(this.#seen, this.release) !== "none") {
      return this.#spreadFrom(this.#sinceMs);
    }
    if (!isUnderWay(this.release)) return this.#fadeAtMs();
    if (this.release.state !== "running" || this.#watch === undefined) return Number.POSITIVE_INFINITY;
    if (this.#seen.otherVersion !== undefined) return this.#spreadFrom(this.#sinceMs);
    const sinceLookMs = nowMs - this.#watch.last.monotonicMs;
    const inMs = dueInMs(this.waits(this.#seen, this.#watch), sinceLookMs, () => this.#opensInMs(nowMs));
    return this.#spreadFrom(nowMs + inMs);
  }

  #spreadFrom(dueAtMs: number): number {
    return dueAtMs + SPREAD_MS * this.#spread;
  }

  /** The next step of a fade, counted from the last one that this daemon saw. */
  #fadeAtMs(): number {
    const { fade } = this.release;
    if (fade === undefined) return Number.POSITIVE_INFINITY;
    const everyMs = Math.max(FADE_MS_MIN, fade[2] / FADE_STEPS);
    return this.#sinceMs + everyMs + Math.min(SPREAD_MS, everyMs) * this.#spread;
  }

  #watchAt(release: Release): Watch {
    const { clock, storeClock, unhealthyMs } = this.#parts;
    const monotonicMs = clock();
    const look: Look = { monotonicMs, storeMs: storeClock.at(monotonicMs) };
    return watched(this.#watch, release, look, unhealthyMs);
  }

  #facts(release: Release, watch: Watch, isFrozen: boolean): DueFacts {
    const { clock, windows } = this.#parts;
    const nowMs = clock();
    return {
      ...{ watch, isFrozen, ok: undefined, checks: new Map() },
      evidenceAgeMs: this.exchange?.ageMs(nowMs),
      isOpen: release.windows === undefined ? true : windows.isOpen(release.windows, this.#epochMs(nowMs)),
    };
  }

  #opensInMs(nowMs: number): number {
    return this.#parts.windows.opensInMs(this.release.windows ?? [], this.#epochMs(nowMs));
  }

  /** By the store's clock, or this machine's if the store has none. */
  #epochMs(nowMs: number): number {
    return this.#parts.storeClock.at(nowMs) ?? this.#parts.wallClock();
  }

  #ledBy(nowMs: number): string[] {
    const { name, rights } = this.#parts;
    return [...(rights.canWrite ? [name] : []), ...(this.exchange?.leaders(nowMs) ?? [])].sort();
  }

  #heard(): void {
    this.#tellIfUnled();
  }

  #tellIfUnled(): void {
    const { clock, log } = this.#parts;
    const nowMs = clock();
    if (this.#ledBy(nowMs).length > 0) this.#ledAtMs = nowMs;
    const isUnled = nowMs - this.#ledAtMs >= PRESENCE_FRESH_MS;
    if (isUnled && !this.#isUnled) {
      log.error(`no daemon leads ${nameOf(this.target, this.release)}: it does not go forward`, {
        ...this.target,
        remedy: "start a daemon with -releases on that may write this store",
      });
    }
    this.#isUnled = isUnled;
  }
}
