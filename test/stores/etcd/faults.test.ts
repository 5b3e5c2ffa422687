/** Faults of members, networks and certificates, and the store. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePlace } from "../../../src/stores/etcd/address.ts";
import { EtcdGateway } from "../../../src/stores/etcd/gateway.ts";
import { EtcdWatch } from "../../../src/stores/etcd/watch.ts";
import type { Store } from "../../../src/stores/store.ts";
import { type Etcd, etcdMissing, openEtcd, startCluster, startEtcd } from "../../support/etcd.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/port.ts";
import { reasonOf } from "../../support/reason-of.ts";
import { TcpFaults } from "../../support/tcp-faults.ts";
import { rollouts } from "../store-suite.ts";

const missing = etcdMissing();
const soon = () => AbortSignal.timeout(10_000);
const KEY = "/maxwells-daemon/website/canary";

/** Everything that a case has to end, last in, first out. */
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
});

function ending<T>(part: T, end: (part: T) => unknown): T {
  endings.push(() => end(part));
  return part;
}

const store = async (address: string, warnings?: string[]): Promise<Store> =>
  ending(await openEtcd(address, warnings), (opened) => opened.close());

const network = async (port: number) =>
  ending(await TcpFaults.start({ host: "127.0.0.1", port }), (faults) => faults.stop());

/** The error of a read. */
const failure = (opened: Store) =>
  opened.read("website", soon()).then(
    () => undefined,
    (error: unknown) => error,
  );

describe.skipIf(missing !== undefined)("etcd", () => {
  let engine: Etcd;
  beforeAll(async () => {
    engine = await startEtcd();
    await engine.ctl("put", KEY, "0.25");
  }, 30_000);
  afterAll(() => engine?.stop());

  test.each(["refuse", "reset", "swallow", "cut", "garbage"] as const)(
    "with two endpoints, one of which does %s, reads go on, and wait for it once at most",
    async (mode) => {
      const [one, two] = [await network(engine.port), await network(engine.port)];
      const opened = await store(`etcd://127.0.0.1:${one.port},127.0.0.1:${two.port}/`);
      await opened.read("website", soon());
      await one.enter(mode);
      expect(rollouts(await opened.read("website", soon()))).toEqual({ canary: 0.25 });
      const beganMs = performance.now();
      expect(rollouts(await opened.read("website", soon()))).toEqual({ canary: 0.25 });
      expect(performance.now() - beganMs).toBeLessThan(1_000);
      await one.enter("pass");
      await two.enter(mode);
      expect(rollouts(await opened.read("website", soon()))).toEqual({ canary: 0.25 });
    },
  );

  test("a write whose answer is lost finds that it was heard", async () => {
    const [one, two] = [await network(engine.port), await network(engine.port)];
    const opened = await store(`etcd://127.0.0.1:${one.port},127.0.0.1:${two.port}/`);
    const revision = (await opened.read("website", soon())).get("canary")?.revision ?? "";
    // The first answer of a write is that of its look at what is there; the second is cut.
    let answers = 0;
    const cutter = ending(
      Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        async fetch(request) {
          const url = `http://127.0.0.1:${engine.port}${new URL(request.url).pathname}`;
          const text = await fetch(url, { method: "POST", body: await request.text() }).then((r) => r.text());
          return new Response(answers++ === 0 ? text : text.slice(0, 10));
        },
      }),
      (server) => server.stop(true),
    );
    one.failOver({ host: "127.0.0.1", port: cutter.port ?? 0 });
    const written = await opened.write?.("website", "canary", { rollout: 0.25, why: "x" }, revision, soon());
    expect(written).toMatchObject({ ok: true });
    expect((await opened.read("website", soon())).get("canary")?.revision).toBe(
      written?.ok ? written.revision : "",
    );
    expect(answers).toBe(2);
    await engine.ctl("put", KEY, "0.25");
  });

  test("a stream on which nothing comes is followed by another", async () => {
    const faults = await network(engine.port);
    const place = parsePlace("etcd", `//127.0.0.1:${faults.port}/`);
    if (typeof place === "string") throw new Error(place);
    const gateway = ending(new EtcdGateway(place), (opened) => opened.close());
    const watch = new EtcdWatch({ gateway, prefix: place.prefix, warn: () => {}, silenceMs: 300 });
    ending(watch, (opened) => opened.close());
    let count = 0;
    watch.add("website", () => count++);
    await eventually(() => count > 0, "the watch stands");
    faults.swallowOpen();
    const before = count;
    await eventually(() => count > before, "another stream");
    expect(faults.open).toBeLessThanOrEqual(3);
  });

  test("one stream serves all applications, and each hears its own changes only", async () => {
    const faults = await network(engine.port);
    const opened = await store(`etcd://127.0.0.1:${faults.port}/`);
    const counts: Record<string, number> = {};
    for (const name of ["one", "two", "three"]) {
      counts[name] = 0;
      opened.watch?.(name, () => {
        counts[name] = (counts[name] ?? 0) + 1;
      });
    }
    await eventually(() => Object.values(counts).every((count) => count > 0), "the watch stands");
    expect(faults.open).toBe(1);
    const before = { ...counts };
    await engine.ctl("put", "/maxwells-daemon/two/canary", "0.5");
    await eventually(() => counts["two"] !== before["two"], "a nudge of two");
    expect(counts).toEqual({ ...before, two: (before["two"] ?? 0) + 1 });
  });

  test("etcd has no watchers left after a store has closed", async () => {
    const opened = await openEtcd(`etcd://127.0.0.1:${engine.port}/`);
    let count = 0;
    opened.watch?.("website", () => count++);
    await eventually(() => count > 0, "the watch stands");
    await opened.close();
    const watchers = async () => {
      const text = await fetch(`http://127.0.0.1:${engine.port}/metrics`).then((r) => r.text());
      return /^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(text)?.[1];
    };
    await eventually(async () => (await watchers()) === "0", "no watchers");
  });
});

