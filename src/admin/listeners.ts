/**
 * The page `/listeners`: the addresses that a daemon has. The commands read it, and the daemon that replaces
 * this one.
 */

import type { Metrics, ServerIdentity } from "../metrics.ts";
import type { Rollout } from "../rollout.ts";

export interface ListenersPage {
  readonly pid: number;
  readonly applications: readonly string[];
  /** Names of servers, such as `http tcp:127.0.0.1:6294`. */
  readonly listeners: readonly string[];
  /** The same servers by their fields. */
  readonly servers: readonly Pick<ServerIdentity, "protocol" | "address">[];
}

export interface ListenersSources {
  readonly rollout: Rollout;
  readonly metrics: Metrics;
}

/** The page as JSON. */
export function listenersText({ rollout, metrics }: ListenersSources, listeners: readonly string[]): string {
  const page: ListenersPage = {
    pid: process.pid,
    applications: rollout.applications,
    listeners,
    servers: metrics.servers.map(({ protocol, address }) => ({ protocol, address })),
  };
  return JSON.stringify(page);
}
