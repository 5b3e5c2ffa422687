/**
 * The line protocol over unix and TCP sockets (docs/protocol/line.md): the default server, and the fastest.
 * `line/connection.ts` reads and answers on one connection.
 */

import type { Address } from "../address.ts";
import { orNone, parseAddress, repeatable, single, unixAddress } from "../config/values.ts";
import { boundAddress } from "../stream/passed-socket.ts";
import type { StreamSocket } from "../stream/stream-connection.ts";
import { DRAIN_MS } from "../stream/stream-context.ts";
import { StreamServer } from "../stream/stream-server.ts";
import { lineTail } from "./line/codec.ts";
import { LineConnection, LineShared } from "./line/connection.ts";
import { idleTimeout, type ListenerOptions, listenerOptions, socketMode } from "./listener-options.ts";
import type { Server, ServerContext, ServerKind } from "./server.ts";

export const socket = single<Address | null>(
  {
    name: "socket",
    placeholder: "PATH",
    summary: "the unix socket of the line protocol, or none",
    defaultText: "/tmp/maxwells-daemon.sock",
  },
  orNone(unixAddress),
);

export const listen = repeatable<Address>(
  {
    name: "listen",
    placeholder: "ADDRESS",
    summary:
      "one more listener of the line protocol: unix:PATH, tcp:HOST:PORT, or fd:3 for a socket from systemd",
    absent: [],
  },
  parseAddress,
);

export const line: ServerKind = {
  name: "line",
  tail: lineTail,
  options: [socket, listen, socketMode, idleTimeout],
  addresses(settings) {
    const first = settings.get(socket);
    return first === null ? settings.get(listen) : [first, ...settings.get(listen)];
  },
  create(settings, context) {
    return this.addresses(settings).map(
      (address) => new LineServer(context, listenerOptions(settings, address)),
    );
  },
};

export class LineServer extends StreamServer implements Server {
  readonly #shared: LineShared;

  constructor(context: ServerContext, { address, socketMode, idleTimeoutMs }: ListenerOptions) {
    const counts = context.metrics.server({
      protocol: "line",
      address: boundAddress(address),
      listens: true,
      leasesTo: null,
    });
    // With an idle timeout of 0 a connection ends after its first reply.
    const shared = new LineShared(context, counts, idleTimeoutMs === 0);
    super(shared, { address, socketMode, silenceMs: idleTimeoutMs || DRAIN_MS });
    this.#shared = shared;
  }

  protected connection(socket: StreamSocket, nowMs: number): LineConnection {
    return new LineConnection(this.#shared, socket, nowMs);
  }
}