describe("law 5: what etcd sends keeps no visitor waiting", () => {
  const many = (value: string) => `[${Array(20_000).fill(value).join(",")}]`;

  /** A gateway whose streams begin with these lines and do not end; `began` says how many there were. */
  async function streaming(lines: string) {
    let began = 0;
    const server = ending(
      Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        idleTimeout: 0,
        fetch() {
          began++;
          return new Response(new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from(lines)) }));
        },
      }),
      (started) => started.stop(true),
    );
    const opened = await store(`etcd://127.0.0.1:${server.port}/`);
    let nudges = 0;
    opened.watch?.("website", () => nudges++);
    return { began: () => began, nudges: () => nudges };
  }

  test.each([
    ["many values", `{"result":{"x":${many("1")}}}`],
    ["many events", `{"result":{"events":${many("{}")}}}`],
    ["deep lists", `{"result":{"x":${"[".repeat(1_000)}${"]".repeat(1_000)}}}`],
    ["a long line", `{"result":{"x":"${"x".repeat(600_000)}"}}`],
  ])("a stream ends at a line with %s, and another one follows", async (_name, line) => {
    const { began } = await streaming(`${line}\n`);
    await eventually(() => began() > 1, "another stream");
  });

  test("a stream that says a thousand times that it begins nudges once", async () => {
    const created = '{"result":{"created":true}}\n';
    const { nudges, began } = await streaming(`${created.repeat(1_000)}{"result":{"canceled":true}}\n`);
    await eventually(() => began() > 1, "the whole stream was heard");
    expect(nudges()).toBeLessThanOrEqual(began());
  });

  test.each([
    ["values", `"x":${many("1")}`],
    ["names", Array.from({ length: 20_000 }, (_, index) => `"k${index}":1`).join(",")],
  ])("an answer with many %s is none of etcd's", async (_name, text) => {
    const server = ending(
      Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: () => new Response(`{"header":{"revision":"9"},"kvs":[],${text}}`),
      }),
      (started) => started.stop(true),
    );
    const opened = await store(`etcd://127.0.0.1:${server.port}/`);
    expect(await reasonOf(opened.readMany?.(["website"], soon()))).toMatchObject({ code: "malformed" });
  });
});

describe("what answers as etcd might", () => {
  /** Something at the other end, and a store that asks it. */
  async function against(fetch: (request: Request) => Response | Promise<Response>): Promise<Store> {
    const server = ending(Bun.serve({ hostname: "127.0.0.1", port: 0, fetch }), (started) =>
      started.stop(true),
    );
    return store(`etcd://127.0.0.1:${server.port}/`);
  }

  test.each<[string, () => Response, string]>([
    ["an empty object", () => new Response("{}"), "malformed"],
    ["a page", () => new Response("<html>"), "malformed"],
    ["another server", () => new Response("Not Found", { status: 404 }), "malformed"],
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/", 307), "malformed"],
    ["endless bytes", () => new Response("x".repeat(3 * 1024 * 1024)), "malformed"],
    ["a proxy that has lost it", () => new Response("", { status: 502 }), "unavailable"],
    ["no leader", () => refusal(503, 14, "etcdserver: no leader"), "unavailable"],
    ["no space", () => refusal(429, 8, "etcdserver: mvcc: database space exceeded"), "unavailable"],
    ["a time-out", () => refusal(503, 14, "etcdserver: request timed out"), "unavailable"],
    ["an unknown one of code 4", () => refusal(504, 4, "geheim"), "unavailable"],
    ["an unknown one of code 7", () => refusal(403, 7, "geheim"), "denied"],
    ["an unknown one", () => refusal(400, 3, "geheim"), "malformed"],
  ])("%s is an error of its kind, and none of its text is repeated", async (_name, answer, code) => {
    const error = await failure(await against(answer));
    expect(error).toMatchObject({ name: "StoreError", code });
    expect(Bun.inspect(error)).not.toContain("geheim");
    expect(Bun.inspect(error)).not.toContain("etcdserver:");
  });

  test.each<[string, string]>([
    ["it has compacted what a watch was at", '{"result":{"canceled":true,"compact_revision":"9"}}\n'],
    ["a line is endless", `{"result":{"created":true}}\n${"x".repeat(3 * 1024 * 1024)}`],
    ["what it says is nonsense", '{"result":{"created":true}}\n[]\n'],
    ["it says nothing and ends", ""],
  ])("if %s, the watch begins again, and not in a loop", async (_name, says) => {
    let streams = 0;
    const opened = await against(() => {
      streams++;
      return new Response(streams < 3 ? says : '{"result":{"created":true}}\n');
    });
    let count = 0;
    const beganMs = performance.now();
    opened.watch?.("website", () => count++);
    await eventually(() => streams >= 6, "another stream");
    expect(count).toBeGreaterThan(0);
    expect(performance.now() - beganMs).toBeGreaterThan(5 * 20);
  });
});

