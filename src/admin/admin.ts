/**
 * The admin listener: what the daemon says of itself, over HTTP on loopback.
 *
 *     /healthz   the process runs
 *     /readyz    a snapshot of every application has been applied (law 7)
 *     /metrics   for Prometheus
 *     /state     everything, as JSON; what `maxwells-daemon status` prints
 *
 * Read-only. It shares the event loop with the servers, so what it does stays small, and it is nobody's job to make it
 * fast.
 */

import type { Server as BunServer } from "bun";
import { type HostPort, hostPortText, orNone, parseHostPort, single } from "../config/values.ts";
import type { Monitor } from "../monitors/monitor.ts";

export const admin = single<HostPort | null>(
  {
    name: "admin",
    placeholder: "HOST:PORT",
    summary: "the admin listener: /healthz, /readyz, /metrics, /state; or none",
    defaultText: "127.0.0.1:6293",
  },
  orNone(parseHostPort),
);

export interface AdminOptions {
  readonly address: HostPort;
  readonly isReady: () => boolean;
  /** `/state` as JSON, in parts. */
  readonly state: () => AsyncIterable<string>;
  /** Pages of monitors that are fetched; the first one is served at `/metrics`. */
  readonly monitors: readonly Monitor[];
}

export class Admin {
  readonly #options: AdminOptions;
  #listener: BunServer<undefined> | undefined;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /** Where it listens, once it does. */
  get name(): string {
    const { host, port } = this.#options.address;
    return `http://${hostPortText({ host, port: this.#listener?.port ?? port })}`;
  }

  /** Rejects where it cannot listen. */
  async start(): Promise<void> {
    const { address, isReady, state, monitors } = this.#options;
    const page = monitors.find((monitor) => monitor.page !== undefined)?.page;
    this.#listener = Bun.serve({
      hostname: address.host,
      port: address.port,
      development: false,
      // With development off Bun shares the port with whoever has it, and each would get half of the questions.
      reusePort: false,
      routes: {
        "/healthz": () => new Response("ok\n"),
        "/readyz": () =>
          isReady()
            ? new Response("ready\n")
            : new Response("not ready: no snapshot of every application has been applied yet\n", {
                status: 503,
              }),
        "/metrics": async () =>
          page === undefined
            ? new Response("no monitor has a page\n", { status: 404 })
            : new Response((await Array.fromAsync(page.chunks())).join(""), {
                headers: { "content-type": page.contentType },
              }),
        "/state": async () =>
          new Response((await Array.fromAsync(state())).join(""), {
            headers: { "content-type": "application/json" },
          }),
      },
      fetch: () => new Response("there are /healthz, /readyz, /metrics and /state\n", { status: 404 }),
      error: (error) => new Response(`${error.message}\n`, { status: 500 }),
    });
  }

  async close(): Promise<void> {
    await this.#listener?.stop(true);
  }
}
