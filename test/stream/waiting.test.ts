/**
 * The bytes that wait are summed over all connections of a listener. When a client goes, its bytes leave the
 * sum (law 5).
 */

import { describe, expect, test } from "bun:test";
import { HttpConnection, HttpShared } from "../../src/servers/http/connection.ts";
import { LineConnection, LineShared } from "../../src/servers/line/connection.ts";
import type { StreamConnection, StreamSocket } from "../../src/stream/stream-connection.ts";
import type { StreamShared } from "../../src/stream/stream-shared.ts";
import { WaitingBytes } from "../../src/stream/waiting.ts";
import { createCore } from "../support/core.ts";
import { processorMs } from "../support/processor.ts";
import { holds } from "../support/random.ts";
import { listener } from "../support/server-identity.ts";

/** The most bytes that may wait in these tests. */
const MAX = 4_096;

/** A socket that takes all bytes until it is gone. */
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
  const shared = new LineShared(core, core.metrics.server(listener("line")), false, new WaitingBytes(MAX));
  return { shared, connection: new LineConnection(shared, socket(), 0) };
}

function http(): { shared: StreamShared; connection: StreamConnection } {
  const core = createCore();
  const shared = new HttpShared(core, core.metrics.server(listener("http")), {
    pages: () => undefined,
    hasFlags: true,
    waiting: new WaitingBytes(MAX),
  });
  return { shared, connection: new HttpConnection(shared, socket(), 0) };
}

describe("the bytes that wait", () => {
  test.each([
    ["a line", line, ["0.", `${"5".repeat(80)}\n${"0".repeat(8_000)}`]],
    ["a line", line, ["0.", `5\n0.5\n${"0".repeat(8_000)}`]],
    ["a line", line, [`0.5\n${"0".repeat(8_000)}`]],
    ["a head", http, ["GET /decide HTTP/1.1\r\n", `a: ${"b".repeat(8_000)}\r\n\r\nGET /dec`]],
    ["a head", http, [`GET /decide HTTP/1.1\r\n\r\nGET /${"a".repeat(8_000)}`]],
  ] as const)(
    "of %s leave the sum when the client is cut off in the middle of it",
    (_, create, [first, ...more]) => {
      const { shared, connection } = create();
      connection.receive(Buffer.from(first));
      for (const chunk of more) connection.receive(Buffer.from(chunk));
      expect(connection.isClosing).toBeTrue();
      expect(shared.waiting.bytes).toBe(0);
      connection.receive(Buffer.from("0.5\n0."));
      expect(shared.waiting.bytes).toBe(0);
    },
  );

  test("do not include empty lines before a head, however many there are", () => {
    const { shared, connection } = http();
    for (let i = 0; i < 1_000; i++) connection.receive(Buffer.from("\r\n".repeat(20)));
    expect(shared.waiting.bytes).toBe(0);
    connection.receive(Buffer.from("\r"));
    for (let i = 0; i < 1_000; i++) connection.receive(Buffer.from("\n\r"));
    expect(shared.waiting.bytes).toBeLessThan(100);
    connection.receive(Buffer.from("\nGET /decide HTTP/1.1\r\n\r\n"));
    expect([shared.counts.success, shared.waiting.bytes]).toEqual([1, 0]);
  });
});

interface Held {
  readonly name: string;
  readonly waitingBytes: number;
  readonly peer: string;
}

/** The names of the connections of these sizes that are cut off, in order. */
function cutOff(max: number, ...holders: Held[]): string[] {
  const waiting = new WaitingBytes(max);
  const gone: string[] = [];
  for (const held of holders) {
    const holder = {
      ...held,
      terminate() {
        gone.push(held.name);
        waiting.changed(holder, held.waitingBytes, 0);
      },
    };
    waiting.changed(holder, 0, held.waitingBytes);
  }
  expect(waiting.isTooMuch).toBeTrue();
  expect(waiting.cutOff()).toBe(gone.length);
  expect(waiting.bytes).toBeLessThanOrEqual(max);
  return gone;
}

describe("if too much waits", () => {
  const held = (name: string, waitingBytes: number, peer = "uid=1") => ({ name, waitingBytes, peer });

  test("the largest connection is cut off, and the newcomer goes on", () => {
    expect(cutOff(100, held("large", 60), held("small", 20), held("newcomer", 21))).toEqual(["large"]);
  });

  test("no more connections are cut off than needed", () => {
    expect(cutOff(100, held("a", 40), held("b", 30), held("c", 31))).toEqual(["a"]);
    expect(cutOff(100, held("a", 15), held("b", 25), held("c", 20), held("d", 41))).toEqual(["d"]);
    expect(cutOff(100, held("a", 40), held("b", 60), held("c", 70))).toEqual(["c"]);
  });

  test("a peer with many small pieces is cut off before a peer with one larger piece, if its sum is larger", () => {
    const pieces = Array.from({ length: 10 }, (_, index) => held(`piece ${index}`, 8, "uid=65534"));
    const gone = cutOff(100, held("a proxy's", 30, "uid=33"), ...pieces);
    expect(gone).toHaveLength(2);
    expect(gone).not.toContain("a proxy's");
  });

  test("peers that began while there was room are told apart too", () => {
    const small = Array.from({ length: 20 }, (_, index) => held(`small ${index}`, 1, "uid=65534"));
    const pieces = Array.from({ length: 10 }, (_, index) => held(`piece ${index}`, 6, "uid=65534"));
    const gone = cutOff(100, held("a proxy's", 22, "uid=33"), ...small, ...pieces);
    expect(gone).not.toContain("a proxy's");
  });

  test("the sums are right, whatever connections grow, shrink and go", () => {
    holds(300, (random) => {
      const waiting = new WaitingBytes(1_000);
      const holders = Array.from({ length: 30 }, (_, index) => {
        const holder = {
          waitingBytes: 0,
          peer: `uid=${index % 3}`,
          set(bytes: number) {
            const before = holder.waitingBytes;
            holder.waitingBytes = bytes;
            waiting.changed(holder, before, bytes);
          },
          terminate: () => holder.set(0),
        };
        return holder;
      });
      for (let step = 0; step < 200; step++) {
        random.pick(holders).set(random.pick([0, 0, 5, 50, 200]));
        if (waiting.isTooMuch) expect(waiting.cutOff()).toBeGreaterThan(0);
        expect(waiting.isTooMuch).toBeFalse();
        expect(waiting.bytes).toBe(holders.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0));
      }
      for (const holder of holders) holder.set(0);
      expect(waiting.bytes).toBe(0);
    });
  });

  test.each([1, 10_000])(
    "to cut off costs little time, however many connections of %d peers wait",
    (peers) => {
      const waiting = new WaitingBytes(8 * 30_000);
      let asked = 0;
      for (let index = 0; index < 30_000; index++) {
        const holder = {
          waitingBytes: 8,
          get peer() {
            asked++;
            return `uid=${index % peers}`;
          },
          terminate: () => waiting.changed(holder, 8, 0),
        };
        waiting.changed(holder, 0, 8);
      }
      const last = { waitingBytes: 8 * 64, peer: "uid=0", terminate: () => waiting.changed(last, 8 * 64, 0) };
      waiting.changed(last, 0, last.waitingBytes);
      const before = asked;
      const beganMs = processorMs();
      expect(waiting.cutOff()).toBeGreaterThan(0);
      expect(processorMs() - beganMs).toBeLessThan(10);
      expect(asked).toBe(before);
      expect(waiting.isTooMuch).toBeFalse();
    },
  );
});
