/** Faults of servers, networks and certificates, and the NATS store. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePlace } from "../../../src/stores/nats/address.ts";
import { recordsStream } from "../../../src/stores/nats/buckets.ts";
import { loadClient } from "../../../src/stores/nats/client.ts";
import { JetStream } from "../../../src/stores/nats/jetstream.ts";
import { Session } from "../../../src/stores/nats/session.ts";
import { NatsWatch } from "../../../src/stores/nats/watch.ts";
import type { Store } from "../../../src/stores/store.ts";
import { eventually } from "../../support/eventually.ts";
import { type LyingNats, lyingNats } from "../../support/lying-nats.ts";
import { type NatsServer, natsMissing, openNats, RECORDS, startNats } from "../../support/nats-server.ts";
import { longestStall } from "../../support/stall.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { TcpFaults } from "../../support/tcp-faults.ts";
import { rollouts } from "../store-suite.ts";

const missing = natsMissing() !== undefined;
const KEY = "$KV.maxwells-daemon.website.canary";

/** The memory that a hostile server may cost, with its own buffers, which are in this process too. */
const GROWTH_BYTES_MAX = 256 * 1024 * 1024;

/** A parser that begins again with each chunk would take seconds. */
const STALL_MS_MAX = 1_000;

/** Everything that a case has to end, last in, first out. */
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
});

function ending<T>(part: T, end: (part: T) => unknown): T {
  endings.push(() => end(part));
  return part;
}

const opened = async (address: string, warnings?: string[]): Promise<Store> =>
  ending(await openNats(address, warnings), (store) => store.close());

const network = async (port: number) =>
  ending(await TcpFaults.start({ host: "127.0.0.1", port }), (faults) => faults.stop());

/** The watch of a store, with heartbeats that come often. */
async function quickWatch(port: number, bucket = "maxwells-daemon"): Promise<Pick<Store, "watch">> {
  const place = parsePlace("nats", `//127.0.0.1:${port}/${bucket}`);
  if (typeof place === "string") throw new Error(place);
  const session = new Session(await loadClient(), place, {});
  ending(session, (used) => used.close());
  const jetstream = new JetStream(session, place.shown, "");
  const parts = { jetstream, bucket, stream: recordsStream(bucket), connected: () => session.connected() };
  const watch = ending(new NatsWatch({ ...parts, warn: () => {}, heartbeatMs: 200 }), (used) => used.close());
  return { watch: (application, changed) => watch.add(application, changed) };
}

/** A watch that counts its nudges, and has begun. */
async function watched(store: Pick<Store, "watch">, application = "website") {
  const counted = { count: 0 };
  store.watch?.(application, () => counted.count++);
  await eventually(() => counted.count > 0, "the watch stands");
  return counted;
}

