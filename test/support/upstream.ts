/**
 * A version of an application, for tests of proxies. It answers with its name and the request that it got.
 */

import { chmodSync, rmSync } from "node:fs";

/** A request as an upstream saw it, which is its answer in JSON. */
export interface Seen {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Upstream {
  stop(): void;
}

/**
 * Serves on a unix socket, or on a port of loopback; WebSockets get back what they say, with the name in
 * front, until they say `end`.
 *
 * @param at the socket's path, or the port
 */
export function startUpstream(name: string, at: string | number): Upstream {
  const server = Bun.serve({
    ...(typeof at === "number" ? { hostname: "127.0.0.1", port: at } : { unix: at }),
    async fetch(request, self) {
      if (self.upgrade(request, { data: undefined })) return undefined;
      // A version that thinks for so long.
      const waitMs = request.headers.get("x-wait-ms");
      if (waitMs !== null) await Bun.sleep(Number(waitMs));
      const seen: Seen = { name, headers: request.headers.toJSON(), body: await request.text() };
      const headers = new Headers();
      const cookie = request.headers.get("x-set-cookie");
      if (cookie !== null) headers.set("set-cookie", cookie);
      const cacheControl = request.headers.get("x-cache-control");
      if (cacheControl !== null) headers.set("cache-control", cacheControl);
      // The status that the visitor wants of this version, or else of any.
      const wanted = request.headers.get(`x-${name}-status`) ?? request.headers.get("x-status");
      const status = Number(wanted ?? 200);
      if (status >= 300 && status < 400) headers.set("location", "/elsewhere");
      return Response.json(seen, { status, headers });
    },
    websocket: {
      message(socket, message) {
        if (message === "end") socket.close();
        else socket.send(`${name}: ${message}`);
      },
    },
  });
  // A proxy's workers may run as another user.
  if (typeof at === "string") chmodSync(at, 0o666);
  return {
    stop() {
      void server.stop(true);
      if (typeof at === "string") rmSync(at, { force: true });
    },
  };
}
