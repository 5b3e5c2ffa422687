/**
 * The contract of an integration, for the conformance suite. An integration is a proxy, or an application,
 * that asks a daemon for its visitors. It uses the files in a folder of `integrations/`.
 *
 * `start` runs the shipped files as they are. It fills in only their places: paths, addresses, switches that
 * are marked CHANGE. If such a place is gone from a file, it throws. It resolves when visitors are served.
 * Before the call, the upstreams run, and so does the daemon. The daemon may die, hang and come back at any
 * time after that. `stop` ends everything that `start` began. A new integration is a file in
 * `test/integration/proxies`, and a line in `list.ts`.
 */

import type { DaemonHome } from "../../support/daemon-process.ts";

/** The addresses and paths that a daemon's flags need. */
export interface DaemonPlaces {
  /** A directory of the integration's own, for everything it writes. */
  readonly directory: string;
  /**
   * Ports of 127.0.0.1: for the daemon and its admin listener, if its flags use them, for the proxy itself,
   * and for a maintenance page.
   */
  readonly daemonPort: number;
  readonly adminPort: number;
  readonly insidePort: number;
  readonly pagePort: number;
  /** The port of 127.0.0.1 to which proxies report outcomes. Perhaps no program listens there. */
  readonly outcomesPort: number;
  /** Visitors come over TLS. */
  readonly isTls: boolean;
}

/** The arguments of `start`. */
export interface Places extends DaemonPlaces {
  /** The port for visitors, on 127.0.0.1. */
  readonly port: number;
  /** Paths of the unix sockets of the versions. */
  readonly master: string;
  readonly canary: string;
  /** Ports of 127.0.0.1 with the same upstreams, for programs that cannot use unix sockets. */
  readonly masterPort: number;
  readonly canaryPort: number;
  /** The daemon's socket and state directory. It runs with `daemonFlags`. */
  readonly home: DaemonHome;
  /** The socket where a proxy asks over the line protocol. It leads to the daemon's. */
  readonly socket: string;
  /** The operator lets testers force their location. The daemon then runs with `-allow-force`. */
  readonly allowForce: boolean;
  /** The commented lines of the shipped files that are marked CHANGE are turned on. */
  readonly areOptionsOn: boolean;
  readonly tls: { readonly key: string; readonly certificate: string } | undefined;
  /** Changes that the operator has made beside those. */
  readonly changes?: OperatorChanges;
}

/** An operator's own lines in the shipped files, for the reporting suite. */
export interface OperatorChanges {
  /** The proxy waits so long for a version's answer. */
  readonly answerTimeoutMs: number;
  /** The proxy itself answers requests for this path with 403, after the decision. */
  readonly deniedPath: string;
  /** The path of a unix socket without a server, which stands before master's server in its group. */
  readonly deadServer?: string;
  /** A port of 127.0.0.1 for the same. */
  readonly deadPort?: number;
  /** Good outcomes are reported for a tenth of the assignments, and bad ones for all. */
  readonly isSharing?: boolean;
}

/** An integration that runs. */
export interface Running {
  /** Its output so far, to find the reason of a failure. */
  log(): string;
  stop(): Promise<void>;
}

/** A cookie of the proxy's own, which names a slice of the circle. */
export interface SliceCookie {
  readonly name: string;
  /** How many slices there are, all of one length. */
  readonly slices: number;
  valueOf(slice: number): string;
}

/** How an integration reports outcomes, for the reporting suite (`test/integration/reporting`). */
export interface Reporting {
  /** Its reports have no address of the visitor. */
  readonly hasNoSource?: boolean;
  /** `changes.isSharing` has an effect. */
  readonly canShare?: boolean;
  /** Rows that cannot apply, by their id, with the reason. */
  readonly exceptions?: Readonly<Record<string, string>>;
}

export interface Integration {
  /** Its heading in the table, such as `nginx, asks`. */
  readonly name: string;
  /** Its folder in `integrations`. */
  readonly folder: string;
  /** Why it cannot run here, with the remedy, or undefined if it can. In CI it throws instead. */
  missing(): string | undefined;
  /** The daemon's flags for it, beside its store and its socket. */
  daemonFlags(places: DaemonPlaces): readonly string[];
  start(places: Places): Promise<Running>;
  /**
   * Set if visitors keep a slice and have no assignment, neither for the upstreams nor in the cookie
   * `maxwellsdaemon`. The proxy then draws slices by itself, also while the daemon is gone.
   */
  readonly sliceCookie?: SliceCookie;
  /**
   * When the daemon has read a change, every visitor's decision follows it after this time. 0 if the proxy
   * asks each time.
   */
  readonly changeMs: number;
  /**
   * When the daemon is gone, the canary may serve for this long: the longest lease, or the time-out of a
   * proxy that asks.
   */
  readonly graceMs: number;
  /** The longest time that a visitor waits for a daemon that does not answer. */
  readonly patienceMs: number;
  /**
   * The daemon listens on `daemonPort` or `adminPort`. Two daemons cannot have a port at the same time,
   * unlike a socket's file.
   */
  readonly isOverTcp?: boolean;
  /**
   * The path of the access log in its shipped files, and the path that `start` puts in its place, in the
   * integration's own directory.
   */
  readonly log?: { readonly shipped: string; pathIn(directory: string): string };
  /** `start` can turn on the commented lines: testers have a link, and bots are left out. */
  readonly hasOptions?: boolean;
  /**
   * The Cache-Control of a response with a new cookie, if the proxy cannot see the upstream's. In
   * alphabetical order.
   */
  readonly newCookieDirectives?: readonly string[];
  /** Set if its shipped files report outcomes. */
  readonly reporting?: Reporting;
  /** Cases that cannot apply, by their id, with the reason for the table's page. */
  readonly exceptions?: Readonly<Record<string, string>>;
}
