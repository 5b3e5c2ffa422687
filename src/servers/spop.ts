/**
 * Decisions for HAProxy's stream processing offload engine: the daemon is its agent (docs/protocol/spop.md).
 * `spop/connection.ts` reads and answers on one connection.
 */

import type { StreamSocket } from "../stream/stream-connection.ts";
import { StreamServer } from "../stream/stream-server.ts";
import { type ListenerOptions, listener, listenerKind } from "./listener-options.ts";
import type { Server, ServerContext } from "./server.ts";
import { SpopConnection, SpopShared } from "./spop/connection.ts";

/**
 * HAProxy closes idle connections after its own `timeout idle`. The side that closes first may close on a
 * request that is under way, so the daemon waits longer.
 */
const IDLE_MIN_MS = 150_000;

export const spopListen = listener(
  "spop",
  "a listener for HAProxy's SPOE: HOST:PORT, unix:PATH, or none",
  "127.0.0.1:6295",
);

export const spop = listenerKind(spopListen, (context, options) => new SpopServer(context, options));

export class SpopServer extends StreamServer implements Server {
  readonly #shared: SpopShared;

  constructor(context: ServerContext, { address, socketMode, idleTimeoutMs }: ListenerOptions) {
    const counts = context.metrics.server({ protocol: "spop", address, listens: true, leasesTo: null });
    const shared = new SpopShared(context, counts);
    super(shared, { address, socketMode, silenceMs: Math.max(IDLE_MIN_MS, idleTimeoutMs) });
    this.#shared = shared;
  }

  protected connection(socket: StreamSocket, nowMs: number): SpopConnection {
    return new SpopConnection(this.#shared, socket, nowMs);
  }
}
