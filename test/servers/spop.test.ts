import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SpopServer } from "../../src/servers/spop.ts";
import { type Core, countOf, createCore } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { Random } from "../support/random.ts";
import { frame, hello, message, notify, type Pairs, pairs, SpopClient } from "../support/spop.ts";
import { describeServer, type Protocol } from "./server-suite.ts";

const HAPROXY_HELLO = 1;
const HAPROXY_DISCONNECT = 2;
const NOTIFY = 3;
const AGENT_HELLO = 101;
const AGENT_DISCONNECT = 102;
const ACK = 103;

const spop: Protocol = {
  name: "spop",
  pipelines: true,
  create: (core, address) => new SpopServer(core, { address, socketMode: 0o666, idleTimeoutMs: 60_000 }),
  async connect(to) {
    const client = await SpopClient.greeted(to);
    let asked = 0;
    let answered = 0;
    return {
      send: (question) => client.send(notify(message("decide", Object.entries(question) as Pairs), asked++)),
      async next() {
        const { type, stream, values } = await client.next();
        expect([type, stream]).toEqual([ACK, answered++]);
        return { assignment: String(values["assignment"]), location: String(values["location"]) };
      },
      close: () => client.close(),
    };
  },
};

describeServer(spop, "unix");
describeServer(spop, "tcp");

