/**
 * The admin listener: read-only pages about the daemon, over HTTP on loopback (`pages.ts`).
 *
 * It shares the event loop with the servers, so it has limits of its own. However many clients it has,
 * visitors lose neither descriptors nor much memory or time. It does not have to be fast.
 */

import { type Address, type HostPort, hostPortText } from "../address.ts";
import { Problem } from "../config/option.ts";
import { orNone, parseHostPort, repeatable, single } from "../config/values.ts";
import { emptyServerCounts } from "../metrics.ts";
import type { ServerContext } from "../servers/server.ts";
import { Connections, descriptorsMax } from "../stream/connections.ts";
import type { StreamSocket } from "../stream/stream-connection.ts";
import { StreamServer } from "../stream/stream-server.ts";
import { WaitingBytes } from "../stream/waiting.ts";
import { AdminConnection, AdminShared, STREAMS_MAX } from "./admin-connection.ts";
import { type PageSources, pagesOf } from "./pages.ts";

export const admin = single<HostPort | null>(
  {
    name: "admin",
    placeholder: "HOST:PORT",
    summary:
      "the admin listener: the page for browsers, /healthz, /readyz, /metrics, /state, /listeners, /probes; or none",
    defaultText: "127.0.0.1:6293",
  },
  orNone(parseHostPort),
);

export const adminHost = repeatable<string>(
  {
    name: "admin-host",
    placeholder: "NAME",
    summary: "a host name that the admin listener accepts, besides its addresses and localhost",
    absent: [],
  },
  (text) =>
    /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)
      ? text
      : new Problem("write the name of a host, without a port, such as web1.example.com"),
);

/**
 * Connections to the admin listener: a stream for each open page, and some for scrapers, supervisors and
 * operators. If the process may open few files, there are fewer, because visitors need them.
 */
export const ADMIN_CONNECTIONS_MAX = 128;
const ADMIN_CONNECTIONS_MIN = 32;

/** The connections of the admin listener of this process. */
export function adminConnectionsMax(): number {
  return descriptorsMax() < FEW_DESCRIPTORS ? ADMIN_CONNECTIONS_MIN : ADMIN_CONNECTIONS_MAX;
}

/** A service of systemd has more, and a shell has as many. */
const FEW_DESCRIPTORS = 1_024;

/** Bytes of answers that may wait for clients of the admin listener. */
const ADMIN_WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** The daemon closes the connection of a client that neither asks nor reads for this long. */
const SILENCE_MS_MAX = 5_000;

export interface AdminOptions extends PageSources {
  readonly address: HostPort;
  readonly hosts: readonly string[];
}

/**
 * The name in the log and in `/listeners`. Unlike the names of servers it has no `tcp:`, because version 3.0
 * has this name: a daemon takes over from another version only if both have the same names.
 */
function adminName(address: HostPort): string {
  return `admin ${hostPortText(address)}`;
}

export class Admin extends StreamServer {
  readonly #shared: AdminShared;
  readonly #address: HostPort;

  constructor(context: Omit<ServerContext, "connections">, options: AdminOptions) {
    const { address, hosts } = options;
    const listening: Address = { kind: "tcp", ...address };
    const max = adminConnectionsMax();
    const shared = new AdminShared(
      { ...context, connections: new Connections({ max }) },
      {
        ...emptyServerCounts({ protocol: "admin", address: listening, listens: true, leasesTo: null }),
        name: adminName(address),
      },
      {
        pages: pagesOf(options),
        hosts: [...hosts, address.host],
        waiting: new WaitingBytes(ADMIN_WAITING_BYTES_MAX),
        streamsMax: Math.min(STREAMS_MAX, Math.floor(max / 2)),
      },
    );
    super(shared, { address: listening, socketMode: 0, silenceMs: SILENCE_MS_MAX, isPrompt: true });
    this.#shared = shared;
    this.#address = address;
  }

  /** The URL of the listener, once it listens. */
  get url(): string {
    const { host, port } = this.#address;
    return `http://${hostPortText({ host, port: this.port ?? port })}`;
  }

  protected connection(socket: StreamSocket, nowMs: number): AdminConnection {
    return new AdminConnection(this.#shared, socket, nowMs);
  }
}
