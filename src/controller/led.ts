/**
 * One release that this daemon leads: it watches the record, and asks the machine to go on when that can be
 * due.
 *
 *     reading ─▶ watch ─▶ conditions ─▶ one timer ─▶ attempt: look, ask the machine, write
 *        ▲                                              │
 *        └──────────── the new state ◀──────────────────┘
 *
 * An attempt decides by a fresh look alone, so a late timer or a lost answer does no harm. Controllers wait a
 * random time after something is due (`spread.ts`). An abort does not wait.
 */

import type { Condition } from "../releases/due.ts";
import { fadeStepMs, fadeTimeMs } from "../releases/fade.ts";
import { foreignIn } from "../releases/foreign.ts";
import { wasOver } from "../releases/known.ts";
import { isUnderWay, type Release } from "../releases/release.ts";
import type { Seen } from "../releases/seen.ts";
import { isOf, type Watch, watched } from "../releases/watch.ts";
import type { Target } from "../verbs/look.ts";
import { nameOf, tellTransition, unknownOf } from "../verbs/transition-line.ts";
import { Alarm } from "./alarm.ts";
import { type Attempted, Attempts } from "./attempts.ts";
import { dueInMs } from "./due-in.ts";
import { Facts } from "./facts.ts";
import { Judging } from "./judging.ts";
import type { LedParts } from "./parts.ts";
import { Presence } from "./presence.ts";
import { Spread } from "./spread.ts";
import { Standing } from "./standing.ts";
import type { LedView } from "./view.ts";

/** If nothing is due for longer, an attempt that failed before holds nothing back. */
const REST_MS = 60_000;

/** The evidence is weighed this often, also if there is no news. */
const JUDGE_EVERY_MS = 15_000;

export class Led implements Attempted {
  readonly target: Target;
  readonly key: string;
  readonly #parts: LedParts;
  readonly #presence: Presence | undefined;
  readonly #judging: Judging | undefined;
  readonly #facts: Facts;
  readonly #standing: Standing;
  readonly #attempts: Attempts;
  readonly #spread: Spread;
  readonly #alarm: Alarm;
  #seen: Seen;
  #watch: Watch | undefined;
  /** Whether the last reading was older than a state that this daemon has seen. */
  #isBehind = false;
  /** When this daemon saw the present `seq` first, on the monotonic clock. */
  #sinceMs: number;
  /** When the record was last read, on the monotonic clock. */
  #readAtMs = Number.NEGATIVE_INFINITY;
  #judgedAtMs = Number.NEGATIVE_INFINITY;
  /** The part of the release that this program does not know, and that the log has. */
  #unknown: string | undefined;
  #isClosed = false;