describe("a connection of SPOP", () => {
  let directory: string;
  let path: string;
  let core: Core;
  let server: SpopServer;
  const clients: SpopClient[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "spop-"));
    path = join(directory, "socket");
    core = createCore();
    core.apply("app", { rollout: 0.5 });
    server = new SpopServer(core, { address: { kind: "unix", path }, socketMode: 0o660, idleTimeoutMs: 1 });
    await server.start();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await server.close();
    rmSync(directory, { recursive: true });
  });

  async function connect(): Promise<SpopClient> {
    const client = await SpopClient.connect({ path });
    clients.push(client);
    return client;
  }

  async function greeted(): Promise<SpopClient> {
    const client = await SpopClient.greeted({ path });
    clients.push(client);
    return client;
  }

  const decide = (assignment: string, more: Pairs = []) =>
    message("decide", [["assignment", assignment], ...more]);

  /** Expects that a new connection is served, whatever happened on another one. */
  async function expectServed(): Promise<void> {
    const client = await greeted();
    client.send(notify(decide("0.1")));
    expect((await client.next()).values).toEqual({ assignment: "0.1", location: "canary" });
    client.close();
  }

  async function expectDismissed(client: SpopClient, code: number): Promise<void> {
    const { type, values } = await client.next();
    expect({ type, code: values["status-code"] }).toEqual({ type: AGENT_DISCONNECT, code });
    await client.ended();
    expect(client.received.length).toBe(0);
  }

  test("SPOP-6: the daemon greets in one write", async () => {
    const client = await connect();
    client.send(hello(["engine-id", "x"]));
    const answer = await client.next();
    expect(answer).toEqual({
      ...{ type: AGENT_HELLO, stream: 0, frame: 0 },
      values: { version: "2.0", "max-frame-size": 16_380, capabilities: "pipelining" },
    });
    expect(client.pieces).toEqual([68]);
  });

  test("SPOP-7: the daemon greets a health check and ends it without a goodbye", async () => {
    const client = await connect();
    client.send(hello(["healthcheck", true]));
    expect((await client.next()).type).toBe(AGENT_HELLO);
    await client.ended();
    expect(client.received.length).toBe(0);
    expect(core.metrics.servers[0]).toMatchObject({ success: 0, failure: 0 });
  });

  test.each([
    [
      "another version",
      pairs([
        ["supported-versions", "1.0"],
        ["max-frame-size", 999],
        ["capabilities", ""],
      ]),
      8,
    ],
    [
      "no version",
      pairs([
        ["max-frame-size", 999],
        ["capabilities", ""],
      ]),
      5,
    ],
    [
      "no frame size",
      pairs([
        ["supported-versions", "2.0"],
        ["capabilities", ""],
      ]),
      6,
    ],
    [
      "no capabilities",
      pairs([
        ["supported-versions", "2.0"],
        ["max-frame-size", 999],
      ]),
      7,
    ],
    [
      "tiny frames",
      pairs([
        ["supported-versions", "2.0"],
        ["max-frame-size", 255],
        ["capabilities", ""],
      ]),
      9,
    ],
    ["rubbish", Buffer.from("rubbish"), 4],
  ])(
    "SPOP-6: a HELLO with %s is answered with the reason, and the connection is ended",
    async (_, payload, code) => {
      const client = await connect();
      client.send(Buffer.concat([frame(HAPROXY_HELLO, payload), notify(decide("0.1"))]));
      await expectDismissed(client, code);
      expect(countOf(core, "rollout")).toBe(0);
    },
  );

  test("SPOP-1: an answer has the ids of the question, however large they are", async () => {
    const client = await greeted();
    for (const [stream, id] of [
      [0, 0],
      [239, 240],
      [2_288, 4_294_967_295],
      [2 ** 50, 2 ** 50 + 1],
    ] as const) {
      client.send(notify(decide("0.75"), stream, id));
      expect(await client.next()).toEqual({
        ...{ type: ACK, stream, frame: id },
        values: { assignment: "0.75", location: "master" },
      });
    }
  });

  test("SPOP-3: a new visitor gets a fresh assignment", async () => {
    const client = await greeted();
    const numbers = new Set<unknown>();
    for (let i = 0; i < 20; i++) {
      client.send(notify(message("decide", [["assignment", null]])));
      numbers.add((await client.next()).values["assignment"]);
    }
    expect(numbers.size).toBe(20);
  });

  test("SPOP-4: an assignment of another type gets a fresh one and master", async () => {
    const client = await greeted();
    core.apply("app", { rollout: 1 });
    client.send(notify(message("decide", [["assignment", 0]])));
    expect((await client.next()).values["location"]).toBe("master");
    expect(countOf(core, "invalid")).toBe(1);
  });

  test("SPOP-5: without decide, the ACK has no actions, and no visitor is counted", async () => {
    const client = await greeted();
    client.send(notify(message("other", [["assignment", "0.1"]]), 7, 8));
    client.send(notify(Buffer.alloc(0), 9, 10));
    expect(await client.next()).toEqual({ type: ACK, stream: 7, frame: 8, values: {} });
    expect(await client.next()).toEqual({ type: ACK, stream: 9, frame: 10, values: {} });
    expect(countOf(core, "rollout") + countOf(core, "outside")).toBe(0);
  });

  test("SPOP-8: frames that arrive together are answered together, in order", async () => {
    const client = await connect();
    const COUNT = 300;
    const frames = Array.from({ length: COUNT }, (_, index) => notify(decide(`0.${index + 1}`), index, 1));
    client.send(Buffer.concat([hello(), ...frames]));
    expect((await client.next()).type).toBe(AGENT_HELLO);
    for (let index = 0; index < COUNT; index++) {
      const { stream, values } = await client.next();
      expect([stream, values["assignment"]]).toEqual([index, `0.${index + 1}`]);
    }
    // The daemon writes once. The kernel may deliver that in a few pieces.
    expect(client.pieces.length).toBeLessThan(5);
  });

  test("SPOP-8, law 5: if the bytes are cut at any place, every frame is answered once", async () => {
    const script = Buffer.concat([
      hello(),
      notify(decide("0.1")),
      notify(message("x", [])),
      notify(decide("0.7")),
    ]);
    for (let cut = 1; cut < script.length; cut++) {
      const client = await connect();
      client.send(script.subarray(0, cut));
      await new Promise(setImmediate);
      client.send(script.subarray(cut));
      const types = [];
      for (let i = 0; i < 3; i++) types.push((await client.next()).type);
      expect(types).toEqual([AGENT_HELLO, ACK, ACK]);
      expect((await client.next()).values).toEqual({ assignment: "0.7", location: "master" });
      expect(client.received.length).toBe(0);
      client.close();
    }
  });

  test("SPOP-8, law 5: if the bytes come one by one, every frame is answered once", async () => {
    const client = await connect();
    client.socket.setNoDelay(true);
    for (const byte of Buffer.concat([hello(), notify(decide("0.1"))])) {
      client.send(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    expect((await client.next()).type).toBe(AGENT_HELLO);
    expect((await client.next()).values["location"]).toBe("canary");
  });

  test("SPOP-9: the daemon reads a frame of the agreed size, and does not wait for the end of a larger one", async () => {
    const client = await connect();
    const large = 65_536;
    client.send(
      frame(
        HAPROXY_HELLO,
        pairs([
          ["supported-versions", "2.0"],
          ["max-frame-size", 1_000_000],
          ["capabilities", ""],
        ]),
      ),
    );
    expect((await client.next()).values["max-frame-size"]).toBe(large);
    const fitting = (length: number) => {
      const empty = notify(decide("0.1", [["x", "y".repeat(3_000)]]));
      const filler = "y".repeat(3_000 + length - (empty.length - 4));
      return notify(decide("0.1", [["x", filler]]));
    };
    expect(fitting(large).readUInt32BE(0)).toBe(large);
    client.send(fitting(large));
    expect((await client.next()).values["location"]).toBe("canary");
    client.send(Buffer.concat([notify(decide("0.7")), fitting(large + 1).subarray(0, 8)]));
    expect((await client.next()).values["location"]).toBe("master");
    await expectDismissed(client, 3);
    await expectServed();
  });

  test.each(["ffffffff", "80000000", "00010001", "47455420"])(
    "SPOP-9, law 5: a frame of the length %s before HELLO is too big, and the daemon says so",
    async (length) => {
      const client = await connect();
      client.send(Buffer.from(length, "hex"));
      await expectDismissed(client, 3);
      await expectServed();
    },
  );

  test.each([
    ["a frame before HELLO", [notify(decide("0.1"))], 4],
    ["an unknown frame before HELLO", [frame(42, Buffer.alloc(0))], 4],
    ["a HELLO in fragments", [frame(HAPROXY_HELLO, Buffer.alloc(0), { flags: 0 })], 4],
    ["an empty frame", [hello(), Buffer.alloc(4)], 4],
    ["a frame without flags", [hello(), Buffer.from("0000000103", "hex")], 4],
    ["ids without an end", [hello(), Buffer.from(`0000000f0300000001${"ff".repeat(10)}`, "hex")], 4],
    ["a second HELLO", [hello(), hello()], 4],
    ["malformed messages", [hello(), notify(Buffer.from("rubbish"))], 4],
    ["a value of no type", [hello(), notify(message("decide", [["x", Buffer.of(10)]]))], 4],
    ["a payload in fragments", [hello(), frame(NOTIFY, decide("0.1"), { flags: 0 })], 10],
    ["the rest of a payload", [hello(), frame(0, decide("0.1"))], 10],
  ])("SPOP-9: after %s the daemon ends the connection, and says why", async (_, frames, code) => {
    const client = await connect();
    client.send(Buffer.concat([...frames, notify(decide("0.1"))]));
    if (frames.length > 1) expect((await client.next()).type).toBe(AGENT_HELLO);
    await expectDismissed(client, code);
    expect(countOf(core, "rollout")).toBe(0);
    expect(core.metrics.servers[0]?.failure).toBe(1);
    await expectServed();
  });

  test("SPOP-9: frames before an invalid one are answered first", async () => {
    const client = await greeted();
    client.send(
      Buffer.concat([notify(decide("0.1"), 5), frame(NOTIFY, Buffer.of(1)), notify(decide("0.1"), 6)]),
    );
    expect((await client.next()).stream).toBe(5);
    await expectDismissed(client, 4);
  });

  test("SPOP-10: a DISCONNECT is answered, and the connection is ended", async () => {
    const client = await greeted();
    const goodbye = pairs([
      ["status-code", 0],
      ["message", "normal"],
    ]);
    client.send(
      Buffer.concat([notify(decide("0.1")), frame(HAPROXY_DISCONNECT, goodbye), notify(decide("0.1"))]),
    );
    expect((await client.next()).type).toBe(ACK);
    await expectDismissed(client, 0);
    expect(core.metrics.servers[0]).toMatchObject({ success: 1, failure: 0 });
  });

  test("SPOP-10: the daemon says goodbye to a connection that is silent for 150 seconds", async () => {
    const client = await greeted();
    core.advance(149_000);
    client.send(notify(decide("0.1")));
    expect((await client.next()).type).toBe(ACK);
    core.advance(151_000);
    await expectDismissed(client, 0);
  });

  test("SPOP-10: a daemon that ends says goodbye, after its answers", async () => {
    const client = await greeted();
    client.send(notify(decide("0.1")));
    await Bun.sleep(1);
    const closed = server.close();
    expect((await client.next()).type).toBe(ACK);
    await expectDismissed(client, 0);
    client.close();
    await closed;
  });

  test("SPOP-11: the daemon skips frames of unknown types", async () => {
    const client = await greeted();
    for (const type of [4, 42, 100, 103, 255]) client.send(frame(type, Buffer.from("anything")));
    client.send(notify(decide("0.1")));
    expect((await client.next()).values["location"]).toBe("canary");
  });

  test("law 5: random bytes get an answer or end the connection, and leave the server as it was", async () => {
    const random = new Random();
    const good = Buffer.concat([
      hello(),
      notify(
        decide("0.1", [
          ["key", "k"],
          ["x", true],
        ]),
      ),
      notify(decide("0.7")),
    ]);
    for (let round = 0; round < 200; round++) {
      const client = await connect();
      const bytes = Buffer.from(good);
      for (let i = 0; i < 1 + round / 10; i++)
        bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255);
      client.socket.end(bytes);
      await client.ended();
      client.close();
    }
    const rubbish = Buffer.from(Array.from({ length: 100_000 }, () => random.whole(0, 255)));
    const client = await connect();
    client.socket.end(rubbish);
    await client.ended();
    await expectServed();
    await eventually(() => core.metrics.servers[0]?.connections === 0, "all connections are gone");
  });

  test("law 5: a slow reader gets its answers when it reads, and delays no other client", async () => {
    const slow = await greeted();
    slow.socket.pause();
    const COUNT = 40_000;
    const batch = Buffer.concat(Array.from({ length: 400 }, () => notify(decide("0.1"))));
    for (let sent = 0; sent < COUNT; sent += 400) slow.send(batch);
    await expectServed();
    slow.socket.resume();
    for (let i = 0; i < COUNT; i++) {
      const { type, values } = await slow.next();
      if (type !== ACK || values["location"] !== "canary") throw new Error(`answer ${i} is of type ${type}`);
    }
    expect(slow.received.length).toBe(0);
  }, 30_000);
});
