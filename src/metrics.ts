/**
 * The daemon's counters. Requests and the feed only increase numbers here. Monitors read the numbers at their
 * own pace, and the code that counts knows no monitor.
 */

import { type Address, addressText } from "./address.ts";
import type { Placements } from "./placement.ts";
import { Reports } from "./reports.ts";

/** Upper bounds of the latency buckets, in microseconds; one more bucket holds everything slower. */
export const DELAY_BOUNDS_US = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000,
] as const;

/** A histogram of durations, with fixed buckets. */
export class Histogram {
  /** Observations in each bucket; not cumulative. */
  readonly counts = new Float64Array(DELAY_BOUNDS_US.length + 1);
  sumMs = 0;

  /** Counts `times` observations of the same duration. */
  observe(durationMs: number, times: number): void {
    const us = durationMs * 1000;
    let bucket = 0;
    while (bucket < DELAY_BOUNDS_US.length && us > (DELAY_BOUNDS_US[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + times;
    this.sumMs += durationMs * times;
  }
}

/** The identity of a server. Programs read these fields, so no program has to parse a name. */
export interface ServerIdentity {
  /** The name of its kind, such as `line`. */
  readonly protocol: string;
  /**
   * The address to which proxies connect, if the server listens. Else the address or file to which it
   * writes.
   */
  readonly address: ServerAddress;
  /** Tells apart servers that have the same address: the name of the map, if one HAProxy has several maps. */
  readonly part?: string;
  /** Whether proxies connect to it. */
  readonly listens: boolean;
  /**
   * The proxy that decides by itself under a lease of this server, such as `apache`; null if there is no
   * lease.
   */
  readonly leasesTo: string | null;
}

export type ServerAddress = Address | { readonly kind: "file"; readonly path: string };

/**
 * The name of a server in the log and in metrics: `line unix:/tmp/maxwells-daemon.sock`. It stays the same in
 * all versions, because a daemon takes over an address only from a daemon that has the same name for it.
 */
export function serverName({
  protocol,
  address,
  part,
}: Pick<ServerIdentity, "protocol" | "address" | "part">): string {
  const place = address.kind === "file" ? address.path : addressText(address);
  return `${protocol} ${place}${part === undefined ? "" : ` ${part}`}`;
}

/** The counters of a server. */
export interface ServerCounts extends ServerIdentity {
  /** As `serverName` gives it, except for the admin listener (`admin/admin.ts`). */
  readonly name: string;
  /** Requests that got their reply; for a lease that the daemon writes, renewals. */
  success: number;
  /** Requests that could not be read, or whose reply could not be sent; or renewals that failed. */
  failure: number;
  /** Connections that are open now. */
  connections: number;
  /** Connections ever accepted. */
  accepted: number;
  /** Connections closed because of a limit on their number. */
  refused: number;
}

export function emptyServerCounts(identity: ServerIdentity): ServerCounts {
  const name = serverName(identity);
  return { name, ...identity, success: 0, failure: 0, connections: 0, accepted: 0, refused: 0 };
}

/** The feed's counters of an application. */
export interface FeedCounts {
  readonly application: string;
  /** Successful reads of the store. */
  success: number;
  failure: number;
  /** Malformed records at the last successful read. */
  malformed: number;
}

/** The counters of an address that gets notices of releases. */
export interface NoticeCounts {
  /** Without secrets: `slack hooks.slack.com 1f0c9a3e`. */
  readonly to: string;
  sent: number;
  /** Notices that this address never got from this daemon, because it refused them or was away too long. */
  failed: number;
  /** Notices that wait now. */
  waiting: number;
}

export class Metrics {
  readonly placements: Placements;
  /** The time from a request's arrival until its reply is handed to the kernel. */
  readonly delay = new Histogram();
  readonly servers: ServerCounts[] = [];
  /** Decisions that proxies report. */
  readonly reports = new Reports();
  readonly notices: NoticeCounts[] = [];
  readonly #feeds = new Map<string, FeedCounts>();

  constructor(placements: Placements) {
    this.placements = placements;
  }

  /** Adds the counters of one more server. */
  server(identity: ServerIdentity): ServerCounts {
    const counts = emptyServerCounts(identity);
    this.servers.push(counts);
    return counts;
  }

  /** Adds the counters of one more address that gets notices. */
  noticesTo(to: string): NoticeCounts {
    const counts = { to, sent: 0, failed: 0, waiting: 0 };
    this.notices.push(counts);
    return counts;
  }

  /** The counters of an application's reads, made at the first call. */
  feed(application: string): FeedCounts {
    let counts = this.#feeds.get(application);
    if (counts === undefined) {
      counts = { application, success: 0, failure: 0, malformed: 0 };
      this.#feeds.set(application, counts);
    }
    return counts;
  }

  get feeds(): Iterable<FeedCounts> {
    return this.#feeds.values();
  }
}
