/** Answers that want to be gigabytes, by servers that stand in a store's place: law 5. */

import { afterEach, describe, expect, test } from "bun:test";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { openStore } from "../../src/stores/list.ts";
import type { StoreError } from "../../src/stores/store.ts";
import { sdkEnvironment } from "../support/dynamodb-local.ts";

/** The size of the compressed answers when unpacked. */
const BOMB_BYTES = 128 * 1024 * 1024;

/**
 * The memory that a read may take for the moment, with the buffers of the server, which is in this process,
 * too.
 */
const GROWTH_BYTES_MAX = 48 * 1024 * 1024;

const READ_MS = 10_000;

const PACKERS = {
  gzip: (bytes: Uint8Array) => gzipSync(bytes),
  deflate: (bytes: Uint8Array) => deflateSync(bytes),
  br: (bytes: Uint8Array) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: (bytes: Uint8Array) => Bun.zstdCompressSync(bytes),
} as const;
const ENCODINGS = Object.keys(PACKERS) as (keyof typeof PACKERS)[];

const addressOf = {
  http: (port: number) => `http://127.0.0.1:${port}/rollouts.json`,
  etcd: (port: number) => `etcd://127.0.0.1:${port}/`,
  dynamodb: () => "dynamodb://us-east-1/MaxwellsDaemon",
} as const;
const STORES = Object.keys(addressOf) as (keyof typeof addressOf)[];

/** Packed when it is first needed: blanks, which are JSON until the last byte. */
const packed = new Map<string, Uint8Array>();
function bombOf(encoding: keyof typeof PACKERS): Uint8Array {
  const known = packed.get(encoding) ?? PACKERS[encoding](Buffer.alloc(BOMB_BYTES, " "));
  packed.set(encoding, known);
  return known;
}

const environment = { ...process.env };
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) await end();
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
});

/** A server that answers everything like this; resolves with its port and what it was asked for. */
function startServer(answer: () => Response) {
  const asked: (string | null)[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      asked.push(request.headers.get("accept-encoding"));
      return answer();
    },
  });
  endings.push(() => server.stop(true));
  return { port: server.port ?? 0, asked };
}

/** The error of a read of this store, and the memory that it took at the worst moment. */
async function readOf(kind: keyof typeof addressOf, port: number) {
  Object.assign(process.env, sdkEnvironment(`http://127.0.0.1:${port}`));
  const store = await openStore(addressOf[kind](port), {
    table: "",
    region: "",
    environment: {},
    warn: () => {},
  });
  endings.push(() => store.close());
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  let most = before;
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 2);
  const error = await store.read("website", AbortSignal.timeout(READ_MS)).then(
    () => undefined,
    (reason: StoreError) => reason,
  );
  // Memory of another thread shows a moment later.
  await Bun.sleep(300);
  clearInterval(timer);
  look();
  return { error, growth: most - before };
}

describe.each(STORES)("law 5: %s", (kind) => {
  test.each(ENCODINGS)("a few kilobytes of %s that become 128 MiB take no memory", async (encoding) => {
    const bomb = bombOf(encoding);
    expect(bomb.byteLength).toBeLessThan(200_000);
    const { port, asked } = startServer(
      () => new Response(bomb, { headers: { "content-encoding": encoding } }),
    );
    const { error, growth } = await readOf(kind, port);
    expect(error).toMatchObject({ name: "StoreError", code: "malformed" });
    expect(error?.message.toLowerCase()).toContain("compress");
    expect(growth).toBeLessThan(GROWTH_BYTES_MAX);
    // The SDK of DynamoDB does not ask for compression by itself.
    for (const encodings of asked) expect(encodings ?? "identity").toBe("identity");
  });

  test.each([
    [200, "malformed"],
    [500, "unavailable"],
  ])("an answer without end, of status %p, takes no memory", async (status, code) => {
    const { port } = startServer(() => {
      const blanks = Buffer.alloc(256 * 1024, " ");
      const body = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(blanks)) });
      return new Response(body, { status });
    });
    const { error, growth } = await readOf(kind, port);
    expect(error?.name).toBe("StoreError");
    // A body that is needed to tell what the status means is malformed.
    expect([code, "malformed"]).toContain(error?.code as string);
    // The stream's source is here as well, and what it has made is freed later.
    expect(growth).toBeLessThan(4 * GROWTH_BYTES_MAX);
  });

  test("an answer that says that it is not compressed is read", async () => {
    const text =
      kind === "http" ? '{"website":{}}' : kind === "etcd" ? '{"header":{"revision":"1"}}' : '{"Items":[]}';
    const headers = { "content-encoding": "identity", "content-type": "application/json" };
    const { port } = startServer(() => new Response(text, { headers }));
    expect((await readOf(kind, port)).error).toBeUndefined();
  });
});
