/** Faults of a Redis, its network and its certificates, and the safety of passwords meanwhile. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../../src/stores/list.ts";
import type { Store } from "../../../src/stores/store.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/port.ts";
import { type RedisServer, redisMissing, startRedis } from "../../support/redis-server.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { TcpFaults } from "../../support/tcp-faults.ts";
import { rollouts, within } from "../store-suite.ts";

const BIN = join(import.meta.dir, "../../../src/bin.ts");
const KEY = "maxwells-daemon:website";
const SECRET = "hunter2:/@é";

const isMissing = redisMissing("redis-server") !== undefined;
const stores: Store[] = [];

async function open(port: number, login = ""): Promise<Store> {
  const address = `redis://${login}127.0.0.1:${port}`;
  const store = await openStore(address, { table: "", region: "", environment: {}, warn: () => {} });
  stores.push(store);
  return store;
}

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

describe.skipIf(isMissing)("two servers of which one fails", () => {
  let first: RedisServer;
  let second: RedisServer;
  let faults: TcpFaults;

  beforeAll(async () => {
    first = await startRedis("redis-server");
    second = await startRedis("redis-server");
    faults = await TcpFaults.start({ host: "127.0.0.1", port: first.port });
  });
  afterEach(async () => {
    for (const server of [first, second]) await server.cli("FLUSHALL");
    await second.cli("REPLICAOF", "NO", "ONE");
    await faults.enter("pass");
    faults.failOver({ host: "127.0.0.1", port: first.port });
  });
  afterAll(async () => {
    await faults?.stop();
    await first?.stop();
    await second?.stop();
  });

  test("a watch is nudged when it is subscribed again, and hears the new server", async () => {
    const store = await open(faults.port);
    let nudges = 0;
    const end = store.watch?.("website", () => nudges++);
    await eventually(() => nudges > 0, "the first nudge");
    const before = nudges;
    faults.failOver({ host: "127.0.0.1", port: second.port });
    await eventually(() => nudges > before, "a nudge after the fail-over");
    await second.cli("CONFIG", "SET", "notify-keyspace-events", "Kh");
    const afterwards = nudges;
    await second.cli("HSET", KEY, "canary", "0.5");
    await eventually(() => nudges > afterwards, "a nudge from the new server");
    end?.();
  });

  test("a subscription that has died without a word is found and followed by another", async () => {
    const store = await open(faults.port);
    let nudges = 0;
    store.watch?.("website", () => nudges++);
    await eventually(() => nudges > 0, "the first nudge");
    const before = nudges;
    faults.swallowOpen();
    await within(
      10_000,
      eventually(() => nudges > before, "a nudge"),
    );
  }, 15_000);

  test("a server that takes connections and drops them is not connected to in a loop", async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    const port = await listen(server);
    const store = await open(port);
    store.watch?.("website", () => {});
    await Bun.sleep(2_000);
    expect(connections).toBeWithin(1, 20);
    server.close();
  });

  test("a password that the server does not know is denied, also if the server wants none", async () => {
    const store = await open(first.port, ":hunter2@");
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "denied" });
  });

  test("a primary that became a replica takes no writes, and says what to name instead", async () => {
    const store = await open(second.port);
    await second.cli("REPLICAOF", "127.0.0.1", String(await freePort()));
    const error = await fails(store.write?.("website", "canary", { rollout: 1 }, null, soon()));
    expect(error).toMatchObject({ code: "unavailable" });
    expect(error.message).toContain("name the primary");
  });

  test("nothing queues while a server is silent, and memory stays flat over outages", async () => {
    const store = await open(faults.port);
    await store.read("website", soon());
    const cycle = async () => {
      await faults.enter("refuse");
      for (let read = 0; read < 50; read++) await store.read("website", soon()).catch(() => {});
      await faults.enter("pass");
      for (let read = 0; read < 50; read++) await store.read("website", soon());
    };
    for (let round = 0; round < 4; round++) await cycle();
    Bun.gc(true);
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 12; round++) await cycle();
    Bun.gc(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 1024 * 1024);
    expect(faults.open).toBeLessThanOrEqual(1);
  }, 30_000);
});

/** A server that answers all commands alike. */
const REPLIES: readonly (readonly [reply: string, code: string, remedy: string])[] = [
  ["-NOAUTH Authentication required.", "denied", "redis://USER:PASSWORD@HOST"],
  ["-NOPERM User x has no permissions", "denied", "docs/stores/redis.md"],
  ["-LOADING Redis is loading the dataset in memory", "unavailable", "wait"],
  ["-MASTERDOWN Link with MASTER is down", "unavailable", "replication"],
  ["-CLUSTERDOWN The cluster is down", "unavailable", "CLUSTER INFO"],
  ["-MOVED 3999 127.0.0.1:6381", "unavailable", "single Redis"],
  ["-BUSY Redis is busy running a script", "unavailable", "SCRIPT KILL"],
  ["-OOM command not allowed", "unavailable", "maxmemory"],
  ["-ERR max number of clients reached", "unavailable", "maxclients"],
  ["-ERR unknown command 'EVAL', with args beginning with: hunter2", "malformed", "Redis 6"],
  ["+OK", "malformed", "not Redis"],
  [":1", "malformed", "not Redis"],
  ["*1\r\n$6\r\ncanary", "malformed", "not Redis"],
  ["*2\r\n$6\r\ncanary\r\n*0", "malformed", "not Redis"],
  ["HTTP/1.1 400 Bad Request", "malformed", "not Redis"],
];

