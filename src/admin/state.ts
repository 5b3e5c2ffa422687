/** The page `/state`: a daemon's account of its tables, their age, and its counts. */

import packageJson from "../../package.json" with { type: "json" };
import type { Arc } from "../circle.ts";
import type { Feed } from "../feed/feed.ts";
import type { FeedState } from "../feed/followed.ts";
import type { Metrics, ServerCounts } from "../metrics.ts";
import type { Placement } from "../placement.ts";
import type { ReportKind } from "../reports.ts";
import type { Rollout } from "../rollout.ts";
import { Slices } from "../slices.ts";
import type { Store } from "../stores/store.ts";

/** A part of the answer is sent as soon as it is this long. */
const CHUNK_CHARACTERS = 16_384;

export interface ApplicationState {
  readonly name: string;
  /** Whether the snapshot is fresh; false if it is older than `unhealthy`, or was never read. */
  readonly fresh: boolean;
  /** Null: never read. */
  readonly ageMs: number | null;
  readonly leaseMs: number;
  /** Why the store cannot be read now; null if it can. */
  readonly error: string | null;
  readonly reads: { readonly success: number; readonly failure: number; readonly malformed: number };
  /** Records at the last read; null: never read. */
  readonly records: number | null;
  readonly arcs: readonly Arc[];
  /** The first few versions whose record is malformed. */
  readonly malformed: readonly string[];
  readonly decisions: readonly { location: string; reason: string; count: number }[];
  /** Decisions that proxies made by themselves and reported. */
  readonly reported: readonly { location: string; kind: ReportKind; count: number }[];
}

export interface State {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly uptimeMs: number;
  /** Whether every application has been read since the start. */
  readonly ready: boolean;
  /** Why `/readyz` says no; null if it says yes. */
  readonly notReady: string | null;
  /** The store's address, without secrets. */
  readonly store: string;
  /** The configuration file that was read; null: none. */
  readonly config: string | null;
  readonly applications: readonly ApplicationState[];
  readonly servers: readonly Readonly<ServerCounts>[];
}

export interface StateSources {
  readonly rollout: Rollout;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly config: string | null;
  /** The reason that `/readyz` gives; undefined if the daemon is ready. */
  readonly notReady: () => string | undefined;
  readonly startedAt: Date;
  readonly startedAtMs: number;
  readonly clock: () => number;
}

/** The whole state as one value. */
export function readState(sources: StateSources): State {
  const nowMs = sources.clock();
  const applications = sources.feed.states.map((feed) => applicationState(sources, feed, nowMs));
  return { ...headOf(sources), applications };
}

/** The whole state as JSON, in parts, so that the event loop answers visitors in between. */
export async function* writeState(sources: StateSources): AsyncGenerator<string> {
  const slices = new Slices();
  // The last brace of the head is cut off, because the list of applications follows.
  let chunk = `${JSON.stringify(headOf(sources)).slice(0, -1)},"applications":[`;
  let separator = "";
  for (const feed of sources.feed.states) {
    chunk += separator + JSON.stringify(applicationState(sources, feed, sources.clock()));
    separator = ",";
    if (chunk.length >= CHUNK_CHARACTERS) {
      yield chunk;
      chunk = "";
    }
    if (slices.isOver()) await slices.next();
  }
  yield `${chunk}]}\n`;
}

function headOf({ clock, startedAt, startedAtMs, store, config, metrics, notReady }: StateSources) {
  const reason = notReady();
  return {
    version: packageJson.version,
    pid: process.pid,
    startedAt: startedAt.toISOString(),
    uptimeMs: Math.round(clock() - startedAtMs),
    ready: reason === undefined,
    notReady: reason ?? null,
    store: store.address,
    config,
    servers: metrics.servers.map((counts) => ({ ...counts })),
  };
}

function applicationState(
  { rollout, metrics }: StateSources,
  { application: name, error, records, malformed }: FeedState,
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
    records: records ?? null,
    arcs: table?.arcs ?? [],
    malformed,
    decisions: decisionsOf(metrics.placements.ofApplication(name)),
    reported: Array.from(metrics.reports.of(name), ({ location, kind, count }) => ({
      location,
      kind,
      count,
    })),
  };
}

function decisionsOf(placements: Iterable<Placement>): ApplicationState["decisions"] {
  return Array.from(placements)
    .filter(({ count }) => count > 0)
    .map(({ location, reason, count }) => ({ location, reason, count }));
}
