/**
 * Decides when the client stops asking for a while. A daemon that hangs then costs a few visitors a wait, and
 * all others nothing.
 *
 *     asking ──FAILURES_MAX in a row──▶ pausing for PAUSE_MS ──▶ one question probes ──answered──▶ asking
 *                                           ▲                        │
 *                                           └──────── failed ────────┘
 *
 * A refusal costs no wait, so the pause after one is short: a daemon that restarts is away for less than half
 * a second. A late answer shows that the daemon hung and is awake again, so the first probe need not wait for
 * the end of the pause. This holds for the first probe only; otherwise a daemon that is always late would be
 * probed all the time. Pure: the time is an argument.
 */

/** This many failures in a row begin a pause. */
const FAILURES_MAX = 3;

/** Length of a pause, time between probes, and minimum time between two "lost" events. */
export const PAUSE_MS = 1000;

/** Length of a pause after a refusal: a connection that is refused costs some microseconds. */
export const REFUSED_PAUSE_MS = 50;

export class Pause {
  #failures = 0;
  #retryAtMs = 0;
  #hasProbed = false;
  #isTold = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  /** Whether the client counts the daemon as lost. */
  get isOn(): boolean {
    return this.#failures >= FAILURES_MAX;
  }

  /** Whether a question may be asked now. While the daemon is lost, such a question is the probe. */
  mayAsk(nowMs: number): boolean {
    if (!this.isOn) return true;
    if (nowMs < this.#retryAtMs) return false;
    this.#retryAtMs = nowMs + PAUSE_MS;
    this.#hasProbed = true;
    return true;
  }

  /**
   * Counts a failure. Returns whether to report the loss now: once for each loss, and not soon after another
   * report.
   *
   * @param isRefused the question did not wait: there was no connection, or it was cut off
   */
  failed(nowMs: number, isRefused: boolean): boolean {
    this.#failures++;
    if (!this.isOn) return false;
    this.#retryAtMs = nowMs + (isRefused ? REFUSED_PAUSE_MS : PAUSE_MS);
    // A refused probe does not show how late the next answer will be.
    if (isRefused) this.#hasProbed = false;
    if (this.#isTold || nowMs < this.#toldAtMs + PAUSE_MS) return false;
    this.#isTold = true;
    this.#toldAtMs = nowMs;
    return true;
  }

  /** Counts an answer. Returns whether it ends a loss that was reported. */
  answered(): boolean {
    const wasTold = this.#isTold;
    this.#failures = 0;
    this.#hasProbed = false;
    this.#isTold = false;
    return wasTold;
  }

  answeredLate(): void {
    if (!this.#hasProbed) this.#retryAtMs = 0;
  }
}
