/**
 * What the daemon counts. The path of a request and the feed only bump numbers here; monitors read them when
 * they please, and no monitor is known to anyone who counts.
 */

import { type Address, addressText } from "./config/values.ts";
import type { Placements } from "./placement.ts";
import { Reports } from "./reports.ts";

/** Upper bounds of the latency buckets, in microseconds; one more bucket holds everything slower. */
export const DELAY_BOUNDS_US = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000,
] as const;

/** A histogram of durations, with fixed buckets. */
export class Histogram {
  /** Observations a bucket, each bucket for itself. */
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

/** The identity of a server. Programs read these fields, and no program takes a name apart. */
export interface ServerIdentity {
  /** The name of its kind, such as `line`. */
  readonly protocol: string;
  /** If it listens: the address to which proxies connect. Else the place to which it writes. */
  readonly address: ServerAddress;
  /**
   * The part of what is at the address, if several servers have the same one: the map of a HAProxy with
   * several maps.
   */
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

/** How the log and metrics call a server: `line unix:/tmp/maxwells-daemon.sock`. */
export function serverName({
  protocol,
  address,
  part,
}: Pick<ServerIdentity, "protocol" | "address" | "part">): string {
  const place = address.kind === "file" ? address.path : addressText(address);
  return `${protocol} ${place}${part === undefined ? "" : ` ${part}`}`;
}

/** What a server counts. */
export interface ServerCounts extends ServerIdentity {
  /** As `serverName` gives it. */
  readonly name: string;
  /** Requests that got their reply. */
  success: number;
  /** Requests that could not be read, or whose reply could not be sent. */
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

/** What the feed counts for an application. */
export interface FeedCounts {
  readonly application: string;
  /** Successful reads of the store. */
  success: number;
  failure: number;
  /** Records that were read but could not be used, as of the last read. */
  malformed: number;
}

export class Metrics {
  readonly placements: Placements;
  /** From a request's arrival to its reply being handed to the kernel. */
  readonly delay = new Histogram();
  readonly servers: ServerCounts[] = [];
  /** What proxies say that they decided. */
  readonly reports = new Reports();
  readonly #feeds = new Map<string, FeedCounts>();

  constructor(placements: Placements) {
    this.placements = placements;
  }

  /** Makes the counts of one more server. */
  server(identity: ServerIdentity): ServerCounts {
    const counts = emptyServerCounts(identity);
    this.servers.push(counts);
    return counts;
  }

  /** The counts of an application's reads, made when they are first asked for. */
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
