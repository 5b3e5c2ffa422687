/**
 * Decisions for HAProxy's stream processing offload engine: the daemon as its agent (docs/protocol/spop.md). What happens
 * on a connection is in `spop-connection.ts`.
 */

import { Problem } from "../config/option.ts";
import { type Address, addressText, parseAddress, parseHostPort, single } from "../config/values.ts";
import { idleTimeout, socketMode } from "./line.ts";
import type { ServerContext, ServerKind } from "./server.ts";
import { SpopConnection, SpopShared } from "./spop-connection.ts";
import type { StreamSocket } from "./stream-connection.ts";
import { StreamServer } from "./stream-server.ts";

/** HAProxy closes idle connections by its own `timeout idle`; the side that closes first loses a race, so this side waits longer. */
const IDLE_MIN_MS = 150_000;

export const spopListen = single<Address | null>(
  {
    name: "spop",
    placeholder: "ADDRESS",
    summary: "a listener for HAProxy's SPOE: HOST:PORT, unix:PATH, or none",
    defaultText: "none",
  },
  (text) => {
    if (text === "none") return null;
    const hostPort = parseHostPort(text);
    const address: Address | Problem =
      hostPort instanceof Problem ? parseAddress(text) : { kind: "tcp", ...hostPort };
    if (address instanceof Problem || address.kind === "fd") {
      return new Problem("write HOST:PORT, unix:PATH or none, such as 127.0.0.1:6295");
    }
    return address;
  },
);

export const spop: ServerKind = {
  name: "spop",
  options: [spopListen],
  addresses(settings) {
    const address = settings.get(spopListen);
    return address === null ? [] : [address];
  },
  create(settings, context) {
    return this.addresses(settings).map(
      (address) =>
        new SpopServer(context, {
          address,
          socketMode: settings.get(socketMode),
          idleTimeoutMs: settings.get(idleTimeout),
        }),
    );
  },
};

export interface SpopServerOptions {
  readonly address: Address;
  readonly socketMode: number;
  readonly idleTimeoutMs: number;
}

export class SpopServer extends StreamServer {
  readonly #shared: SpopShared;

  constructor(context: ServerContext, { address, socketMode, idleTimeoutMs }: SpopServerOptions) {
    const counts = context.metrics.server(`spop ${addressText(address)}`);
    const shared = new SpopShared(context, counts);
    super(shared, { address, socketMode, silenceMs: Math.max(IDLE_MIN_MS, idleTimeoutMs) });
    this.#shared = shared;
  }

  protected connection(socket: StreamSocket, nowMs: number): SpopConnection {
    return new SpopConnection(this.#shared, socket, nowMs);
  }
}
