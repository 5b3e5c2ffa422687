/**
 * Logs trouble with clients: a proxy sends a request that cannot be read, names an application that is not
 * served here, or leaves before its answer.
 *
 * The path of a request only counts. Every `LOOK_MS` this class looks at the counts, and complains once of
 * each that has grown. The log limits such complaints like all others: a million bad requests give one line
 * at first, and one line an hour in the end.
 */

import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Reason } from "../placement.ts";

/** Time between two looks at the counts. */
const LOOK_MS = 1_000;

interface Trouble {
  readonly message: string;
  readonly remedy: string;
  /** How often it has happened since the daemon started. */
  total(metrics: Metrics, application: string): number;
}

const TROUBLES: readonly Trouble[] = [
  {
    message: "requests could not be read, so their visitors went to master",
    remedy: "look at what the proxy sends: its assignment must be a number in [0, 1), or absent",
    total: (metrics, application) => decisions(metrics, application, "invalid"),
  },
  {
    message: "requests named an application that is not served here, so their visitors went to master",
    remedy: "name it with -application, or correct the proxy's configuration",
    total: (metrics, application) => decisions(metrics, application, "unknown-application"),
  },
  {
    message:
      "clients left, or were cut off, before they had their answers; a visitor without an answer goes to master",
    remedy: "let proxies read their replies; if the timeout of a proxy is too short for its load, raise it",
    total: connectionFailures,
  },
];

export class ClientTrouble {
  readonly #metrics: Metrics;
  readonly #application: string;
  readonly #log: Log;
  /** The totals at the last look, in the order of `TROUBLES`. */
  readonly #told = TROUBLES.map(() => 0);
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param application the first one, because its placements count the requests that name no application */
  constructor(metrics: Metrics, log: Log, application: string) {
    this.#metrics = metrics;
    this.#application = application;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Looks for the last time. */
  close(): void {
    clearInterval(this.#timer);
    this.look();
  }

  /** Logs the trouble since the last look. */
  look(): void {
    for (const [index, { message, remedy, total }] of TROUBLES.entries()) {
      const now = total(this.#metrics, this.#application);
      if (now === this.#told[index]) continue;
      this.#told[index] = now;
      this.#log.warn(message, { total: now, remedy });
    }
  }
}

/** A server that does not listen has no clients: it renews a lease, and logs its failures itself. */
function connectionFailures({ servers }: Metrics): number {
  return servers.reduce((sum, { listens, failure }) => (listens ? sum + failure : sum), 0);
}

function decisions(metrics: Metrics, application: string, reason: Reason): number {
  let sum = 0;
  for (const placement of metrics.placements.ofApplication(application)) {
    if (placement.reason === reason) sum += placement.count;
  }
  return sum;
}
