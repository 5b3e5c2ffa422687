/**
 * Alerts that say that they begin in the future, because the clock of Prometheus is wrong.
 *
 * Such an alert is heard, so it has begun. It counts from the first time that the daemon heard of it, and not
 * from each time. Alertmanager repeats an alert for as long as it fires, and would end each release that
 * began meanwhile. A restart of the daemon forgets that time, and the next repetition counts as the first.
 */

import type { AbortAlert } from "./read-alerts.ts";
import { shortName } from "./short-name.ts";

/** Clocks that differ by less are right. So small a difference never makes an alert older than a release. */
export const CLOCK_SKEW_MS = 60_000;

/** This many alerts are remembered. Beyond it, the one that was heard first is forgotten. */
export const FUTURE_ALERTS_MAX = 1_024;

export class FutureAlerts {
  /** By the alert: when it was heard first. */
  readonly #heardAtMs = new Map<string, number>();

  /** The alert, with the time at which it began at the latest. */
  seen(alert: AbortAlert, nowMs: number): AbortAlert {
    if (alert.beganAtMs <= nowMs + CLOCK_SKEW_MS) return alert;
    const id = `${shortName(alert.fingerprint)} ${alert.beganAtMs}`;
    const beganAtMs = this.#heardAtMs.get(id) ?? nowMs;
    this.#heardAtMs.set(id, beganAtMs);
    const [oldest] = this.#heardAtMs.keys();
    if (this.#heardAtMs.size > FUTURE_ALERTS_MAX && oldest !== undefined) this.#heardAtMs.delete(oldest);
    return { ...alert, beganAtMs };
  }
}