test.each(REPLIES)("%j is %s, with the remedy", async (reply, code, remedy) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.write(`${reply}\r\n`));
  });
  const store = await open(await listen(server));
  const error = await fails(store.read("website", soon()));
  expect(error).toMatchObject({ code });
  expect(error.message).toContain(remedy);
  expect(error.message).not.toContain("hunter2");
  server.close();
});

test("a reply without end is given up in time", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("$2000000000\r\n");
      const timer = setInterval(() => socket.write("x".repeat(1024)), 20);
      socket.on("close", () => clearInterval(timer));
    });
  });
  const store = await open(await listen(server));
  expect(await within(2_500, fails(store.read("website", soon())))).toMatchObject({ code: "unavailable" });
  server.close();
});

test.each([
  ["a text", "$500000000\r\n", "xxxxxxx"],
  ["a list", "*999999999\r\n", "$1\r\na\r\n"],
])("%s that floods is cut off long before its time is up", async (_, head, part) => {
  const child = Bun.spawn([process.execPath, "-e", FLOOD, head, part], { stdout: "pipe" });
  try {
    const { value } = await child.stdout.getReader().read();
    const store = await open(Number(new TextDecoder().decode(value)));
    const error = await fails(store.read("website", soon()));
    // An answer that is parsed until the time is up is "unavailable".
    expect(error).toMatchObject({ code: "malformed" });
    expect(error.message).toContain("not Redis");
  } finally {
    child.kill();
  }
});

/** A server in a process of its own that answers with a beginning, and then with one text for ever. */
const FLOOD = `
  const [head, part] = process.argv.slice(-2);
  const bytes = Buffer.from(part.repeat(20_000));
  const server = require("node:net").createServer((socket) => {
    const more = () => { while (!socket.destroyed && socket.write(bytes)); };
    socket.on("error", () => {}).on("drain", more).once("data", () => { socket.write(head); more(); });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

describe.skipIf(isMissing)("passwords and certificates", () => {
  let directory: string;
  const at = (name: string) => join(directory, name);
  let engine: RedisServer;
  let tlsPort: number;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-redis-tls-"));
    for (const [name, san] of [
      ["right", "IP:127.0.0.1,DNS:localhost"],
      ["other", "DNS:elsewhere.example"],
    ]) {
      await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=${name} -addext subjectAltName=${san} -keyout ${at(`${name}.key`)} -out ${at(`${name}.crt`)}`.quiet();
    }
    engine = await serve("right");
  });
  afterAll(async () => {
    await engine?.stop();
    rmSync(directory, { recursive: true });
  });

  async function serve(certificate: string): Promise<RedisServer> {
    tlsPort = await freePort();
    const tls = ["--tls-port", String(tlsPort), "--tls-auth-clients", "no"];
    const files = ["--tls-cert-file", at(`${certificate}.crt`), "--tls-key-file", at(`${certificate}.key`)];
    const login = { cli: ["-a", SECRET, "--no-auth-warning"] };
    const server = await startRedis("redis-server", [...tls, ...files, "--requirepass", SECRET], login);
    await server.cli("HSET", KEY, "canary", "0.25");
    return server;
  }

  async function get(address: string, ca?: string): Promise<{ status: number; output: string }> {
    const child = Bun.spawn([process.execPath, BIN, "get", "-application", "website", "-store", address], {
      env: { PATH: process.env["PATH"], ...(ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: at(ca) }) },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const output = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
    return { status: await child.exited, output };
  }

  const login = `:${encodeURIComponent(SECRET)}@`;

  test.each(["127.0.0.1", "localhost"])("with its own authority, rediss://%s is read", async (host) => {
    const { status, output } = await get(`rediss://${login}${host}:${tlsPort}`, "right.crt");
    expect(output).toContain("25%");
    expect(status).toBe(0);
    expect(output).not.toContain(SECRET);
  });

  test("a certificate of an unknown authority is refused, before any password is sent", async () => {
    const { status, output } = await get(`rediss://${login}127.0.0.1:${tlsPort}`);
    expect(status).not.toBe(0);
    expect(output).toContain("does not answer");
    expect(output).not.toContain("hunter2");
  });

  test("a certificate of another host is refused", async () => {
    const other = await serve("other");
    try {
      const { status, output } = await get(`rediss://${login}127.0.0.1:${tlsPort}`, "other.crt");
      expect(status).not.toBe(0);
      expect(output).toContain("does not answer");
    } finally {
      await other.stop();
    }
  });

  test.each([
    ["no password", ""],
    ["a wrong password", ":hunter2-wrong@"],
    ["a wrong user", "hunter2-user:hunter2@"],
  ])("%s is denied", async (_, wrong) => {
    const store = await open(engine.port, wrong);
    const error = await fails(store.read("website", soon()));
    expect(error).toMatchObject({ code: "denied" });
    const shown = `${store.address} ${Bun.inspect(error, { depth: 10 })} ${Bun.inspect(store, { depth: 10 })}`;
    expect(shown).not.toContain("hunter2");
  });

  test("a store that is in shows its password nowhere", async () => {
    const store = await open(engine.port, login);
    store.watch?.("website", () => {});
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    expect(Bun.inspect(store, { depth: 10 }) + JSON.stringify(store)).not.toContain("hunter2");
    expect(store.address).toBe(`redis://***@127.0.0.1:${engine.port}/0`);
  });
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