describe.skipIf(missing)("NATS", () => {
  let engine: NatsServer;
  beforeAll(async () => {
    engine = await startNats();
    await engine.init();
    await engine.put([[KEY, "0.25"]]);
  }, 30_000);
  afterAll(() => engine?.stop());

  test.each(["refuse", "reset", "swallow", "cut", "garbage"] as const)(
    "with two hosts, one of which does %s, a read fails once at most",
    async (mode) => {
      const [one, two] = [await network(engine.port), await network(engine.port)];
      const store = await opened(`nats://127.0.0.1:${one.port},127.0.0.1:${two.port}/`);
      await store.read("website", soon());
      await one.enter(mode);
      await store.read("website", soon()).catch(() => {});
      const beganMs = performance.now();
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
      expect(performance.now() - beganMs).toBeLessThan(3_000);
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    },
  );

  test("one connection has all requests and all reports, and each application hears its own changes", async () => {
    const faults = await network(engine.port);
    const store = await opened(`nats://127.0.0.1:${faults.port}/`);
    const names = ["one", "two", "three"];
    const counts = await Promise.all(names.map((name) => watched(store, name)));
    expect(faults.open).toBe(1);
    const before = counts.map(({ count }) => count);
    await engine.put([["$KV.maxwells-daemon.two.canary", "0.5"]]);
    await eventually(() => counts[1]?.count !== before[1], "a nudge of two");
    expect(counts.map(({ count }, index) => count - (before[index] ?? 0))).toEqual([0, 1, 0]);
  });

  test("a closed store leaves no connection, and NATS forgets its consumer", async () => {
    const faults = await network(engine.port);
    const before = process.getActiveResourcesInfo().length;
    const store = await openNats(`nats://127.0.0.1:${faults.port}/`);
    await watched(store);
    await store.readMany?.(["website", "two"], soon());
    const reading = store.read("website", soon()).catch(() => {});
    await store.close();
    await reading;
    await eventually(() => faults.open === 0, "no connection");
    await eventually(() => process.getActiveResourcesInfo().length <= before, "no timer and no socket");
    const consumers = async () => {
      const { state } = (await engine.api(`STREAM.INFO.${RECORDS}`)) as { state: { consumer_count: number } };
      return state.consumer_count;
    };
    await eventually(async () => (await consumers()) === 0, "no consumer");
  });

  test("reports that stop without an error are asked for again", async () => {
    const faults = await network(engine.port);
    const counted = await watched(await quickWatch(faults.port));
    faults.swallowOpen();
    const before = counted.count;
    await eventually(() => counted.count > before, "another consumer");
    await engine.put([[KEY, "0.5"]]);
    const after = counted.count;
    await eventually(() => counted.count > after, "a nudge");
    expect(faults.open).toBeLessThanOrEqual(2);
  });

  test("after a restart of NATS, reads and reports go on", async () => {
    const store = await opened(`nats://127.0.0.1:${engine.port}/`);
    const counted = await watched(store);
    await engine.restart();
    await eventually(
      () =>
        store.read("website", soon()).then(
          () => true,
          () => false,
        ),
      "it is read again",
    );
    const before = counted.count;
    await eventually(async () => {
      await engine.put([[KEY, "0.75"]]);
      return counted.count > before;
    }, "a nudge");
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.75 });
  }, 30_000);

  test("a bucket that is deleted is missing, and one that is made again is watched and read", async () => {
    const store = await opened(`nats://127.0.0.1:${engine.port}/again`);
    await store.init?.(soon());
    await store.write?.("website", "canary", { rollout: 0.5 }, null, soon());
    const old = (await store.read("website", soon())).get("canary")?.revision ?? "";
    const counted = await watched(await quickWatch(engine.port, "again"));
    await engine.api("STREAM.DELETE.KV_again");
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "missing" });
    await store.init?.(soon());
    // It has the number of the old one.
    await engine.put([["$KV.again.website.canary", "0.125"]]);
    expect(await store.write?.("website", "canary", { rollout: 1 }, old, soon())).toMatchObject({
      ok: false,
    });
    const before = counted.count;
    await eventually(() => counted.count > before, "another consumer");
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.125 });
    await engine.api("STREAM.DELETE.KV_again");
  });

  test("a server that will stop is left for another one, and a read fails once at most", async () => {
    const [leaving, staying] = [await startNats(), await startNats()];
    ending(leaving, (server) => server.stop());
    ending(staying, (server) => server.stop());
    for (const [server, value] of [
      [leaving, "0.25"],
      [staying, "0.5"],
    ] as const) {
      await server.init();
      await server.put([[KEY, value]]);
    }
    const store = await opened(`nats://127.0.0.1:${leaving.port},127.0.0.1:${staying.port}/`);
    const counted = await watched(store);
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    const before = counted.count;
    leaving.signal("SIGUSR2");
    let failures = 0;
    await eventually(async () => {
      const snapshot = await store.read("website", soon()).catch(() => undefined);
      if (snapshot === undefined) failures++;
      return snapshot !== undefined && rollouts(snapshot)["canary"] === 0.5;
    }, "the other server is asked");
    // From version 2.15 on, JetStream may be gone before the connection.
    expect(failures).toBeLessThanOrEqual(1);
    await eventually(() => counted.count > before, "the other server is watched");
  }, 30_000);

  test("a server that has no JetStream is unavailable, with the remedy", async () => {
    const plain = ending(await startNats({ hasJetStream: false }), (server) => server.stop());
    const store = await opened(`nats://127.0.0.1:${plain.port}/`);
    for (const call of [
      () => store.read("website", soon()),
      () => store.write?.("website", "canary", { rollout: 1 }, null, soon()),
      () => store.init?.(soon()),
    ]) {
      expect(await fails(call())).toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("nats-server with -js"),
      });
    }
  });

  test("a write whose answer is lost is an error, and is not made twice", async () => {
    const faults = await network(engine.port);
    const store = await opened(`nats://127.0.0.1:${faults.port}/`);
    await store.read("website", soon());
    await faults.enter("lose");
    expect(await fails(store.write?.("lost", "canary", { rollout: 1 }, null, soon()))).toMatchObject({
      code: "unavailable",
    });
    await faults.enter("pass");
    expect(await store.history?.("lost", 5, soon())).toHaveLength(1);
  });
});

