/** What waits for clients is summed over all connections of a listener, and whoever goes takes its part off the sum (law 5). */

import { describe, expect, test } from "bun:test";
import { HttpConnection, HttpShared } from "../../src/servers/http-connection.ts";
import { LineConnection, LineShared } from "../../src/servers/line-connection.ts";
import type { StreamConnection, StreamShared, StreamSocket } from "../../src/servers/stream-connection.ts";
import { createCore } from "../support/core.ts";

/** What other connections keep: one byte more than this is too much. */
const OTHERS_BYTES = 16 * 1024 * 1024;

/** A socket whose kernel takes everything until it is gone. */
function socket(): StreamSocket {
  let isGone = false;
  return {
    write: (_: Uint8Array, __: number, length: number) => (isGone ? -1 : length),
    terminate() {
      isGone = true;
    },
    end() {},
    pause() {},
    resume() {},
  } as unknown as StreamSocket;
}

function line(): { shared: StreamShared; connection: StreamConnection } {
  const core = createCore();
  const shared = new LineShared(core, core.metrics.server("line"), false);
  return { shared, connection: new LineConnection(shared, socket(), 0) };
}

function http(): { shared: StreamShared; connection: StreamConnection } {
  const core = createCore();
  const shared = new HttpShared(core, core.metrics.server("http"), () => undefined);
  return { shared, connection: new HttpConnection(shared, socket(), 0) };
}

describe("what waits", () => {
  test.each([
    ["a line", line, ["0.", `${"5".repeat(80)}\n${"0".repeat(8_000)}`]],
    ["a line", line, ["0.", `5\n0.5\n${"0".repeat(8_000)}`]],
    ["a line", line, [`0.5\n${"0".repeat(8_000)}`]],
    ["a head", http, ["GET /decide HTTP/1.1\r\n", `a: ${"b".repeat(8_000)}\r\n\r\nGET /dec`]],
    ["a head", http, [`GET /decide HTTP/1.1\r\n\r\nGET /${"a".repeat(8_000)}`]],
  ] as const)("of %s is forgotten with who is cut off in its middle", (_, create, [first, ...more]) => {
    const { shared, connection } = create();
    connection.receive(Buffer.from(first));
    const own = shared.waitingBytes;
    shared.waitingBytes += OTHERS_BYTES - own;
    for (const chunk of more) connection.receive(Buffer.from(chunk));
    if (more.length === 0) connection.terminate();
    expect(connection.isClosing).toBeTrue();
    expect(shared.waitingBytes).toBe(OTHERS_BYTES - own);
    connection.receive(Buffer.from("0.5\n0."));
    expect(shared.waitingBytes).toBe(OTHERS_BYTES - own);
  });

  test("is nothing for empty lines before a head, however many there are", () => {
    const { shared, connection } = http();
    for (let i = 0; i < 1_000; i++) connection.receive(Buffer.from("\r\n".repeat(20)));
    expect(shared.waitingBytes).toBe(0);
    connection.receive(Buffer.from("\r"));
    for (let i = 0; i < 1_000; i++) connection.receive(Buffer.from("\n\r"));
    expect(shared.waitingBytes).toBeLessThan(100);
    connection.receive(Buffer.from("\nGET /decide HTTP/1.1\r\n\r\n"));
    expect([shared.counts.success, shared.waitingBytes]).toEqual([1, 0]);
  });
});
