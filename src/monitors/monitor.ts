/**
 * The contract of a monitor, which sends or offers the daemon's metrics to another program.
 *
 * The life of a monitor: `start` is called once when the daemon runs. From then on the monitor reads
 * `Metrics` at its own pace. `close` is called once. It sends the last counts if that is possible at once,
 * and resolves within `CLOSE_MS`. A monitor never throws, and must not flood the log. Its failures change no
 * answer and do not end the process (law 6).
 */

import type { Option, Settings } from "../config/option.ts";
import type { Feed } from "../feed/feed.ts";
import type { OutcomeCounts } from "../intake/counts.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Overview } from "../overview/overview.ts";
import type { Rollout } from "../rollout.ts";
import type { Server } from "../servers/server.ts";

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

/** The memory that the evidence of releases has. */
export interface EvidenceUse {
  readonly bytes: number;
  /** The releases of which a part of the visitors counts only, because memory is short. */
  readonly shortReleases: number;
}

/** Everything that a monitor is made with. */
export interface MonitorContext {
  readonly metrics: Metrics;
  readonly rollout: Rollout;
  readonly feed: Feed;
  readonly overview: Overview;
  readonly outcomes: OutcomeCounts;
  /** Undefined if this daemon keeps no evidence. */
  readonly evidence: EvidenceUse | undefined;
  /** The reason why the daemon is not ready, as in `/readyz`; undefined if it is ready. */
  readonly notReady: () => string | undefined;
  /** The servers that proxies ask, and whether they can. */
  readonly listeners: () => readonly Pick<Server, "name" | "trouble">[];
  readonly log: Log;
  /** The daemon's one clock, monotonic, in milliseconds. */
  readonly clock: () => number;
  /** The time of day at which the process began. */
  readonly processStartedAt: Date;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A kind of monitor. Its file exports one of these, and `list.ts` names it. */
export interface MonitorKind {
  readonly name: string;
  /** The monitor's own options. */
  readonly options: readonly Option<unknown>[];
  /** Undefined if the settings turn the monitor off. */
  create(settings: Settings, context: MonitorContext): Monitor | undefined;
}
