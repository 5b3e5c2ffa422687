/** The timers that a part of the daemon uses. A test may put its own in their place. */

export interface Timers {
  /** Calls back once, after `ms` milliseconds. The result is for `clear`. */
  set(callback: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/** The timers of the process. None of them keeps the process alive. */
export const SYSTEM_TIMERS: Timers = {
  set(callback, ms) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return timer;
  },
  clear(timer) {
    clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};