describe("law 5: a server that lies", () => {
  const lying = async (answer: Parameters<typeof lyingNats>[0], info?: Readonly<Record<string, unknown>>) =>
    ending(await lyingNats(answer, info), (server: LyingNats) => server.stop());
  const to = async (answer: Parameters<typeof lyingNats>[0]) =>
    opened(`nats://127.0.0.1:${(await lying(answer)).port}/`);
  const STATE = { messages: 1, first_seq: 1, last_seq: 5, last_ts: "2026-01-01T00:00:00Z" };
  const infoOf = (subjects: Record<string, number>, total = Object.keys(subjects).length) =>
    JSON.stringify({ created: "2026-01-01T00:00:00Z", total, state: { ...STATE, subjects } });

  test.each([
    ["half an answer", '{"created":"2026-'],
    ["no JSON", "hello"],
    ["a list", "[]"],
    ["nothing", ""],
    ["no state", '{"created":"x"}'],
    ["a state of texts", '{"created":"x","total":0,"state":{"messages":"1","first_seq":"1","last_seq":"1"}}'],
    ["fewer subjects than it says", infoOf({ [KEY]: 1 }, 7).replace(`"${KEY}":1`, "")],
    ["deep lists", `{"created":${"[".repeat(50_000)}`],
    ["an unknown error", '{"error":{"code":400,"err_code":12345}}'],
    ["bytes that are not of the protocol", Buffer.from("HTTP/1.1 200 OK\r\n\r\n")],
    ["a message of a terabyte", Buffer.from("MSG _INBOX.x 1 999999999999\r\n")],
  ])("an answer with %s is malformed", async (_name, answer) => {
    expect(await fails((await to(() => answer)).read("website", soon()))).toMatchObject({
      code: "malformed",
    });
  });

  test("a message that is not the one of its subject is malformed or left out", async () => {
    const store = await to((subject) =>
      subject.includes("INFO") ? infoOf({ [KEY]: 1 }) : '{"message":{"subject":7,"seq":"x"}}',
    );
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
  });

  test("an application that is always newer than its state is given up", async () => {
    const asked = await lying((subject) =>
      subject.includes("INFO")
        ? infoOf({ [KEY]: 1 })
        : JSON.stringify({ message: { subject: KEY, seq: 9, time: "2026-01-01T00:00:00Z", data: "MQ==" } }),
    );
    const store = await opened(`nats://127.0.0.1:${asked.port}/`);
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "unavailable" });
    expect(asked.asked.length).toBeLessThan(20);
  });

  test("if a report was lost, the watch makes another consumer", async () => {
    const made = '{"created":"2026-01-01T00:00:00Z","num_pending":0}';
    const head = "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 5\r\n\r\n";
    let consumers = 0;
    const store = await to((_subject, payload, reply) => {
      const [, inbox = ""] = /"deliver_subject":"([^"]+)"/.exec(payload) ?? [];
      if (inbox === "") return "{}";
      consumers++;
      // The client's subscription of the inbox is older than the one for answers.
      const ids = consumers === 1 ? [1, 2] : [consumers + 1, 2];
      return Buffer.from(
        `MSG ${reply} ${ids[1]} ${made.length}\r\n${made}\r\nHMSG ${inbox} ${ids[0]} ${head.length} ${head.length}\r\n${head}\r\n`,
      );
    });
    store.watch?.("website", () => {});
    // Heartbeats that do not come would take six seconds.
    await eventually(() => consumers > 1, "another consumer", 3_000);
  });

  test("a list of subjects that comes again and again ends", async () => {
    let asked = 0;
    const store = await to(() => {
      asked++;
      return infoOf({}, 1_000_000);
    });
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
    expect(asked).toBe(1);
  });

  test.each([
    ["a first line", "INFO {", false],
    ["a message", "MSG _INBOX.x 1 4000000\r\n", true],
  ])("%s without end takes no memory, and no time of visitors", async (_name, start, isPolite) => {
    const chunk = Buffer.alloc(64 * 1024, "x");
    /** As much as the connection takes. */
    const flood = (socket: { write(bytes: Buffer): number }) => {
      while (socket.write(chunk) === chunk.length);
    };
    let isFlooding = false;
    const server = ending(
      Bun.listen({
        hostname: "127.0.0.1",
        port: 0,
        socket: {
          open(socket) {
            socket.write(
              isPolite ? 'INFO {"headers":true,"max_payload":1048576,"version":"2.9.10"} \r\n' : start,
            );
            isFlooding = !isPolite;
            if (isFlooding) flood(socket);
          },
          data(socket, bytes) {
            if (!isPolite) return;
            if (bytes.includes("PING")) socket.write("PONG\r\n");
            if (!bytes.includes("PUB")) return;
            isFlooding = true;
            socket.write(start);
            flood(socket);
          },
          drain(socket) {
            if (isFlooding) flood(socket);
          },
        },
      }),
      (listening) => listening.stop(true),
    );
    const store = await opened(`nats://127.0.0.1:${server.port}/`);
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    let error: unknown;
    const stallMs = await longestStall(async () => {
      error = await fails(store.read("website", soon()));
    });
    expect(error).toMatchObject({ name: "StoreError" });
    expect(process.memoryUsage.rss() - before).toBeLessThan(GROWTH_BYTES_MAX);
    expect(stallMs).toBeLessThan(STALL_MS_MAX);
  });
});

