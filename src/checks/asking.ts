/**
 * One check for one step of one release: it evaluates again and again until it is stopped, or until its word
 * is harm. At most one evaluation runs at a time. Nothing here throws.
 */

import { boundedCall, type Limit, limitedSignal } from "../bounded-call.ts";
import type { Timers } from "../timers.ts";
import { type Answer, type Check, type Subject, unknown } from "./check-kind.ts";
import type { NamedCheck } from "./named-checks.ts";
import type { Places } from "./places.ts";
import { NO_WORD, type Word, wordAfter, wordNow } from "./verdict.ts";

/** An evaluation that has not ended this long after its signal is unknown, whatever it says later. */
const GRACE_MS = 1_000;

export interface AskingTools {
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  readonly timers: Timers;
  readonly places: Places;
  /** Called with each new word. */
  readonly told: (asking: Asking) => void;
}

export class Asking {
  readonly subject: Subject;
  readonly settings: NamedCheck;
  readonly #check: Check;
  readonly #tools: AskingTools;
  #word: Word = NO_WORD;
  #isStopped = false;
  /** Ends what it waits for now: a place, an evaluation, or the next one. */
  #end: () => void = () => {};

  constructor(subject: Subject, settings: NamedCheck, check: Check, tools: AskingTools) {
    this.subject = subject;
    this.settings = settings;
    this.#check = check;
    this.#tools = tools;
  }

  get word(): Word {
    return wordNow(this.#word, this.#tools.clock(), this.settings);
  }

  start(): void {
    let hasPlace = false;
    const giveUp = this.#tools.places.enter(this.settings.name, () => {
      hasPlace = true;
      this.#evaluate();
    });
    if (!hasPlace) this.#end = giveUp;
  }

  stop(): void {
    this.#isStopped = true;
    this.#end();
  }

  #evaluate(): void {
    const { clock, timers, places } = this.#tools;
    const { name, timeoutMs, everyMs } = this.settings;
    const startedAtMs = clock();
    const ending = new AbortController();
    this.#end = () => ending.abort();
    const limit = (ms: number): Limit => ({ timers, ms, ending: ending.signal, late });
    const { signal, release } = limitedSignal(limit(timeoutMs));
    const evaluating = evaluated(this.#check, this.subject, signal).finally(release);
    const taken = boundedCall(limit(timeoutMs + GRACE_MS), () => evaluating)
      .catch(() => tooSlow(timeoutMs))
      .then((answer) => {
        if (!this.#isStopped) this.#take(answer);
      });
    evaluating.then(() => places.leave(name));
    // An evaluation that still hangs keeps its place, and no other one begins.
    Promise.all([evaluating, taken]).then(() => this.#wait(startedAtMs + everyMs));
  }

  #take(answer: Answer): void {
    this.#word = wordAfter(this.#word, answer, this.#tools.clock(), this.settings);
    this.#tools.told(this);
  }

  /** Waits for the next evaluation. */
  #wait(untilMs: number): void {
    if (this.#isStopped || this.#word.kind === "harm") return;
    const { clock, timers } = this.#tools;
    const timer = timers.set(() => this.start(), Math.max(0, untilMs - clock()));
    this.#end = () => timers.clear(timer);
  }
}

/** A check never rejects. If it has a bug, the release waits, and says so. */
async function evaluated(check: Check, subject: Subject, signal: AbortSignal): Promise<Answer> {
  try {
    return await check.evaluate(subject, signal);
  } catch (error) {
    return unknown(`it failed in this program: ${error instanceof Error ? error.name : "error"}`);
  }
}

/** The reason of a signal whose time is up. */
function late(): DOMException {
  return new DOMException("too slow", "TimeoutError");
}

function tooSlow(timeoutMs: number): Answer {
  return unknown(`no whole answer within ${timeoutMs / 1000} s`);
}
