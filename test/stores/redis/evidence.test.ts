/** The evidence of releases in a Redis, beyond the suite: its bounds, its place, its rights. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  BATCH_BYTES_MAX,
  BATCHES_MAX,
  EVIDENCE_KEPT_MS,
  type Evidence,
} from "../../../src/stores/evidence.ts";
import { openStore } from "../../../src/stores/list.ts";
import type { Store } from "../../../src/stores/store.ts";
import { reasonOf } from "../../support/reason-of.ts";
import { type RedisServer, redisMissing, startRedis } from "../../support/redis-server.ts";
import { soon } from "../../support/store-calls.ts";

const LOG = { application: "website", key: "0123456789abcdef01234567" };
const KEY = `maxwells-daemon-evidence:{maxwells-daemon:website}:${LOG.key}`;
const MIB = 1024 * 1024;
const LONG = Array.from({ length: BATCHES_MAX }, () => "x".repeat(BATCH_BYTES_MAX));

for (const program of ["redis-server", "valkey-server"] as const) {
  describe.skipIf(redisMissing(program) !== undefined)(`the evidence in a ${program}`, () => {
    let engine: RedisServer;
    const stores: Store[] = [];

    beforeAll(async () => {
      engine = await startRedis(program);
    });
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
      await engine.cli("CONFIG", "SET", "maxmemory", "0");
      await engine.cli("FLUSHALL");
    });
    afterAll(async () => {
      await engine?.stop();
    });

    async function open(login = ""): Promise<Store & { readonly evidence: Evidence }> {
      const address = `redis://${login}127.0.0.1:${engine.port}`;
      const store = await openStore(address, { table: "", region: "", environment: {}, warn: () => {} });
      stores.push(store);
      if (store.evidence === undefined) throw new Error("no evidence");
      return store as Store & { readonly evidence: Evidence };
    }

    const usedBytes = async () =>
      Number(/\nused_memory:(\d+)/.exec(await engine.cli("INFO", "memory"))?.[1] ?? Number.NaN);

    test("a log goes a week after its last batch", async () => {
      const { evidence } = await open();
      await evidence.append(LOG, ["first"], soon());
      await engine.cli("PEXPIRE", KEY, "10000");
      await evidence.append(LOG, ["second"], soon());
      const leftMs = Number(await engine.cli("PTTL", KEY));
      expect(leftMs).toBeGreaterThan(EVIDENCE_KEPT_MS - 60_000);
      expect(leftMs).toBeLessThanOrEqual(EVIDENCE_KEPT_MS);
    });

    test("a log that is too long loses its oldest batches, and keeps its newest", async () => {
      const { evidence } = await open();
      const calls = Math.ceil((48 * MIB) / (BATCHES_MAX * BATCH_BYTES_MAX));
      for (let call = 0; call < calls; call++) {
        await evidence.append(LOG, [`call ${call}`, ...LONG.slice(1)], soon());
      }
      expect(Number(await engine.cli("MEMORY", "USAGE", KEY))).toBeLessThan(34 * MIB);
      const seen = await whole(evidence);
      expect(seen).toContain(`call ${calls - 1}`);
      expect(seen).toContain(`call ${calls - 300}`);
      expect(seen).not.toContain("call 0");
    });

    test("a reader whose place in a log was cut off gets what is left", async () => {
      const { evidence } = await open();
      await evidence.append(LOG, ["first"], soon());
      const { cursor } = await evidence.read(LOG, undefined, soon());
      for (const batch of ["second", "third"]) await evidence.append(LOG, [batch], soon());
      await engine.cli("XTRIM", KEY, "MAXLEN", "1");
      expect((await evidence.read(LOG, cursor, soon())).batches).toEqual(["third"]);
    });

    test("after a fail-over, an entry that got the id of a lost one is not taken for it", async () => {
      const { evidence } = await open();
      for (const batch of ["kept", "lost"]) await evidence.append(LOG, [batch], soon());
      const { cursor } = await evidence.read(LOG, undefined, soon());
      const [id = ""] = cursor.split(" ");
      const [kept = ""] = (await engine.cli("XRANGE", KEY, "-", "+")).split("\n");
      await engine.cli("DEL", KEY);
      await engine.cli("XADD", KEY, kept, "nonce", "0123456789abcdef", "batch", "kept");
      await engine.cli("XADD", KEY, id, "nonce", "fedcba9876543210", "batch", "later");
      await evidence.append(LOG, ["last"], soon());
      expect((await evidence.read(LOG, cursor, soon())).batches).toEqual(["kept", "later", "last"]);
    });

    test("if memory is almost full, evidence is refused before a record is", async () => {
      const store = await open();
      await store.evidence.append(LOG, ["while there is room"], soon());
      await engine.cli("CONFIG", "SET", "maxmemory-policy", "noeviction");
      await engine.cli("CONFIG", "SET", "maxmemory", String((await usedBytes()) + 4 * MIB));
      let refused: unknown;
      for (let call = 0; refused === undefined && call < 200; call++) {
        refused = await store.evidence.append(LOG, LONG, soon()).catch((error: unknown) => error);
      }
      expect(refused).toMatchObject({ name: "StoreError", code: "refused" });
      expect((refused as Error).message).toContain("maxmemory");
      const release = { state: "aborted", padding: "x".repeat(16_000) };
      const written = await store.write?.("website", "canary", { rollout: 0, release }, null, soon());
      expect(written).toMatchObject({ ok: true });
    });

    test("if memory is full, evidence is refused", async () => {
      const { evidence } = await open();
      await engine.cli("CONFIG", "SET", "maxmemory", "1mb");
      await engine.cli("CONFIG", "SET", "maxmemory-policy", "volatile-lru");
      const refused = evidence.append(LOG, ["too much"], soon());
      expect(await reasonOf(refused)).toMatchObject({ code: "refused" });
      await engine.cli("CONFIG", "SET", "maxmemory-policy", "noeviction");
    });

    test("entries by another hand do not stop a reader", async () => {
      const { evidence } = await open();
      await engine.cli("XADD", KEY, "*", "note", "by hand");
      await engine.cli("XADD", KEY, "*", "nonce", "not a nonce", "batch", "by hand too");
      const { cursor, batches, hasMore } = await evidence.read(LOG, undefined, soon());
      expect({ batches, hasMore }).toEqual({ batches: ["by hand too"], hasMore: false });
      await evidence.append(LOG, ["ours"], soon());
      expect((await evidence.read(LOG, cursor, soon())).batches).toEqual(["ours"]);
    });

    test("a key of another type is malformed", async () => {
      const { evidence } = await open();
      await engine.cli("SET", KEY, "a text");
      const append = evidence.append(LOG, ["batch"], soon());
      expect(await reasonOf(append)).toMatchObject({
        code: "malformed",
        message: expect.stringContaining(KEY),
      });
      const read = evidence.read(LOG, undefined, soon());
      expect(await reasonOf(read)).toMatchObject({
        code: "malformed",
        message: expect.stringContaining(KEY),
      });
    });

    test("a log is on the node of a cluster that has the application's records", async () => {
      const { evidence } = await open();
      const node = await startRedis(program, ["--cluster-enabled", "yes"]);
      const slotOf = async (key: string) => Number(await node.cli("CLUSTER", "KEYSLOT", key));
      try {
        for (const application of ["website", "{website}", "a b", "a:b", "x{tag}y"]) {
          await evidence.append({ application, key: LOG.key }, ["batch"], soon());
          const [key = ""] = (await engine.cli("KEYS", "maxwells-daemon-evidence:*")).split("\n");
          expect([key, await slotOf(key)]).toEqual([key, await slotOf(`maxwells-daemon:${application}`)]);
          expect(await slotOf(key)).toBeGreaterThan(0);
          await engine.cli("FLUSHALL");
        }
      } finally {
        await node.stop();
      }
    });
  });
}

async function whole(evidence: Evidence): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | undefined;
  for (;;) {
    const news = await evidence.read(LOG, cursor, soon());
    seen.push(...news.batches);
    cursor = news.cursor;
    if (!news.hasMore) return seen;
  }
}
