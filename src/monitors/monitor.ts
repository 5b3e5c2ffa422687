/**
 * The contract of a monitor: a program that gets the daemon's metrics.
 *
 * The life of a monitor: `start` is called once when the daemon runs. From then on the monitor reads
 * `Metrics` at its own pace. `close` is called once, sends what is left if it can at once, and resolves
 * within `CLOSE_MS`. A monitor never throws, never logs more than the log's own limit lets through, and no
 * failure of it changes an answer or ends the process (law 6).
 */

import type { Option, Settings } from "../config/option.ts";
import type { Feed } from "../feed/feed.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Rollout } from "../rollout.ts";

/** The longest that closing a monitor may take. */
export const CLOSE_MS = 500;

export interface Monitor {
  readonly name: string;
  start(): void;
  close(): Promise<void>;
  /**
   * The page that the admin listener serves at `/metrics`, if this monitor's metrics are fetched and not
   * sent.
   */
  readonly page?: MonitorPage;
}

export interface MonitorPage {
  readonly contentType: string;
  /**
   * The page in parts. With many applications it is long, so the event loop answers visitors between two
   * parts.
   */
  chunks(): AsyncIterable<string>;
}

/** Everything that a monitor is made with. */
export interface MonitorContext {
  readonly metrics: Metrics;
  readonly rollout: Rollout;
  readonly feed: Feed;
  /** Why visitors cannot be served the store's answer now, as `/readyz` tells; undefined if they can. */
  readonly notReady: () => string | undefined;
  readonly log: Log;
  /** The daemon's one clock, monotonic, in milliseconds. */
  readonly clock: () => number;
  /** When the process began, by the time of day. */
  readonly processStartedAt: Date;
}

/** A kind of monitor. Its file exports one of these, and `list.ts` names it. */
export interface MonitorKind {
  readonly name: string;
  /** The flags that belong to it. */
  readonly options: readonly Option<unknown>[];
  /** Undefined where the settings turn it off. */
  create(settings: Settings, context: MonitorContext): Monitor | undefined;
}
