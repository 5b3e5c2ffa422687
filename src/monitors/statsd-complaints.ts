/** The complaints of a monitor whose metrics do not reach statsd. Visitors notice nothing of that. */

import { type HostPort, hostPortText } from "../address.ts";
import type { Log } from "../log/log.ts";

/** If statsd stays away, the log says so again after this time. */
const COMPLAINT_MS = 3_600_000;

/** At most this many failures with different texts are logged. */
const FAILURES_TOLD_MAX = 8;

export interface StatsdComplaintsOptions {
  readonly address: HostPort;
  /** Whether the operator named the address. If not, a failure is logged only once. */
  readonly isNamed: boolean;
}

export class StatsdComplaints {
  readonly #options: StatsdComplaintsOptions;
  readonly #log: Log;
  readonly #clock: () => number;
  /** The times at which failures were logged, by their texts. */
  readonly #toldAtMs = new Map<string, number>();

  constructor(options: StatsdComplaintsOptions, log: Log, clock: () => number) {
    this.#options = options;
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * Logs each kind of failure, and the same one again after an hour. If the operator named no statsd, only
   * the first failure is logged.
   */
  complain(error: unknown): void {
    const fields = { statsd: hostPortText(this.#options.address), error: describe(error) };
    if (!this.#options.isNamed) {
      if (this.#toldAtMs.size > 0) return;
      this.#toldAtMs.set(fields.error, 0);
      this.#log.info(
        "metrics are not sent, because no statsd listens; name one with -statsd, or use -statsd none",
        fields,
      );
      return;
    }
    const nowMs = this.#clock();
    const toldAtMs = this.#toldAtMs.get(fields.error);
    const isNew = toldAtMs === undefined && this.#toldAtMs.size < FAILURES_TOLD_MAX;
    if (!isNew && nowMs - (toldAtMs ?? nowMs) < COMPLAINT_MS) return;
    this.#toldAtMs.set(fields.error, nowMs);
    this.#log.warn(
      "metrics cannot be sent to statsd; visitors notice nothing, and the log repeats this once an hour",
      fields,
    );
  }
}

/** Reports ECONNREFUSED in the same way for sending and receiving. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /\bECONNREFUSED\b/.exec(error.message)?.[0] ?? error.message;
}
