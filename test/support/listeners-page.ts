/** A program that answers at an admin listener's address with one body for all paths. */

import type { HostPort } from "../../src/address.ts";

export function serve(body: string): { readonly address: HostPort } & AsyncDisposable {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(body) });
  return {
    address: { host: "127.0.0.1", port: server.port ?? 0 },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
