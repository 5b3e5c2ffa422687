/**
 * When to ask nobody for a while, so that a daemon that hangs costs a few visitors their patience and all others nothing.
 *
 *     asking ──FAILURES_MAX in a row──▶ pausing for PAUSE_MS ──▶ one question probes ──answered──▶ asking
 *                                           ▲                        │
 *                                           └──────── failed ────────┘
 *
 * A late answer says that the daemon hung and does no longer: the first probe then need not wait for the pause's end.
 * Only the first, or a daemon that is always late would be probed all the time. Pure: the time is an argument.
 */

/** Failures in a row that end the asking. */
const FAILURES_MAX = 3;

/** How long nobody asks, and how far apart probes are. */
export const PAUSE_MS = 1000;

export class Pause {
  #failures = 0;
  #retryAtMs = 0;
  #hasProbed = false;

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

  /** Counts a failure; whether it was the one that made the pause begin. */
  failed(nowMs: number): boolean {
    this.#failures++;
    if (!this.isOn) return false;
    this.#retryAtMs = nowMs + PAUSE_MS;
    return this.#failures === FAILURES_MAX;
  }

  /** Whether this answer ended a pause. */
  answered(): boolean {
    const wasOn = this.isOn;
    this.#failures = 0;
    this.#hasProbed = false;
    return wasOn;
  }

  answeredLate(): void {
    if (!this.#hasProbed) this.#retryAtMs = 0;
  }
}
