/**
 * Says in the log what goes wrong with clients: a proxy that sends what nobody can read, that asks for an application
 * which is not served here, or that leaves before its answer.
 *
 * The path of a request only counts. The counts are looked at once in `LOOK_MS`, and what has grown is one complaint,
 * which the log holds back like every other: a million bad requests are a line at first, and one an hour in the end.
 */

import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Reason } from "../placement.ts";

/** How often the counts are looked at. */
export const LOOK_MS = 1_000;

interface Trouble {
  readonly message: string;
  readonly remedy: string;
  /** How often it has happened since the daemon started. */
  total(metrics: Metrics, application: string): number;
}

const TROUBLES: readonly Trouble[] = [
  {
    message: "requests could not be read, so their visitors went to master",
    remedy: "see what the proxy sends; -http and the line protocol want an assignment in [0, 1), or none",
    total: (metrics, application) => decisions(metrics, application, "invalid"),
  },
  {
    message: "requests named an application that is not served here, so their visitors went to master",
    remedy: "name it with -application, or mend the proxy's configuration",
    total: (metrics, application) => decisions(metrics, application, "unknown-application"),
  },
  {
    message: "clients left, or were cut off, within a request or before its reply",
    remedy: "see that proxies read their replies, and that their patience is not shorter than they need",
    total: connectionFailures,
  },
];

export class ClientTrouble {
  readonly #metrics: Metrics;
  readonly #application: string;
  readonly #log: Log;
  /** The totals that were told of, in the order of `TROUBLES`. */
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

  /** Complains of what has happened since the last look. */
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
