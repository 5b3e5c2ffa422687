/**
 * The contract of an integration, for the conformance suite: a proxy, or an application, that asks a daemon for its
 * visitors and is made of the files in a folder of `integrations/`.
 *
 * `start` puts the shipped files to work as they are, with nothing but their places filled in (paths, addresses, switches
 * that are marked CHANGE), and resolves when visitors are served; where such a place is gone from a file, it throws. The
 * upstreams are there before it is called, and so is the daemon, which may die, hang and come back at any time after. `stop`
 * ends all that `start` began. A new integration is a file in `test/integration/proxies`, and a line in `list.ts`.
 */

import type { DaemonHome } from "../../support/daemon-process.ts";

/** Where things are, as far as a daemon's flags tell of it. */
export interface DaemonPlaces {
  /** A directory of the integration's own, for everything it writes. */
  readonly directory: string;
  /**
   * Ports of 127.0.0.1: for the daemon and its admin listener, if its flags use them, for the proxy itself, and for a
   * maintenance page.
   */
  readonly daemonPort: number;
  readonly adminPort: number;
  readonly insidePort: number;
  readonly pagePort: number;
  /** Visitors come over TLS. */
  readonly isTls: boolean;
}

/** What an integration is started with. */
export interface Places extends DaemonPlaces {
  /** Where visitors come to, on 127.0.0.1. */
  readonly port: number;
  /** Paths of the unix sockets of the versions. */
  readonly master: string;
  readonly canary: string;
  /** Ports of 127.0.0.1 with the same upstreams, for what knows no unix sockets. */
  readonly masterPort: number;
  readonly canaryPort: number;
  /** Where the daemon lives: its socket, its state directory. It runs with `daemonFlags`. */
  readonly home: DaemonHome;
  /** The operator lets testers force their location. The daemon then runs with `-allow-force`. */
  readonly allowForce: boolean;
  /** The commented lines of the shipped files that are marked CHANGE are turned on. */
  readonly areOptionsOn: boolean;
  readonly tls: { readonly key: string; readonly certificate: string } | undefined;
}

/** An integration that runs. */
export interface Running {
  /** What it wrote so far, for whoever looks for the reason of a failure. */
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

export interface Integration {
  /** As it is headed in the table, such as `nginx, asks`. */
  readonly name: string;
  /** Its folder in `integrations`. */
  readonly folder: string;
  /** Why it cannot be had here, with the remedy; undefined where it can. In CI it throws instead. */
  missing(): string | undefined;
  /** What the daemon is run with for it, beside its store and its socket. */
  daemonFlags(places: DaemonPlaces): readonly string[];
  start(places: Places): Promise<Running>;
  /**
   * Where visitors keep a slice, and nobody has an assignment: neither the upstreams, nor the cookie `maxwellsdaemon`. The
   * proxy then draws slices by itself, also while the daemon is gone.
   */
  readonly sliceCookie?: SliceCookie;
  /** A change that the daemon knows is followed by every visitor's decision after this time: 0 where it asks each time. */
  readonly changeMs: number;
  /** The canary may go on for so long when the daemon is gone: the longest lease, or the patience of one that asks. */
  readonly graceMs: number;
  /** What a visitor waits at most for a daemon that does not answer. */
  readonly patienceMs: number;
  /** The daemon listens on `daemonPort` or `adminPort`, which two daemons cannot have at the same time, as they can a socket's file. */
  readonly isOverTcp?: boolean;
  /** The access log of its shipped files: where they put it, and where `start` does, as the path in the directory of its own. */
  readonly log?: { readonly shipped: string; pathIn(directory: string): string };
  /** `start` can turn on the commented lines: testers have a link, and bots are left out. */
  readonly hasOptions?: boolean;
  /**
   * What a response with a new cookie says to caches, if the proxy cannot see what the upstream says to them; in alphabetical
   * order.
   */
  readonly newCookieDirectives?: readonly string[];
  /** Cases that cannot apply, by their id, with the reason that the table's page gives. */
  readonly exceptions?: Readonly<Record<string, string>>;
}
