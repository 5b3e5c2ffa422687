/** The parts that all listeners of a daemon share. */

import type { Handler } from "../handler.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Connections } from "./connections.ts";

/** For this time a listener that closes still answers the requests that it has begun to read. */
export const DRAIN_MS = 1_000;

export interface StreamContext {
  readonly handler: Handler;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Shared by all listeners of a daemon. */
  readonly connections: Connections;
  /** The daemon's one clock, monotonic, in milliseconds. */
  readonly clock: () => number;
}
