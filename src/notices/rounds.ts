/**
 * The releases whose notices are sent soon, and the time of each: first a wait for the evidence of others,
 * then the turn of this controller.
 */

import { presentLine } from "../releases/logged.ts";
import type { Release, Transition } from "../releases/release.ts";
import type { Timers } from "../timers.ts";
import { CALL_MS } from "./attempt.ts";
import { bounded } from "./bounded.ts";
import { type Extra, type NoticeMessage, noticeId, type Subject } from "./notice.ts";
import { turnOf } from "./turn.ts";
import { READ_MS } from "./who-was-told.ts";

/** One that is not the first waits for each one before it: for its attempt, and for the evidence of it. */
export const TURN_MS = CALL_MS + 5_000;

/** A release, as a controller sees it now. */
export interface LookedRelease extends Subject {
  /** The names of all controllers that lead it at the time of the call. */
  readonly leaders: () => readonly string[];
}

/** A release whose notices are sent soon. */
export interface Round {
  looked: LookedRelease;
  readonly extras: Map<Extra, NoticeMessage>;
  /** The look without a log for which the store was asked last, and whether it answered. */
  asked: { readonly of: Release; readonly isWhole: boolean } | undefined;
  /** By the monotonic clock. */
  dueMs: number;
  timer: unknown;
}

export interface RoundTools {
  /**
   * Reads the release of a version again, with its log: a store may leave out the log of a release that is
   * over, if it reads many applications. Undefined if there is none. Rejects if the store does not answer.
   */
  readonly reread: (
    application: string,
    version: string,
    signal: AbortSignal,
  ) => Promise<Release | undefined>;
  /** The name of this controller, as in its presence. */
  readonly own: string;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  readonly timers: Timers;
}

export class Rounds {
  readonly #tools: RoundTools & { readonly ending: AbortSignal };
  readonly #due: (round: Round) => void;
  /** By the key of the release. */
  readonly #rounds = new Map<string, Round>();

  /**
   * @param tools `ending` is aborted when the sender closes
   * @param due   called with a round when it is this controller's turn; the round is over then
   */
  constructor(tools: RoundTools & { readonly ending: AbortSignal }, due: (round: Round) => void) {
    this.#tools = tools;
    this.#due = due;
  }

  /** The round of a release that waits, by the release's key. */
  of(key: string): Round | undefined {
    return this.#rounds.get(key);
  }

  close(): void {
    for (const { timer } of this.#rounds.values()) this.#tools.timers.clear(timer);
    this.#rounds.clear();
  }

  /** Begins a round, or makes one that waits end earlier. */
  schedule(looked: LookedRelease, waitMs: number): Round | undefined {
    const { clock, timers, ending } = this.#tools;
    if (ending.aborted) return undefined;
    const { key } = looked.release;
    const dueMs = clock() + waitMs;
    const known = this.#rounds.get(key);
    if (known !== undefined && known.dueMs <= dueMs) return known;
    timers.clear(known?.timer);
    const round = known ?? { looked, extras: new Map(), asked: undefined, dueMs, timer: undefined };
    this.#rounds.set(key, round);
    round.dueMs = dueMs;
    round.timer = timers.set(() => void this.#wait(round), waitMs);
    return round;
  }

  /** Waits for the controllers that go first. Only now it is known who leads. */
  async #wait(round: Round): Promise<void> {
    const { own, clock, timers, ending } = this.#tools;
    await this.readWhole(round);
    const { release, leaders } = round.looked;
    if (ending.aborted || this.#rounds.get(release.key) !== round) return;
    const [seq, atMs, , , , by] = newestLine(release);
    const id = noticeId(release.key, { seq, atMs });
    const waitMs = turnOf(own, leaders(), id, by === "" ? null : by) * TURN_MS;
    round.dueMs = clock() + waitMs;
    if (waitMs === 0) this.#end(round);
    else round.timer = timers.set(() => this.#end(round), waitMs);
  }

  /** Returns false if the log is missing, because the store does not answer. Asks once for each look. */
  async readWhole(round: Round): Promise<boolean> {
    const { timers, reread, ending } = this.#tools;
    const { application, version, release } = round.looked;
    if (release.log.length > 0) return true;
    if (round.asked?.of === release) return round.asked.isWhole;
    round.asked = { of: release, isWhole: false };
    try {
      const whole = await bounded(timers, READ_MS, ending, (signal) => reread(application, version, signal));
      const isSame = whole?.key === release.key && round.looked.release === release;
      if (isSame) round.looked = { ...round.looked, release: whole };
      round.asked = { of: round.looked.release, isWhole: true };
      return true;
    } catch {
      return false;
    }
  }

  #end(round: Round): void {
    this.#rounds.delete(round.looked.release.key);
    this.#due(round);
  }
}

/** The newest line of the log, or what the record has in its place. */
export function newestLine(release: Release): Transition {
  return release.log.at(-1) ?? presentLine(release);
}
