/**
 * When to ask nobody for a while, so that a daemon that hangs costs a few visitors their patience and all others nothing.
 *
 *     asking ──FAILURES_MAX in a row──▶ pausing for PAUSE_MS ──▶ one question probes ──answered──▶ asking
 *                                           ▲                        │
 *                                           └──────── failed ────────┘
 *
 * Nobody waits for a refusal, so after one the pause is short: a daemon that restarts is away for less than half a second.
 * A late answer says that the daemon hung and does no longer: the first probe then need not wait for the pause's end.
 * Only the first, or a daemon that is always late would be probed all the time. Pure: the time is an argument.
 */

/** Failures in a row that end the asking. */
const FAILURES_MAX = 3;

/** How long nobody asks, how far apart probes are, and losses that are told. */
export const PAUSE_MS = 1000;

/** The same after a refusal: a connection that fails costs some microseconds. */
export const REFUSED_PAUSE_MS = 50;

export class Pause {
  #failures = 0;
  #retryAtMs = 0;
  #hasProbed = false;
  #isTold = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  /** Whether the daemon is taken for lost. */
  get isOn(): boolean {
    return this.#failures >= FAILURES_MAX;
  }

  /** Whether a question may be asked now; while the daemon is lost, the one that may is the probe. */
  mayAsk(nowMs: number): boolean {
    if (!this.isOn) return true;
    if (nowMs < this.#retryAtMs) return false;
    this.#retryAtMs = nowMs + PAUSE_MS;
    this.#hasProbed = true;
    return true;
  }

  /**
   * Counts a failure; whether the loss is to be told now: once, and not so soon after another one.
   *
   * @param isRefused nobody waited: there was no connection, or it was cut off
   */
  failed(nowMs: number, isRefused: boolean): boolean {
    this.#failures++;
    if (!this.isOn) return false;
    this.#retryAtMs = nowMs + (isRefused ? REFUSED_PAUSE_MS : PAUSE_MS);
    // A probe that was refused says nothing of how late the next one's answer is.
    if (isRefused) this.#hasProbed = false;
    if (this.#isTold || nowMs < this.#toldAtMs + PAUSE_MS) return false;
    this.#isTold = true;
    this.#toldAtMs = nowMs;
    return true;
  }

  /** Whether this answer ended a pause that was told. */
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
