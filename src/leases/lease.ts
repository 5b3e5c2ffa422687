/**
 * The contract of a lease: until the lease ends, a proxy decides by itself, with the arcs that the daemon
 * gave it.
 *
 * A kind gives its lease in one of two ways. It publishes: twice a second it writes into a file or into the
 * proxy's memory, and listens nowhere. Or it listens: the proxy polls, and the daemon answers; then `create`
 * makes a `Server`.
 *
 * The life of a publisher: `start` begins to renew the lease and resolves at once; `close` stops, and
 * resolves when the last write is done. Neither rejects. If the proxy is away, or the disk refuses, the
 * failure is counted and logged, and the next renewal tries again (law 5).
 *
 * Every kind promises: a lease has an end, so nothing has to be cleaned up if the daemon is gone, and it
 * ends no later than `Table.lease` says. `close` leaves what was written, because another daemon may go on
 * with it. `LeaseContext.maintenance` says whether an application is in maintenance. Maintenance has no end:
 * it outlasts the daemon (law 8).
 */

import type { Address } from "../address.ts";
import type { CrossCheck, Option, Settings } from "../config/option.ts";
import type { Server, ServerContext } from "../servers/server.ts";

/** A lease that the daemon publishes for one proxy. */
export interface Publisher {
  /**
   * Its kind and its target, as in the log and in metrics: `apache-map /var/lib/maxwells-daemon/apache.map`.
   */
  readonly name: string;
  start(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The applications in maintenance, according to the last fresh data, whatever the store says now (law 8). If
 * the store is lost, another daemon that shares the state directory may have newer data.
 */
export interface MaintenanceView {
  /** Reads memory only. */
  isOn(application: string): boolean;
}

/** The parts that a lease is made with. */
export interface LeaseContext extends ServerContext {
  /** Never on with `-state-dir none`. */
  readonly maintenance: MaintenanceView;
}

/** The place that one lease is written to. */
export interface LeaseTarget {
  /** The text that stands behind the flag: `/run/haproxy/admin.sock,/etc/haproxy/maxwells-daemon.map`. */
  readonly text: string;
  /** The proxy's own socket, if the lease is written over one. The daemon cannot listen there. */
  readonly socket?: Address;
}

/** The result of trying one lease, for `check -deep`. */
export interface LeaseTrial {
  /** A problem needs an operator. The daemon copes with a warning. */
  readonly level: "ok" | "warning" | "problem";
  /** The result. If it is bad: what follows, and what to do. */
  readonly text: string;
}

/** The program of a proxy that decides by itself. */
export interface ProxyProgram {
  /** In lower case, as in `doctor -proxy NAME`: `haproxy`. */
  readonly name: string;
  /** Its name in the log and in doctor's report: `HAProxy`. */
  readonly title: string;
  /** The names of its processes on the machine, so that doctor finds it. */
  readonly processes: readonly string[];
  /** It prints its version with these flags, and ends. */
  readonly versionFlags: readonly string[];
}

/** A kind of lease. Its file exports one of these, and `list.ts` names it. */
export interface LeaseKind {
  /** The flag that asks for it, without the dash, and the first word of its names: `haproxy-map`. */
  readonly name: string;
  /** The program that has the lease. */
  readonly proxy: ProxyProgram;
  /** The flags that belong to it. */
  readonly options: readonly Option<unknown>[];
  /** Checks of its flags against each other and against `-application`. */
  readonly crossChecks?: readonly CrossCheck[];
  /** The daemon's listeners that proxies poll. Empty for a kind that publishes, and while the kind is off. */
  addresses(settings: Pick<Settings, "get">): readonly Address[];
  /**
   * The places that the daemon writes to, one for each lease. Empty for a kind that listens, and while it is
   * off.
   */
  targets(settings: Pick<Settings, "get">): readonly LeaseTarget[];
  /**
   * Why the daemon does not see these proxies' decisions, for `status`; absent if the proxies report them.
   */
  readonly unseen?: string;
  /** An instruction to the operator if the lease is not renewed, for doctor. */
  readonly remedy: string;
  /**
   * Tries each target, and writes nothing. Absent for a kind that listens, because its addresses are tried.
   */
  tryTargets?(settings: Pick<Settings, "get">): Promise<readonly LeaseTrial[]>;
  /** One for each address and each target. */
  create(settings: Settings, context: LeaseContext): readonly (Publisher | Server)[];
}

/** Whether a lease listens, so that the daemon prepares it as a server. */
export function isServer(lease: Publisher | Server): lease is Server {
  return "prepare" in lease;
}
