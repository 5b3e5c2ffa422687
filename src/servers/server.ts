/**
 * The contract of a server: a listener at which proxies ask over one protocol. A proxy that decides by itself
 * has a lease instead (`leases/lease.ts`).
 *
 * The life of a server:
 *
 * 1. `prepare` tries whether the server can listen, and takes the address from no other daemon.
 * 2. `start` opens the listener, and resolves when it accepts. From then on each request is answered by one
 *    synchronous call of the handler.
 * 3. `close` stops accepting, and answers the requests that have arrived. It resolves when every connection
 *    is gone, or after `DRAIN_MS` at the latest.
 *
 * `prepare` and `start` reject if the server cannot listen. Nothing else of a server throws, whatever its
 * clients do (law 5).
 *
 * A protocol does not implement this by itself. It extends three classes of `stream/`, which have the
 * listener, the limits and the end of connections:
 *
 * - `StreamServer`, one for each address. Its constructor takes the counts from `metrics.server`, and passes
 *   a `StreamShared` and the time limit for silent connections to `super`. `connection` makes a connection.
 * - `StreamShared`: what all connections of a listener share. It has the buffer for answers, `out`, of
 *   `OUT_BYTES`; the one `request` and the one `decision`; the `turn`. The protocol adds its own buffers.
 * - `StreamConnection`: the grammar. Nearly all the work is here, in `consume`.
 *
 * The calls, in their order:
 *
 * 1. `consume` gets each chunk of bytes. If `partLength` is above 0, an earlier chunk ended within a request.
 *    `keepPart` adds the chunk, or the request's end, to that part. Once the request is complete: `part` has
 *    its bytes, `dropPart` forgets them, and `ended` stops the clock of slow requests. The protocol limits
 *    the length of a part.
 * 2. For each complete request: the handler's `decide`, and then the answer goes into `out`.
 * 3. `turn.lookAtClock` after each `LOOK_BYTES`. `flush` when the longest answer might no longer fit in
 *    `out`, or when the turn is over. If `flush` returns false, `consume` ends its loop: the rest of the chunk
 *    waits, and is the next chunk of `consume`.
 * 4. At the end of the chunk: `keepPart` with the beginning of a request; `flush` with the last answers;
 *    `shared.answered` with the number of answers; `endWhenAnswered` if the protocol ends the connection.
 * 5. `isMidway` is asked after each chunk, and in between. It is true within a request of which no byte is
 *    kept, such as one with a body that is skipped. `ended` is called at the end of such a request, too.
 * 6. `allSent` is called when the kernel has taken all bytes that had to wait.
 *
 * `http.ts` and `http/connection.ts` are the shortest example.
 */

import type { Address } from "../address.ts";
import type { Option, Settings } from "../config/option.ts";
import type { Intake } from "../intake/intake.ts";
import type { TailEncoder } from "../placement.ts";
import type { Rollout } from "../rollout.ts";
import type { StreamContext } from "../stream/stream-context.ts";

export interface Server {
  /** The protocol and the address: `line unix:/tmp/maxwells-daemon.sock`. */
  readonly name: string;
  /** Why no proxy can connect now, in words; undefined if proxies can. */
  readonly trouble: string | undefined;
  /**
   * Tries whether `start` can listen; rejects if it cannot.
   *
   * @param predecessorHas whether the daemon that this one replaces has a server of this name, so that both
   *                       may share the address
   */
  prepare(predecessorHas: (name: string) => Promise<boolean>): Promise<void>;
  start(): Promise<void>;
  /** Whether another daemon has taken over the address. Absent if the server cannot see that. */
  readonly isReplaced?: boolean;
  /**
   * @param isReplaced a successor answers new connections. Each old connection is kept until it has asked
   *                   once more, as far as `DRAIN_MS` allows, so that none is closed while a request is under
   *                   way
   */
  close(isReplaced?: boolean): Promise<void>;
}

/** The parts that a server is made with. */
export interface ServerContext extends StreamContext {
  /** For the questions of proxies beside decisions, such as `?lease`. */
  readonly rollout: Rollout;
  /** For the outcomes that a proxy reports. */
  readonly intake: Intake;
}

/** A kind of server. Its file exports one of these, and `list.ts` names it. */
export interface ServerKind {
  readonly name: string;
  /** The flags that belong to it. */
  readonly options: readonly Option<unknown>[];
  /** Writes the end of its replies, if all replies with the same location have the same end. */
  readonly tail?: TailEncoder;
  /** The addresses in the settings; empty if this kind is off. */
  addresses(settings: Pick<Settings, "get">): readonly Address[];
  /** One server for each of these addresses. */
  create(settings: Settings, context: ServerContext): Server[];
}
