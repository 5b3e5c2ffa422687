/**
 * Decisions over HTTP, for nginx `auth_request`, Envoy `ext_authz`, Caddy `forward_auth` and applications
 * (docs/protocol/http.md). Applications with an OpenFeature SDK ask for flags (docs/protocol/ofrep.md).
 *
 *     any method, /decide or below; maxwellsdaemon: 0.42, or a cookie of that name
 *     → 200, no body, maxwellsdaemon: 0.42, maxwellsdaemon-location: canary
 *
 * The status of every decision is 200, because all these proxies turn any other status into an error page.
 */

import type { StreamSocket } from "../stream/stream-connection.ts";
import { StreamServer } from "../stream/stream-server.ts";
import { HttpConnection, HttpShared } from "./http/connection.ts";
import { httpTail, type Pages } from "./http/reply.ts";
import { type ListenerOptions, listener, listenerKind } from "./listener-options.ts";
import type { Server, ServerContext, ServerKind } from "./server.ts";

/**
 * Proxies keep idle connections for 60 s (nginx's `keepalive_timeout`). The side that closes first now and
 * then closes on a request that is under way, so the daemon waits longer than the proxies.
 */
const IDLE_MIN_MS = 75_000;

export const httpListen = listener(
  "http",
  "a listener that answers /decide and OpenFeature over HTTP: HOST:PORT, unix:PATH, or none",
  "127.0.0.1:6294",
);

export const http: ServerKind = {
  ...listenerKind(httpListen, (context, options) => new HttpServer(context, { ...options, hasFlags: true })),
  tail: httpTail,
};

export interface HttpServerOptions extends ListenerOptions {
  /** Its name in metrics and in the log; `http` by default. */
  readonly protocol?: string;
  /** The proxy that decides by itself under a lease of this server; none by default. */
  readonly leasesTo?: string;
  /** Pages beside `/decide`; none by default. */
  readonly pages?: Pages;
  /** Whether it evaluates flags, too (docs/protocol/ofrep.md); not by default. */
  readonly hasFlags?: boolean;
}

export class HttpServer extends StreamServer implements Server {
  readonly #shared: HttpShared;

  constructor(context: ServerContext, options: HttpServerOptions) {
    const { protocol = "http", leasesTo = null, pages = () => undefined, hasFlags = false } = options;
    const { address, socketMode, idleTimeoutMs } = options;
    const counts = context.metrics.server({ protocol, address, listens: true, leasesTo });
    const shared = new HttpShared(context, counts, { pages, hasFlags });
    super(shared, { address, socketMode, silenceMs: Math.max(IDLE_MIN_MS, idleTimeoutMs) });
    this.#shared = shared;
  }

  protected connection(socket: StreamSocket, nowMs: number): HttpConnection {
    return new HttpConnection(this.#shared, socket, nowMs);
  }
}
