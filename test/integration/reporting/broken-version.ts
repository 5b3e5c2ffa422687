/** A version that does not answer as HTTP wants it, in place of a sound one. */

import { chmodSync, rmSync } from "node:fs";
import type { Socket } from "bun";
import type { Upstream } from "../../support/upstream.ts";

/**
 * `closes`: takes the request, and ends the connection without an answer.
 * `cuts`: begins an answer, and ends the connection in the middle of it.
 * `hangs`: takes the request, and never answers.
 */
export type Break = "closes" | "cuts" | "hangs";

const HALF_AN_ANSWER = `HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n${"x".repeat(20_000)}`;

/** @param at the socket's path, or the port */
export function startBrokenVersion(how: Break, at: string | number): Upstream {
  const socket = {
    data: (client: Socket) => {
      if (how === "cuts") client.write(HALF_AN_ANSWER);
      if (how !== "hangs") client.end();
    },
  };
  const server =
    typeof at === "number"
      ? Bun.listen({ hostname: "127.0.0.1", port: at, socket })
      : Bun.listen({ unix: at, socket });
  if (typeof at === "string") chmodSync(at, 0o666);
  return {
    stop() {
      server.stop(true);
      if (typeof at === "string") rmSync(at, { force: true });
    },
  };
}
