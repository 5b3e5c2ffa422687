import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineServer } from "../../src/servers/line.ts";
import { type Core, countOf, createCore, UNHEALTHY_MS } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { Random } from "../support/random.ts";
import { describeServer, type Protocol, type Question } from "./server-suite.ts";

function lineOf({ assignment = "", ...names }: Question): string {
  const fields = Object.entries(names).map(([name, value]) => ` ${name}=${encodeURIComponent(value)}`);
  return `${assignment}${fields.join("")}`;
}

const line: Protocol = {
  name: "line",
  pipelines: true,
  create: (core, address) => new LineServer(core, { address, socketMode: 0o666, idleTimeoutMs: 60_000 }),
  async connect(to) {
    const client = await LineClient.connect(to);
    return {
      send: (question) => client.send(`${lineOf(question)}\n`),
      async next() {
        const [assignment = "", location = ""] = await client.lines(2);
        return { assignment, location };
      },
      close: () => client.close(),
    };
  },
};

describeServer(line, "unix");
describeServer(line, "tcp");

describe("a connection of the line protocol", () => {
  let directory: string;
  let path: string;
  let core: Core;
  let server: LineServer;
  const clients: LineClient[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "line-"));
    path = join(directory, "socket");
    core = createCore();
    core.apply("app", { rollout: 0.5 });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await server.close();
    rmSync(directory, { recursive: true });
  });

  async function connect(idleTimeoutMs = 60_000): Promise<LineClient> {
    if (clients.length === 0) {
      server = new LineServer(core, { address: { kind: "unix", path }, socketMode: 0o660, idleTimeoutMs });
      await server.start();
    }
    const client = await LineClient.connect({ path });
    clients.push(client);
    return client;
  }

  test("LP-1: each request gets two lines, and nothing after them", async () => {
    const client = await connect();
    for (const request of ["", "0.1", "x", "?lease", "?nothing", "0.1 key"]) {
      client.send(`${request}\n`);
      await client.lines(2);
      expect(client.received).toBe("");
    }
  });

  test("LP-5: a client may split its lines anywhere", async () => {
    const client = await connect();
    const script = "0.1\n\n0.75 application=app key=%C3%A9\n?lease\nx\n0.2\n";
    const expected = [
      "0.1",
      "canary",
      /./,
      /canary|master/,
      "0.75",
      "master",
      /^\d+$/,
      "canary=0.5@0",
      /./,
      "master",
      "0.2",
      "canary",
    ];
    for (let split = 1; split < script.length; split++) {
      client.send(script.slice(0, split));
      await new Promise<void>((resolve) => client.socket.write("", () => resolve()));
      client.send(script.slice(split));
      const lines = await client.lines(12);
      for (const [index, wanted] of expected.entries()) expect(lines[index]).toMatch(wanted);
    }
    expect(client.received).toBe("");
  });

  test("LP-5: a client that sends byte by byte gets the same answers", async () => {
    const client = await connect();
    client.socket.setNoDelay(true);
    for (const byte of "0.125 key=a\n0.75\n") {
      client.send(byte);
      await Bun.sleep(0);
    }
    expect(await client.lines(4)).toEqual(["0.125", "canary", "0.75", "master"]);
  });

  test("LP-5: the replies are the same however the bytes are cut", async () => {
    const client = await connect();
    const random = new Random();
    const numbers = Array.from({ length: 3_000 }, () => String(random.fraction()));
    const bytes = numbers
      .map((number) => `${number}${random.pick(["", " key=x", ` key=${"y".repeat(300)}`])}\n`)
      .join("");
    const replies = client.lines(2 * numbers.length);
    for (let at = 0; at < bytes.length; ) {
      const next = at + random.pick([1, 10, 100, 5_000, 70_000]);
      client.send(bytes.slice(at, next));
      at = next;
      if (random.whole(0, 3) === 0) await Bun.sleep(0);
    }
    const lines = await replies;
    const expected = numbers.flatMap((number) => [number, Number(number) < 0.5 ? "canary" : "master"]);
    expect(lines).toEqual(expected);
  });

  test.each([8_191, 8_192, 8_193, 20_000, 200_000])(
    "LP-6: after a line of %p bytes before its LF, sent in pieces, the connection goes on",
    async (length) => {
      const client = await connect();
      const request = ` key=${"k".repeat(length - " key=".length)}`;
      for (let at = 0; at < length; at += 3_000) {
        client.send(request.slice(at, at + 3_000));
        await Bun.sleep(0);
      }
      client.send("\n0.25\n");
      expect((await client.lines(4)).slice(2)).toEqual(["0.25", "canary"]);
      expect(countOf(core, "invalid")).toBe(length >= 8_192 ? 1 : 0);
    },
  );

  test("LP-8: a client that ends its side gets its answers first, and then the end", async () => {
    const client = await connect();
    client.send("0.1\n0.7\n");
    client.half();
    await client.ended();
    expect(await client.lines(4)).toEqual(["0.1", "canary", "0.7", "master"]);
  });

  test("LP-8: a client that ends its side within a line gets no reply to it, and that is a failure", async () => {
    const client = await connect();
    client.send("0.1\n0.7");
    client.half();
    await client.ended();
    expect(await client.lines(2)).toEqual(["0.1", "canary"]);
    expect(client.received).toBe("");
    expect(core.metrics.servers[0]).toMatchObject({ success: 1, failure: 1 });
  });

  test("LP-9: a connection that is silent for the idle timeout is ended", async () => {
    // Long enough that a busy machine does not make the active one silent.
    const client = await connect(500);
    const active = await connect();
    let hasEnded = false;
    void client.ended().then(() => {
      hasEnded = true;
    });
    while (!hasEnded) {
      await active.ask("0.1");
      await Bun.sleep(20);
    }
    expect((await active.ask("0.1")).location).toBe("canary");
  });

  test("LP-9: with an idle timeout of 0, a connection is ended after its reply, as in 2016", async () => {
    const client = await connect(0);
    client.send("0.1\n");
    await client.ended();
    expect(await client.lines(2)).toEqual(["0.1", "canary"]);
    expect(client.received).toBe("");
  });

  test("LP-14: questions between requests are answered in order", async () => {
    const client = await connect();
    client.send("0.1\n?served canary=2\n0.7\n?explain 0.1\n?what\n");
    const lines = await client.lines(10);
    expect(lines.slice(0, 8)).toEqual([
      ...["0.1", "canary", "2", "", "0.7", "master", "0.1 canary"],
      "reason=rollout application=app canary=0.5@0",
    ]);
    expect(lines[9]).toBe("master");
    expect(countOf(core, "invalid")).toBe(1);
    core.advance(UNHEALTHY_MS);
    client.send("?lease\n");
    expect(await client.lines(2)).toEqual(["0", ""]);
  });

  test.each([
    ["a form of a web page", "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n?served canary=5\n0.1\n"],
    ["a header that comes first", "Host: localhost\n?served canary=5\n0.1\n"],
    ["a long path", `POST /${"x".repeat(9_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n?served canary=5\n`],
  ])("LP-23: a client that speaks HTTP is cut off, and none of its lines is obeyed: %s", async (_, bytes) => {
    const client = await connect();
    const { length } = bytes;
    for (const cut of [length, 1, 7]) {
      const odd = await connect();
      odd.send(bytes.slice(0, cut));
      await Bun.sleep(5);
      odd.send(bytes.slice(cut));
      await odd.ended();
      expect(odd.received).not.toContain("canary");
    }
    expect([...core.metrics.reports.values()]).toEqual([]);
    client.send("0.1\nGET / HTTP/1.1\n0.1\n");
    await client.ended();
    expect(client.received).toBe("0.1\ncanary\n");
  });

  test("LP-21: if a client asks without reading, the daemon stops reading from it; it gets every answer when it reads", async () => {
    const client = await connect();
    const requests = 300_000;
    client.socket.pause();
    client.send("0.1\n".repeat(requests));
    const other = await connect();
    for (let i = 0; i < 20; i++) expect((await other.ask("0.7")).location).toBe("master");
    client.socket.resume();
    const lines = await client.lines(2 * requests);
    expect(lines.every((text, index) => text === (index % 2 === 0 ? "0.1" : "canary"))).toBeTrue();
  });

  test("LP-22: the socket's file has the mode of the settings", async () => {
    await connect();
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(statSync(path).isSocket()).toBeTrue();
  });

  test("LP-22: if the socket's file is gone, the daemon listens again within about a second", async () => {
    const old = await connect();
    rmSync(path);
    await eventually(() => existsSync(path), "the socket is back");
    const next = await connect();
    expect((await next.ask("0.1")).location).toBe("canary");
    expect((await old.ask("0.1")).location).toBe("canary");
    await server.close();
    expect(existsSync(path)).toBeFalse();
  });

  test("LP-22: a daemon listens again when the daemon that took its socket over ends", async () => {
    await connect();
    const other = new LineServer(createCore(), {
      ...{ address: { kind: "unix", path }, socketMode: 0o660, idleTimeoutMs: 60_000 },
    });
    await other.start();
    await other.close();
    await eventually(() => existsSync(path), "the socket is back");
    expect((await (await connect()).ask("0.1")).location).toBe("canary");
  });

  test("LP-22: a daemon listens again when the daemon that took its socket over dies and leaves its file", async () => {
    await connect();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(`${path}.new`, resolve));
    renameSync(`${path}.new`, path);
    const inode = statSync(path).ino;
    await Bun.sleep(2_500);
    expect(statSync(path).ino).toBe(inode);
    // Node removes the path that it bound, which is gone, and leaves the file at its new name.
    await new Promise((resolve) => other.close(resolve));
    expect(statSync(path).ino).toBe(inode);
    await eventually(() => statSync(path).ino !== inode, "the socket is back");
    expect((await (await connect()).ask("0.1")).location).toBe("canary");
  });

  test("LP-22: a new connection reaches the successor on the same path, and the old daemon answers its old connections", async () => {
    const old = await connect();
    const successor = new LineServer(createCore(), {
      ...{ address: { kind: "unix", path }, socketMode: 0o660, idleTimeoutMs: 60_000 },
    });
    await successor.start();
    expect((await old.ask("0.1")).location).toBe("canary");
    const next = await connect();
    expect((await next.ask("0.1")).location).toBe("master");
    await server.close();
    const another = await LineClient.connect({ path });
    expect((await another.ask("0.1")).location).toBe("master");
    another.close();
    await successor.close();
    expect(() => statSync(path)).toThrow();
  });
});

test("law 5: clients that ask without end do not block the event loop", async () => {
  const CLIENTS = 100;
  const LINES = 20_000;
  const directory = mkdtempSync(join(tmpdir(), "line-"));
  const path = join(directory, "socket");
  const core = createCore();
  const server = new LineServer(core, {
    address: { kind: "unix", path },
    socketMode: 0o660,
    idleTimeoutMs: 60_000,
  });
  await server.start();
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => LineClient.connect({ path })));

  let before = 0;
  let most = 0;
  const look = () => {
    const count = countOf(core, "unread");
    most = Math.max(most, count - before);
    before = count;
  };
  const looking = setInterval(look, 0);
  for (const client of clients) client.send("0.5\n".repeat(LINES));
  await eventually(() => countOf(core, "unread") === CLIENTS * LINES, "all lines are answered");
  look();
  clearInterval(looking);
  for (const client of clients) {
    expect(await client.lines(2 * LINES)).toHaveLength(2 * LINES);
    client.close();
  }
  await server.close();
  rmSync(directory, { recursive: true });
  // A turn lasts some milliseconds, and two turns may lie between two looks.
  expect(most).toBeLessThan(250_000);
}, 30_000);
