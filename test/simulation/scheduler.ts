/**
 * Simulated time. One queue has all events of a run, in the order of their true time. Between two events, all
 * promises run to their end, because `drainMicrotasks` does that at once. So a run is one synchronous
 * function of its scenario: the same seed gives the same run, and an hour of a fleet takes some milliseconds.
 *
 * For this, nothing in a simulated process may use a timer, a clock or a socket of the machine. All real
 * parts take these by their constructors.
 */

import { drainMicrotasks } from "bun:jsc";
import type { Timers } from "../../src/timers.ts";

/** The true time at which each run begins: milliseconds since 1970. */
export const EPOCH_MS = Date.parse("2026-11-30T12:00:00.000Z");

/** More events than this at one moment are a loop that does not end. */
const EVENTS_AT_ONCE_MAX = 20_000;

/** A timer of Bun cannot be longer. A longer one fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

interface Event {
  atMs: number;
  readonly order: number;
  readonly run: () => void;
  /** The process in which it happens; undefined for the world. */
  readonly process: Process | undefined;
  /** For a timer: when it is due on the clock of its process. */
  readonly dueMs: number;
  isOff: boolean;
}

export class Scheduler {
  /** True time since the beginning, in milliseconds. */
  nowMs = 0;
  /** Number of events that have happened. */
  events = 0;
  readonly #heap: Event[] = [];
  #order = 0;
  #atOnce = 0;
  #isOver = false;

  /** Ends the run after this event. */
  stop(): void {
    this.#isOver = true;
  }

  /** Something of the world happens after `ms`. */
  after(ms: number, run: () => void): void {
    this.push(this.nowMs + ms, run, undefined, Number.NEGATIVE_INFINITY);
  }

  push(atMs: number, run: () => void, process: Process | undefined, dueMs: number): Event {
    const event = { atMs, order: this.#order++, run, process, dueMs, isOff: false };
    this.#add(event);
    return event;
  }

  /** Lets all happen until a true time. */
  runUntil(untilMs: number): void {
    for (;;) {
      const first = this.#heap[0];
      if (this.#isOver || first === undefined || first.atMs > untilMs) break;
      this.#take();
      if (first.isOff || first.process?.isDead) continue;
      const laterMs = first.process?.laterMs(first.dueMs, this.nowMs, first.atMs);
      if (laterMs !== undefined) {
        first.atMs = laterMs;
        this.#add(first);
        continue;
      }
      this.#happen(first);
    }
    if (!this.#isOver) this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #happen(event: Event): void {
    this.#atOnce = event.atMs > this.nowMs ? 0 : this.#atOnce + 1;
    if (this.#atOnce > EVENTS_AT_ONCE_MAX) throw new Error(`the loop of ${event.process?.name} does not end`);
    this.nowMs = Math.max(this.nowMs, event.atMs);
    this.events++;
    event.run();
    drainMicrotasks();
  }

  #add(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, heap[above] as Event)) break;
      heap[at] = heap[above] as Event;
      at = above;
    }
    heap[at] = event;
  }

  #take(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Event, heap[below] as Event)) below++;
      if (!isBefore(heap[below] as Event, last)) break;
      heap[at] = heap[below] as Event;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** The clocks of a process, which may be wrong. */
export interface Clocks {
  /** The wall clock less true time, in milliseconds. */
  readonly wallSkewMs: number;
  /** The monotonic clock at the start of the process. */
  readonly monotonicMs: number;
}

/** A process of the simulated world: it may be stopped for a time, and killed at any moment. */
export class Process {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly bornAtMs: number;
  isDead = false;
  /** In true time; Infinity while it lives. */
  diedAtMs = Number.POSITIVE_INFINITY;
  wallSkewMs: number;
  /** Number of timers that are set. */
  timersSet = 0;
  readonly #monotonicMs: number;
  #stoppedUntilMs = Number.NEGATIVE_INFINITY;
  /** For how long the machine was suspended. The monotonic clock does not count that. */
  #suspendedMs = 0;

  constructor(scheduler: Scheduler, name: string, { wallSkewMs, monotonicMs }: Clocks) {
    this.scheduler = scheduler;
    this.name = name;
    this.bornAtMs = scheduler.nowMs;
    this.wallSkewMs = wallSkewMs;
    this.#monotonicMs = monotonicMs;
  }

  readonly clock = (): number => this.#monotonicMs + this.scheduler.nowMs - this.bornAtMs - this.#suspendedMs;

  readonly wallClock = (): number => EPOCH_MS + this.scheduler.nowMs + this.wallSkewMs;

  readonly timers: Timers = {
    set: (callback, ms) => {
      const delayMs = ms >= 1 && ms <= TIMER_MS_MAX ? ms : 1;
      this.timersSet++;
      const run = () => {
        event.isOff = true;
        this.timersSet--;
        callback();
      };
      const event = this.scheduler.push(this.scheduler.nowMs + delayMs, run, this, this.clock() + delayMs);
      return event;
    },
    clear: (timer) => {
      const event = timer as Event | undefined;
      if (event === undefined || event.isOff) return;
      event.isOff = true;
      this.timersSet--;
    },
  };

  /** Something reaches this process after `ms` of true time, such as an answer. */
  after(ms: number, run: () => void): void {
    this.scheduler.push(this.scheduler.nowMs + ms, run, this, Number.NEGATIVE_INFINITY);
  }

  /**
   * Stops the process for a time. It sees afterwards all that reaches it meanwhile.
   *
   * @param isSuspended whether the whole machine stops, so that the monotonic clock stops too
   */
  stop(forMs: number, isSuspended: boolean): void {
    const { nowMs } = this.scheduler;
    if (this.#stoppedUntilMs > nowMs) return;
    this.#stoppedUntilMs = nowMs + forMs;
    if (!isSuspended) return;
    // During the stop the process sees no clock, so the whole time can count at once.
    this.#suspendedMs += forMs;
  }

  get isStopped(): boolean {
    return this.#stoppedUntilMs > this.scheduler.nowMs;
  }

  /** When an event has to happen instead; undefined if it may happen now. */
  laterMs(dueMs: number, nowMs: number, atMs: number): number | undefined {
    const thenMs = Math.max(nowMs, atMs);
    if (this.#stoppedUntilMs > thenMs) return this.#stoppedUntilMs;
    const clockMs = this.#monotonicMs + thenMs - this.bornAtMs - this.#suspendedMs;
    const leftMs = dueMs - clockMs;
    return leftMs > 1e-6 ? thenMs + leftMs : undefined;
  }

  /** Nothing happens in this process any more. All that it has sent still arrives. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.diedAtMs = this.scheduler.nowMs;
  }
}
