/**
 * The contract of a server: a listener at which proxies ask over one protocol. A proxy that decides by itself has a lease
 * (`leases/lease.ts`).
 *
 * The life of a server: `prepare` tries whether it can listen, and takes nothing from anybody; `start` opens its listener and
 * resolves when it accepts; requests are answered from then on, each by one synchronous call of the handler; `close` stops
 * accepting, answers what has been asked, and resolves when every connection is gone, or after `DRAIN_MS` at the latest.
 * `prepare` and `start` reject if it cannot listen; nothing else of a server throws, whatever its clients do (law 5).
 */

import type { Option, Settings } from "../config/option.ts";
import type { Address } from "../config/values.ts";
import type { TailEncoder } from "../placement.ts";
import type { Rollout } from "../rollout.ts";
import type { StreamContext } from "../stream/stream-context.ts";

export interface Server {
  /** The protocol and where it listens, once it does: `line unix:/tmp/maxwells-daemon.sock`. */
  readonly name: string;
  /** Why no proxy can connect now, in words; undefined if they can. */
  readonly trouble: string | undefined;
  /**
   * Tries whether `start` could listen.
   *
   * @param predecessorHas whether the daemon that this one replaces listens under this name, so that they may share the address
   */
  prepare(predecessorHas: (name: string) => Promise<boolean>): Promise<void>;
  start(): Promise<void>;
  /** Whether another daemon has the address by now. Absent if that cannot be seen. */
  readonly isReplaced?: boolean;
  /**
   * @param isReplaced a successor answers: connections are kept until they have asked once more, as far as `DRAIN_MS` allows, so
   *                   that no question meets an end
   */
  close(isReplaced?: boolean): Promise<void>;
}

/** A server is made with this. */
export interface ServerContext extends StreamContext {
  /** For questions of proxies beside decisions, such as leases. */
  readonly rollout: Rollout;
}

/** A kind of server. Its file exports one of these, and `list.ts` names it. */
export interface ServerKind {
  readonly name: string;
  /** The flags that belong to it. */
  readonly options: readonly Option<unknown>[];
  /** The end of its replies, if it does not change between two of the same location. */
  readonly tail?: TailEncoder;
  /** Where the settings want it; nowhere where it is off. */
  addresses(settings: Pick<Settings, "get">): readonly Address[];
  /** One server for each of these addresses. */
  create(settings: Settings, context: ServerContext): Server[];
}