test("a file of a login that cannot be read to its end holds up no read, and not the close", async () => {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-nats-file-"));
  ending(directory, (path) => rmSync(path, { recursive: true }));
  const path = join(directory, "creds");
  await Bun.$`mkfifo ${path}`;
  // The end of this one is the end of the file for its reader.
  const writer = ending(openSync(path, "r+"), closeSync);
  expect(writer).toBeGreaterThan(0);
  const store = await openNats(`nats://127.0.0.1:4222/?creds=${path}`);
  expect(await fails(store.read("website", soon()))).toMatchObject({ code: "unavailable" });
  const beganMs = performance.now();
  await store.close();
  expect(performance.now() - beganMs).toBeLessThan(1_000);
}, 15_000);

describe.skipIf(missing || Bun.which("openssl") === null)("NATS over TLS", () => {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-nats-tls-"));
  const at = (name: string) => join(directory, name);
  let engine: NatsServer;

  beforeAll(async () => {
    await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -days 2 -keyout ${at("ca.key")} -out ${at("ca.pem")}`.quiet();
    for (const name of ["server", "client"]) {
      await Bun.write(at(`${name}.ext`), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
      await Bun.$`openssl req -newkey rsa:2048 -nodes -subj /CN=${name} -keyout ${at(`${name}.key`)} -out ${at(`${name}.csr`)}`.quiet();
      await Bun.$`openssl x509 -req -days 2 -in ${at(`${name}.csr`)} -CA ${at("ca.pem")} -CAkey ${at("ca.key")} -CAcreateserial -extfile ${at(`${name}.ext`)} -out ${at(`${name}.pem`)}`.quiet();
    }
    const files = `cert_file: "${at("server.pem")}", key_file: "${at("server.key")}", ca_file: "${at("ca.pem")}"`;
    engine = await startNats({
      config: `tls { ${files}, verify: true }`,
      tls: { caFile: at("ca.pem"), certFile: at("client.pem"), keyFile: at("client.key") },
    });
    await engine.init();
    await engine.put([[KEY, "0.25"]]);
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test("with its own authority and a client's certificate it reads and watches", async () => {
    const files = `cacert=${at("ca.pem")}&cert=${at("client.pem")}&key=${at("client.key")}`;
    for (const host of ["127.0.0.1", "localhost"]) {
      const store = await opened(`natss://${host}:${engine.port}/?${files}`);
      const counted = await watched(store);
      const before = counted.count;
      await engine.put([[KEY, "0.5"]]);
      await eventually(() => counted.count > before, "a nudge");
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.5 });
    }
  });

  test.each<[string, (port: number) => string]>([
    ["an unknown authority", (port) => `natss://127.0.0.1:${port}/`],
    ["no certificate of its own", (port) => `natss://127.0.0.1:${port}/?cacert=${at("ca.pem")}`],
    ["a file that is not there", (port) => `natss://127.0.0.1:${port}/?cacert=${at("none.pem")}`],
    ["no TLS", (port) => `nats://127.0.0.1:${port}/`],
  ])("with %s it is unavailable", async (_name, address) => {
    const error = await fails((await opened(address(engine.port))).read("website", soon()));
    expect(error).toMatchObject({ code: "unavailable" });
  });

  test("TLS to a server without it is an error, before any secret is sent", async () => {
    const plain = ending(await startNats({ hasJetStream: false }), (server) => server.stop());
    const faults = await network(plain.port);
    const store = await opened(`natss://ada:s3cret@127.0.0.1:${faults.port}/`);
    expect(await fails(store.read("website", soon()))).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("natss://"),
    });
    expect(faults.bytesUp).toBe(0);
  });
});
