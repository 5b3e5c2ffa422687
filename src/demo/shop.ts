/** A small shop: one server of one version. It listens on a free port of loopback. */

import { type CanaryKind, fateOf, SLOW_MS } from "./canaries.ts";

/** Says which version has made a reply. */
export const VERSION_HEADER = "shop-version";

/** Proxies keep idle connections for a while, so the server does not close them first. In seconds. */
const IDLE_TIMEOUT_S = 120;

/** A visitor's browser asks again after this time, in seconds. */
const RELOAD_S = 2;

export class Shop {
  readonly #kind: CanaryKind;
  readonly #server: Bun.Server<undefined>;
  #version: number;

  /** @param kind the behaviour of the version */
  constructor(version: number, kind: CanaryKind) {
    this.#version = version;
    this.#kind = kind;
    this.#server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0, idleTimeout: IDLE_TIMEOUT_S },
      fetch: (request) => this.#serve(request.headers.get("maxwellsdaemon")),
    });
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** From now on the server runs this version. */
  deploy(version: number): void {
    this.#version = version;
  }

  /** Ends it at once, as a crash does: connections break, and new ones are refused. */
  async crash(): Promise<void> {
    await this.#server.stop(true);
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  async #serve(assignment: string | null): Promise<Response> {
    const fate = fateOf(this.#kind, assignment);
    if (fate === "delayed") await Bun.sleep(SLOW_MS);
    const headers = {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-store",
      [VERSION_HEADER]: String(this.#version),
    };
    const status = fate === "failed" ? 500 : 200;
    return new Response(pageOf(this.#version, fate === "failed"), { status, headers });
  }
}

function pageOf(version: number, isBroken: boolean): string {
  const text = isBroken ? "It is broken for you." : "It serves you.";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="${RELOAD_S}">
<title>The shop, version ${version}</title>
<h1>The shop, version ${version}</h1>
<p>${text}</p>
</html>
`;
}
