/** What a daemon says of itself at `/state`: its tables, their age, and its counts. */

import packageJson from "../../package.json" with { type: "json" };
import type { Feed, FeedState } from "../feed.ts";
import type { Metrics, ServerCounts } from "../metrics.ts";
import type { Arc } from "../record.ts";
import type { Rollout } from "../rollout.ts";
import type { Store } from "../stores/store.ts";

export interface ApplicationState {
  readonly name: string;
  /** Whether the rollouts hold as they were read; false: older than `unhealthy`, or never read. */
  readonly fresh: boolean;
  /** Null: never read. */
  readonly ageMs: number | null;
  readonly leaseMs: number;
  /** Why the store cannot be read, while it cannot. */
  readonly error: string | null;
  readonly reads: { readonly success: number; readonly failure: number; readonly malformed: number };
  readonly arcs: readonly Arc[];
  /** Versions whose record cannot be used; the first few of them. */
  readonly malformed: readonly string[];
  readonly decisions: readonly { location: string; reason: string; count: number }[];
}

export interface State {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly uptimeMs: number;
  readonly ready: boolean;
  /** The store's address, without secrets. */
  readonly store: string;
  readonly applications: readonly ApplicationState[];
  readonly servers: readonly Readonly<ServerCounts>[];
}

export interface StateSources {
  readonly rollout: Rollout;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly startedAt: Date;
  readonly startedAtMs: number;
  readonly clock: () => number;
}

export function readState(sources: StateSources): State {
  const nowMs = sources.clock();
  return {
    version: packageJson.version,
    pid: process.pid,
    startedAt: sources.startedAt.toISOString(),
    uptimeMs: Math.round(nowMs - sources.startedAtMs),
    ready: sources.feed.isReady,
    store: sources.store.address,
    applications: sources.feed.states.map((feed) => applicationState(sources, feed, nowMs)),
    servers: sources.metrics.servers.map((counts) => ({ ...counts })),
  };
}

function applicationState(
  { rollout, metrics }: StateSources,
  { application: name, error, malformed }: FeedState,
  nowMs: number,
): ApplicationState {
  const table = rollout.table(name);
  const reads = metrics.feed(name);
  const ageMs = nowMs - (table?.readAtMs ?? Number.NEGATIVE_INFINITY);
  return {
    name,
    fresh: table?.isFresh(nowMs) ?? false,
    ageMs: Number.isFinite(ageMs) ? Math.round(ageMs) : null,
    leaseMs: table?.lease(nowMs).durationMs ?? 0,
    error: error ?? null,
    reads: { success: reads.success, failure: reads.failure, malformed: reads.malformed },
    arcs: table?.arcs ?? [],
    malformed,
    decisions: [...metrics.placements.values()]
      .filter((placement) => placement.application === name && placement.count > 0)
      .map(({ location, reason, count }) => ({ location, reason, count })),
  };
}
