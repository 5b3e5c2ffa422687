/**
 * Decisions over HTTP, for nginx `auth_request`, Envoy `ext_authz`, Caddy `forward_auth` and applications
 * (docs/protocol/http.md).
 *
 *     any method, /decide or below; maxwellsdaemon: 0.42, or a cookie of that name
 *     → 200, no body, maxwellsdaemon: 0.42, maxwellsdaemon-location: canary
 *
 * The status is 200 whatever is asked, since every one of these proxies makes an error page of anything else.
 */

import { Problem } from "../config/option.ts";
import { type Address, addressText, parseAddress, parseHostPort, single } from "../config/values.ts";
import type { Pages } from "./http/reply.ts";
import { HttpConnection, HttpShared } from "./http-connection.ts";
import { idleTimeout, socketMode } from "./line.ts";
import type { ServerContext, ServerKind } from "./server.ts";
import type { StreamSocket } from "./stream-connection.ts";
import { StreamServer } from "./stream-server.ts";

/**
 * Proxies keep idle connections for 60 s (nginx's `keepalive_timeout`); the side that closes first loses a race now and then,
 * so this side waits for longer.
 */
const IDLE_MIN_MS = 75_000;

export const httpListen = single<Address | null>(
  {
    name: "http",
    placeholder: "ADDRESS",
    summary: "a listener that answers /decide over HTTP: HOST:PORT, unix:PATH, or none",
    defaultText: "none",
  },
  (text) => {
    if (text === "none") return null;
    const hostPort = parseHostPort(text);
    const address: Address | Problem =
      hostPort instanceof Problem ? parseAddress(text) : { kind: "tcp", ...hostPort };
    if (address instanceof Problem || address.kind === "fd") {
      return new Problem("write HOST:PORT, unix:PATH or none, such as 127.0.0.1:6294");
    }
    return address;
  },
);

export const http: ServerKind = {
  name: "http",
  options: [httpListen],
  addresses(settings) {
    const address = settings.get(httpListen);
    return address === null ? [] : [address];
  },
  create(settings, context) {
    return this.addresses(settings).map(
      (address) =>
        new HttpServer(context, {
          address,
          socketMode: settings.get(socketMode),
          idleTimeoutMs: settings.get(idleTimeout),
        }),
    );
  },
};

export interface HttpServerOptions {
  /** Its name in metrics and logs, where it is not `http`. */
  readonly protocol?: string;
  readonly address: Address;
  readonly socketMode: number;
  readonly idleTimeoutMs: number;
  /** What is served beside `/decide`; nothing by default. */
  readonly pages?: Pages;
}

export class HttpServer extends StreamServer {
  readonly #shared: HttpShared;

  constructor(context: ServerContext, options: HttpServerOptions) {
    const { protocol = "http", address, socketMode, idleTimeoutMs, pages = () => undefined } = options;
    const counts = context.metrics.server(`${protocol} ${addressText(address)}`);
    const shared = new HttpShared(context, counts, pages);
    super(shared, { address, socketMode, silenceMs: Math.max(IDLE_MIN_MS, idleTimeoutMs) });
    this.#shared = shared;
  }

  protected connection(socket: StreamSocket, nowMs: number): HttpConnection {
    return new HttpConnection(this.#shared, socket, nowMs);
  }
}
