/** The client of single questions, against the real server and against peers that break the protocol. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { assignmentOfKey } from "../../src/assignment.ts";
import { ask, explain } from "../../src/client/line.ts";
import { LineServer } from "../../src/servers/line.ts";
import { temporaryDirectory } from "../cli/run.ts";
import { createCore } from "../support/core.ts";
import { reasonOf } from "../support/reason-of.ts";

const directory = temporaryDirectory();
const path = directory.path("md.sock");
const core = createCore({ applications: ["app", "a b/é=%"], allowForce: true });
const server = new LineServer(core, {
  address: { kind: "unix", path },
  socketMode: 0o600,
  idleTimeoutMs: 60_000,
});
const address = { kind: "unix", path } as const;
const timeoutMs = 5_000;

beforeAll(async () => {
  core.apply("app", { rollout: 0.25 });
  core.apply("a b/é=%", { version: "blue", rollout: 1 });
  await server.start();
});
afterAll(async () => {
  await server.close();
  directory[Symbol.dispose]();
});

describe("with a daemon", () => {
  test("a known visitor keeps its assignment", async () => {
    expect(await ask({ address, timeoutMs, assignment: "0.2" })).toEqual({
      assignment: "0.2",
      location: "canary",
    });
    expect(await ask({ address, timeoutMs, assignment: "0.25" })).toMatchObject({ location: "master" });
  });

  test("a new visitor is given an assignment", async () => {
    const { assignment } = await ask({ address, timeoutMs });
    expect(Number(assignment)).toBeWithin(0, 1);
  });

  test("names travel with every character in them", async () => {
    const key = 'user 1=2 % \n é "\u0000 😀';
    const answer = await explain({ address, timeoutMs, key, application: "a b/é=%" });
    expect(answer).toMatchObject({
      location: "blue",
      application: "a b/é=%",
      reason: "rollout",
      arcs: ["blue=1@0"],
    });
    expect(Number(answer.assignment)).toBe(assignmentOfKey(key));
    expect(await ask({ address, timeoutMs, force: "canary", assignment: "0.9" })).toMatchObject({
      location: "canary",
    });
  });

  test("a question that does not fit into a line is not sent", async () => {
    const answer = ask({ address, timeoutMs, key: "x".repeat(8_192) });
    expect(await reasonOf(answer)).toMatchObject({ code: "unaskable" });
    expect(await reasonOf(ask({ address, timeoutMs, assignment: "0.1\n0.2" }))).toMatchObject({
      code: "unaskable",
    });
  });
});

/** A peer that answers each connection with `answer`. */
async function withPeer<T>(answer: (socket: Socket) => void, use: (port: number) => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>();
  const peer: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    answer(socket);
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  try {
    return await use((peer.address() as { port: number }).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => peer.close(resolve));
  }
}

describe("with a peer that is not a daemon", () => {
  test.each<[string, string, string]>([
    ["three lines", "0.5\nmaster\nmore\n", "malformed"],
    ["bytes after the reply", "0.5\nmaster\nx", "malformed"],
    ["a page instead of a number", "HTTP/1.1 400 Bad Request\r\n\r\n", "malformed"],
    ["a number out of range", "1\nmaster\n", "malformed"],
    ["NaN", "NaN\nmaster\n", "malformed"],
    ["no location", "0.5\n\n", "malformed"],
    ["a location with a space", "0.5\nmas ter\n", "malformed"],
    ["a line without end", "x".repeat(100_000), "malformed"],
    ["half a reply, then the end", "0.5\nmas", "unreachable"],
  ])("%s is refused", (_, reply, code) =>
    withPeer(
      (socket) => {
        socket.end(reply);
      },
      async (port) => {
        const question = { address: { kind: "tcp", host: "127.0.0.1", port }, timeoutMs } as const;
        expect(await ask(question).catch((error) => error.code)).toBe(code);
      },
    ),
  );

  test("a reply that comes byte by byte is read", () =>
    withPeer(
      async (socket) => {
        for (const byte of "0.5\nmaster\n") {
          await new Promise((resolve) => socket.write(byte, resolve));
        }
      },
      async (port) => {
        const question = { address: { kind: "tcp", host: "127.0.0.1", port }, timeoutMs } as const;
        expect(await ask(question)).toEqual({ assignment: "0.5", location: "master" });
      },
    ));

  test("a daemon of 2016 cannot explain, and the error says so", () =>
    withPeer(
      (socket) => {
        socket.end("0.5\nmaster\n");
      },
      async (port) => {
        const question = { address: { kind: "tcp", host: "127.0.0.1", port }, timeoutMs } as const;
        expect(await reasonOf(explain(question))).toMatchObject({ code: "malformed" });
        await explain(question).catch(() => {});
      },
    ));

  test("without an answer, the question ends at the deadline", () =>
    withPeer(
      () => {},
      async (port) => {
        const question = { address: { kind: "tcp", host: "127.0.0.1", port }, timeoutMs: 50 } as const;
        expect(await ask(question).catch((error) => error.code)).toBe("timeout");
      },
    ));

  test("a socket that does not exist is unreachable", async () => {
    const question = { address: { kind: "unix", path: directory.path("nobody") }, timeoutMs } as const;
    expect(await ask(question).catch((error) => error.code)).toBe("unreachable");
  });
});
