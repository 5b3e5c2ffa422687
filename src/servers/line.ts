/**
 * The line protocol over unix and TCP sockets (docs/protocol/line.md): the default server, and the fastest. What happens
 * on a connection is in `line-connection.ts`.
 */

import { Problem } from "../config/option.ts";
import {
  type Address,
  orNone,
  parseAddress,
  parseDuration,
  parseMode,
  repeatable,
  single,
  unixAddress,
} from "../config/values.ts";
import { LineConnection, LineShared } from "./line-connection.ts";
import { listenerText } from "./passed-socket.ts";
import { DRAIN_MS, type ServerContext, type ServerKind } from "./server.ts";
import type { StreamSocket } from "./stream-connection.ts";
import { StreamServer } from "./stream-server.ts";

const IDLE_TIMEOUT_MS_MAX = 86_400_000;

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
    summary: "one more listener of the line protocol: unix:PATH, tcp:HOST:PORT, or fd:3 as systemd passes it",
    absent: [],
  },
  parseAddress,
);

export const socketMode = single(
  {
    name: "socket-mode",
    placeholder: "MODE",
    summary: "who may connect to unix sockets, in octal",
    defaultText: "0666",
  },
  parseMode,
);

export const idleTimeout = single(
  {
    name: "idle-timeout",
    placeholder: "DURATION",
    summary: "when a silent connection is closed; 0 closes after each reply, as in 2016",
    defaultText: "60s",
  },
  (text) => {
    const timeoutMs = parseDuration(text);
    return typeof timeoutMs === "number" && timeoutMs > IDLE_TIMEOUT_MS_MAX
      ? new Problem("write a duration of at most 24h")
      : timeoutMs;
  },
);

export const line: ServerKind = {
  name: "line",
  options: [socket, listen, socketMode, idleTimeout],
  addresses(settings) {
    const first = settings.get(socket);
    return first === null ? settings.get(listen) : [first, ...settings.get(listen)];
  },
  create(settings, context) {
    return this.addresses(settings).map(
      (address) =>
        new LineServer(context, {
          address,
          socketMode: settings.get(socketMode),
          idleTimeoutMs: settings.get(idleTimeout),
        }),
    );
  },
};

export interface LineServerOptions {
  readonly address: Address;
  readonly socketMode: number;
  /** 0: a connection ends with its first reply. */
  readonly idleTimeoutMs: number;
}

export class LineServer extends StreamServer {
  readonly #shared: LineShared;

  constructor(context: ServerContext, { address, socketMode, idleTimeoutMs }: LineServerOptions) {
    const counts = context.metrics.server(`line ${listenerText(address)}`);
    const shared = new LineShared(context, counts, idleTimeoutMs === 0);
    super(shared, { address, socketMode, silenceMs: idleTimeoutMs || DRAIN_MS });
    this.#shared = shared;
  }

  protected connection(socket: StreamSocket, nowMs: number): LineConnection {
    return new LineConnection(this.#shared, socket, nowMs);
  }
}