  /** @param seenAtMs when the state was read or written, on the monotonic clock */
  constructor(target: Target, seen: Seen, seenAtMs: number, parts: LedParts) {
    const { application } = target;
    this.target = target;
    this.key = seen.found.release.key;
    this.#parts = parts;
    this.#seen = seen;
    this.#sinceMs = seenAtMs;
    this.#spread = new Spread(parts.random);
    this.#alarm = new Alarm(parts.clock, parts.timers, () => this.#fire());
    const { exchanges } = parts;
    if (exchanges !== undefined) {
      const at = { application, key: this.key };
      this.#presence = new Presence(at, { ...parts, exchanges, heard: () => this.#heard() });
    }
    const { hearings } = parts;
    if (hearings !== undefined) {
      this.#judging = new Judging(target, this.key, {
        ...{ hearings, timers: parts.timers, seen: () => this.#seen },
        harm: (reason) => parts.harm(target, this.key, reason),
        raised: (sign) => this.#standing.raised(this.release, sign),
        silent: (silence, isWhole) => this.#standing.silent(this.release, silence, isWhole),
        changed: () => this.reconsider(),
      });
    }
    this.#facts = new Facts(target, this.#presence, this.#judging, parts);
    this.#standing = new Standing(target, this.#presence, parts);
    this.#attempts = new Attempts(this, parts);
    this.#changed(undefined);
  }

  get seen(): Seen {
    return this.#seen;
  }

  get release(): Release {
    return this.#seen.found.release;
  }

  get isBehind(): boolean {
    return this.#isBehind;
  }

  /**
   * Takes a state of the record with the same key.
   *
   * @param seenAtMs when it was read or written, on the monotonic clock
   */
  see(seen: Seen, seenAtMs: number): void {
    const before = this.#seen;
    this.#seen = seen;
    this.#isBehind = false;
    if (isOf(seen.found.release, before.found.release)) {
      // A person may have changed it with the engine's own tools, and left the number as it was.
      if (seen.plan?.text !== before.plan?.text || seen.found.release.step !== before.found.release.step) {
        this.#followStep();
      }
      return;
    }
    this.#sinceMs = seenAtMs;
    this.#spread.restart();
    this.#attempts.restart();
    this.#changed(before);
  }

  /** The names of all controllers that lead it now, sorted. */
  ledBy(): string[] {
    return this.#standing.ledBy();
  }

  /** The record was read, and shows an older state than this daemon has seen. */
  seeBehind(): void {
    this.#isBehind = true;
    this.reconsider();
  }

  /**
   * The record was read with success.
   *
   * @param readAtMs when that was, on the monotonic clock
   */
  look(readAtMs: number): void {
    this.#readAtMs = readAtMs;
    if (this.#parts.isClockAsked() && !this.#isBehind) this.#watchAt(this.release, readAtMs);
    this.#goOn();
  }

  /** There is news, but the record was not read. A watch that begins now counts from the last reading. */
  lookAgain(): void {
    const isWatched = this.#watch !== undefined && isOf(this.#watch, this.release);
    if (!isWatched && this.#parts.isClockAsked() && !this.#isBehind) {
      this.#watchAt(this.release, Math.max(this.#readAtMs, this.#sinceMs));
    }
    this.#goOn();
  }

  #goOn(): void {
    this.#stand();
    this.#judgeSometimes();
    this.reconsider();
  }

  /** Something may have become due: sets the timer again. */
  reconsider(): void {
    if (this.#isClosed) return;
    const nowMs = this.#parts.clock();
    const dueAtMs = this.#attemptAtMs(nowMs);
    if (dueAtMs - nowMs > REST_MS) this.#attempts.rest();
    this.#alarm.set(this.#attempts.notBefore(dueAtMs));
  }

  /** There is news in the evidence. */
  judge(): void {
    if (!this.#isClosed) this.#judging?.look();
  }

  /** Silence brings no news, and a store that keeps no evidence brings none of others. */
  #judgeSometimes(): void {
    const nowMs = this.#parts.clock();
    if (nowMs - this.#judgedAtMs < JUDGE_EVERY_MS) return;
    this.#judgedAtMs = nowMs;
    this.judge();
  }

  /** There is a verdict: its abort is written at once. */
  hurry(reason: string): void {
    this.#presence?.tell({ kind: "override", name: this.#parts.name, reason });
    this.#attempts.hurry();
    this.reconsider();
  }

  /** This daemon has learnt that it may write, or that it may not. */
  rightsChanged(): void {
    this.#presence?.rightsChanged();
    if (this.#parts.rights.canWrite) this.#attempts.hurry();
    this.lookAgain();
  }

  /** There is a verdict after the promotion: a person has to decide. */
  tooLate(reason: string): void {
    const { log } = this.#parts;
    log.error(`${nameOf(this.target, this.release)} got a verdict after its promotion`, {
      ...{ ...this.target, reason },
      now: "all visitors stay with it, because a person has to decide",
      remedy: "undo takes them back",
    });
    this.#standing.notify(this.release, "harm", reason);
  }

  waits(seen: Seen, watch: Watch, isFrozen: boolean): Condition[] {
    return this.#facts.waits(seen, watch, isFrozen);
  }

  watchOf(release: Release): Watch {
    return this.#watchAt(release, this.#parts.clock());
  }

  #watchAt(release: Release, monotonicMs: number): Watch {
    const { storeClock, unhealthyMs } = this.#parts;
    const look = { monotonicMs, storeMs: storeClock.at(monotonicMs) };
    const watch = watched(this.#watch, release, look, unhealthyMs);
    if (isOf(watch, this.release)) this.#watch = watch;
    return watch;
  }

  view(): LedView {
    const { name, checks } = this.#parts;
    const { application, version } = this.target;
    const others = this.#presence?.overrides.filter((each) => each.name !== name) ?? [];
    return {
      ...{ application, version, release: this.release, rollout: this.#seen.rollout },
      waits: this.#present(),
      lookedAgoMs: this.#watch === undefined ? 0 : this.#parts.clock() - this.#watch.last.monotonicMs,
      checks: checks.told(application, version),
      judged: this.#judging?.judged(this.#seen),
      ...{ ledBy: this.ledBy(), isUnled: this.#standing.isUnled },
      unable: this.#presence?.unable(this.#parts.clock()) ?? [],
      overriddenBy: others.map((each) => each.name),
      problem: this.#problem,
    };
  }

  /** Ends the timers, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#alarm.clear();
    this.#facts.forgetChecks();
    this.#judging?.close();
    await Promise.all([this.#attempts.close(), this.#presence?.leave()]);
  }

  /** The release has a new state. */
  #changed(before: Seen | undefined): void {
    tellTransition(this.target, before, this.#seen, this.#parts.log);
    this.#presence?.saw(this.release.seq);
    this.#followStep();
  }

  /** Asks the checks of the present step. Says if this program cannot read what the step needs. */
  #followStep(): void {
    const { log } = this.#parts;
    this.#facts.followChecks(this.#seen);
    const unknown = unknownOf(this.#seen);
    if (unknown !== undefined && unknown !== this.#unknown) {
      log.warn(`${nameOf(this.target, this.release)} does not go forward by this daemon: ${unknown}`, {
        ...this.target,
        remedy: "use the same version of this program on each daemon with -releases on",
      });
    }
    this.#unknown = unknown;
  }

  #fire(): void {
    const nowMs = this.#parts.clock();
    if (this.#attempts.notBefore(this.#attemptAtMs(nowMs)) <= nowMs) this.#attempts.begin();
    this.reconsider();
  }

  /** When the next attempt can be due, on the monotonic clock; Infinity if a reading has to come first. */
  #attemptAtMs(nowMs: number): number {
    const { overrides, highest } = this.#parts;
    if (overrides.of(this.target)?.key === this.key) return nowMs;
    if (this.#isBehind && wasOver(highest.of(this.target), this.release)) return nowMs;
    return this.#spread.attemptAtMs(this.#dueAtMs(nowMs), nowMs);
  }

  #dueAtMs(nowMs: number): number {
    const { release } = this;
    if (this.#isBehind) return nowMs;
    if (!isUnderWay(release)) return this.#fadeAtMs();
    if (foreignIn(this.#seen, release) !== "none") return nowMs;
    if (release.state !== "running" || this.#watch === undefined) return Number.POSITIVE_INFINITY;
    if (this.#seen.otherVersion !== undefined) return nowMs;
    const inMs = dueInMs(this.#present(), {
      sinceLookMs: nowMs - this.#watch.last.monotonicMs,
      sinceTriedMs: nowMs - this.#attempts.triedAtMs,
      opensInMs: () => this.#facts.opensInMs(release),
    });
    return nowMs + inMs;
  }

  /**
   * A fade goes by the time that this daemon has seen pass. Its own clock may be hours from that of the
   * writer who began the fade. And a step lasts at least as long as this daemon has seen it.
   */
  wallClock(): number {
    const { release } = this;
    const { fade, arcs } = release;
    const seenMs = this.seenMs(release);
    if (fade !== undefined) return fadeTimeMs(fade, this.#seen.rollout) + seenMs;
    return Math.max(this.#parts.wallClock(), (arcs.at(-1)?.[0] ?? 0) + seenMs);
  }

  seenMs(release: Release): number {
    return isOf(release, this.release) ? this.#parts.clock() - this.#sinceMs : 0;
  }

  /** The next step of a fade, counted from the last one that this daemon saw or tried. */
  #fadeAtMs(): number {
    const { fade } = this.release;
    if (fade === undefined) return Number.POSITIVE_INFINITY;
    const lastMs = Math.max(this.#sinceMs, this.#attempts.triedAtMs);
    return lastMs + fadeStepMs(fade);
  }

  /** The conditions at the last look; none before the watch has begun. */
  #present(): Condition[] {
    const isFrozen = this.#parts.freezes.last?.isFrozen ?? false;
    return this.#watch === undefined ? [] : this.waits(this.#seen, this.#watch, isFrozen);
  }

  /** All that the others have told has been read. */
  #heard(): void {
    this.#stand();
    this.reconsider();
  }

  get #problem(): string | undefined {
    return this.#parts.rights.problem ?? this.#attempts.problem ?? this.#unknown;
  }

  #stand(): void {
    const { release } = this;
    this.#standing.look(release);
    this.#standing.lookForProblem(release, this.#problem);
    const isBakeOver = release.state === "promoted" && this.#present().every(({ state }) => state === "met");
    if (isBakeOver && this.#watch !== undefined) this.#standing.notify(release, "bake_over");
  }
}
