/**
 * The admin listener: pages on which the daemon tells of itself, over HTTP on loopback (`pages.ts`).
 *
 * Read-only. It shares the event loop with the servers and has limits of its own, so that no number of clients here takes a
 * descriptor, much memory or much time from visitors. It does not have to be fast.
 */

import { Problem } from "../config/option.ts";
import {
  type Address,
  type HostPort,
  hostPortText,
  orNone,
  parseHostPort,
  repeatable,
  single,
} from "../config/values.ts";
import { emptyServerCounts } from "../metrics.ts";
import type { ServerContext } from "../servers/server.ts";
import { Connections } from "../stream/connections.ts";
import type { StreamSocket } from "../stream/stream-connection.ts";
import { StreamServer } from "../stream/stream-server.ts";
import { WaitingBytes } from "../stream/waiting.ts";
import { AdminConnection, AdminShared } from "./admin-connection.ts";
import { type PageSources, pagesOf } from "./pages.ts";

export const admin = single<HostPort | null>(
  {
    name: "admin",
    placeholder: "HOST:PORT",
    summary: "the admin listener: /healthz, /readyz, /metrics, /state, /listeners; or none",
    defaultText: "127.0.0.1:6293",
  },
  orNone(parseHostPort),
);

export const adminHost = repeatable<string>(
  {
    name: "admin-host",
    placeholder: "NAME",
    summary: "a name that the admin listener may be called by, beside its addresses and localhost",
    absent: [],
  },
  (text) =>
    /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)
      ? text
      : new Problem("write the name of a host, without a port, such as web1.example.com"),
);

/** Connections to the admin listener. A scraper, a supervisor and some people need a handful. */
export const ADMIN_CONNECTIONS_MAX = 32;

/** So much may wait for clients of the admin listener. */
const ADMIN_WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** A client that neither asks nor reads is cut off after this. */
const SILENCE_MS_MAX = 5_000;

export interface AdminOptions extends PageSources {
  readonly address: HostPort;
  readonly hosts: readonly string[];
}

export class Admin extends StreamServer {
  readonly #shared: AdminShared;
  readonly #address: HostPort;

  constructor(context: Omit<ServerContext, "connections">, options: AdminOptions) {
    const { address, hosts } = options;
    const listening: Address = { kind: "tcp", ...address };
    const shared = new AdminShared(
      { ...context, connections: new Connections({ max: ADMIN_CONNECTIONS_MAX }) },
      emptyServerCounts({ protocol: "admin", address: listening, listens: true, leasesTo: null }),
      {
        pages: pagesOf(options),
        hosts: [...hosts, address.host],
        waiting: new WaitingBytes(ADMIN_WAITING_BYTES_MAX),
      },
    );
    super(shared, { address: listening, socketMode: 0, silenceMs: SILENCE_MS_MAX, isPrompt: true });
    this.#shared = shared;
    this.#address = address;
  }

  /** Where it listens, once it does. */
  get url(): string {
    const { host, port } = this.#address;
    return `http://${hostPortText({ host, port: this.port ?? port })}`;
  }

  protected connection(socket: StreamSocket, nowMs: number): AdminConnection {
    return new AdminConnection(this.#shared, socket, nowMs);
  }
}