describe.skipIf(missing !== undefined)("a cluster of two members", () => {
  test("without quorum a read is unavailable, and not answered from memory", async () => {
    const [one, two] = await startCluster(2);
    if (one === undefined || two === undefined) throw new Error("no members");
    ending(one, (member) => member.stop());
    ending(two, (member) => member.stop());
    await one.ctl("put", KEY, "0.25");
    const opened = await store(`etcd://127.0.0.1:${one.port}/`);
    expect(rollouts(await opened.read("website", soon()))).toEqual({ canary: 0.25 });
    await two.stop();
    expect(await failure(opened)).toMatchObject({ name: "StoreError", code: "unavailable" });
  }, 60_000);
});

describe.skipIf(missing !== undefined || Bun.which("openssl") === null)("etcd over TLS", () => {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-etcd-tls-"));
  const at = (name: string) => join(directory, name);
  let engine: Etcd;

  beforeAll(async () => {
    await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -days 2 -keyout ${at("ca.key")} -out ${at("ca.pem")}`.quiet();
    for (const name of ["server", "client"]) {
      await Bun.write(at(`${name}.ext`), "subjectAltName=IP:127.0.0.1\n");
      await Bun.$`openssl req -newkey rsa:2048 -nodes -subj /CN=${name} -keyout ${at(`${name}.key`)} -out ${at(`${name}.csr`)}`.quiet();
      await Bun.$`openssl x509 -req -days 2 -in ${at(`${name}.csr`)} -CA ${at("ca.pem")} -CAkey ${at("ca.key")} -CAcreateserial -extfile ${at(`${name}.ext`)} -out ${at(`${name}.pem`)}`.quiet();
    }
    const login = ["--cacert", at("ca.pem"), "--cert", at("client.pem"), "--key", at("client.key")];
    engine = await startEtcd({
      scheme: "https",
      flags: [
        ...["--cert-file", at("server.pem"), "--key-file", at("server.key")],
        ...["--client-cert-auth", "--trusted-ca-file", at("ca.pem")],
      ],
      login,
    });
    await engine.ctl("put", KEY, "0.25");
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test("with its own authority and a client's certificate it reads and watches", async () => {
    const files = `cacert=${at("ca.pem")}&cert=${at("client.pem")}&key=${at("client.key")}`;
    const opened = await store(`etcds://127.0.0.1:${engine.port}/?${files}`);
    let count = 0;
    opened.watch?.("website", () => count++);
    await eventually(() => count > 0, "the watch stands");
    const before = count;
    await engine.ctl("put", KEY, "0.5");
    await eventually(() => count > before, "a nudge");
    expect(rollouts(await opened.read("website", soon()))).toEqual({ canary: 0.5 });
  });

  test.each<[string, (port: number) => string]>([
    ["an unknown authority", (port) => `etcds://127.0.0.1:${port}/`],
    ["no certificate of its own", (port) => `etcds://127.0.0.1:${port}/?cacert=${at("ca.pem")}`],
    ["a file that is not there", (port) => `etcds://127.0.0.1:${port}/?cacert=${at("none.pem")}`],
    ["no TLS", (port) => `etcd://127.0.0.1:${port}/`],
  ])("with %s it is an error", async (_name, address) => {
    const error = await failure(await store(address(engine.port)));
    expect(error).toMatchObject({ name: "StoreError" });
    expect((error as { code?: string }).code).not.toBe("outdated");
  });

  test("an address without a server is unavailable", async () => {
    expect(await failure(await store(`etcds://127.0.0.1:${await freePort()}/`))).toMatchObject({
      code: "unavailable",
    });
  });
});

/** An error in the spelling of the gateway. */
function refusal(status: number, code: number, text: string): Response {
  return Response.json({ error: text, message: text, code }, { status });
}
