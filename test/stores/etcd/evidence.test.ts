/** The evidence of releases in etcd, beyond the suite: its place, its leases, its bounds. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { Head } from "../../../src/stores/etcd/evidence-head.ts";
import { headOf } from "../../../src/stores/etcd/evidence-head.ts";
import { EvidenceLeases } from "../../../src/stores/etcd/evidence-leases.ts";
import { EvidenceRoom } from "../../../src/stores/etcd/evidence-room.ts";
import type { Json } from "../../../src/stores/etcd/records.ts";
import { EVIDENCE_KEPT_MS, type Evidence } from "../../../src/stores/evidence.ts";
import type { Store } from "../../../src/stores/store.ts";
import { type Etcd, etcdMissing, openEtcd, startEtcd } from "../../support/etcd.ts";
import { reasonOf } from "../../support/reason-of.ts";

const LOG = { application: "web/site", key: "0123456789abcdef01234567" };
const HEAD = `/maxwells-daemon.evidence/web%2Fsite/${LOG.key}`;
const HOUR_MS = 3_600_000;
const soon = () => AbortSignal.timeout(20_000);

describe.skipIf(etcdMissing() !== undefined)("the evidence in an etcd", () => {
  let engine: Etcd;
  const stores: Store[] = [];
  beforeAll(async () => {
    engine = await startEtcd();
  }, 30_000);
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    await engine.ctl("del", "--prefix", "/");
  });
  afterAll(() => engine?.stop());

  async function open(): Promise<Evidence> {
    const store = await openEtcd(`etcd://127.0.0.1:${engine.port}/`);
    stores.push(store);
    if (store.evidence === undefined) throw new Error("no evidence");
    return store.evidence;
  }

  const entries = async () => Object.keys(await engine.get(`${HEAD}/`)).toSorted();

  test("the entries of a log lie in the order in which they were written, beside its head", async () => {
    const [one, two] = [await open(), await open()];
    for (const [index, evidence] of [one, two, two, one, two].entries()) {
      await evidence.append(LOG, [`batch ${index}`], soon());
    }
    const found = await engine.get(`${HEAD}/`);
    expect((await entries()).map((key) => found[key])).toEqual(
      Array.from({ length: 5 }, (_, index) => JSON.stringify([`batch ${index}`])),
    );
    const head = headOf((await engine.get(HEAD))[HEAD] ?? "");
    expect(`${HEAD}/${head?.name}`).toBe((await entries()).at(-1) ?? "");
  });

  test("all writers share one lease, of a week and a day", async () => {
    for (let writer = 0; writer < 4; writer++) {
      const evidence = await open();
      for (let batch = 0; batch < 3; batch++) await evidence.append(LOG, ["batch"], soon());
    }
    const head = headOf((await engine.get(HEAD))[HEAD] ?? "");
    expect([head?.count, head?.leases.length]).toEqual([12, 1]);
    const { ttl, keys } = await leaseOf(head?.leases[0] ?? "");
    expect(ttl).toBeGreaterThan(EVIDENCE_KEPT_MS / 1_000);
    expect(ttl).toBeLessThanOrEqual(EVIDENCE_KEPT_MS / 1_000 + 86_400);
    expect(keys.toSorted()).toEqual([HEAD, ...(await entries())].toSorted());
  });

  test("if the leases have expired, the log begins again, and its reader sees that", async () => {
    const evidence = await open();
    for (const batch of ["one", "two"]) await evidence.append(LOG, [batch], soon());
    const { cursor } = await evidence.read(LOG, undefined, soon());
    const head = headOf((await engine.get(HEAD))[HEAD] ?? "");
    await engine.ctl("lease", "revoke", hex(head?.leases[0] ?? ""));
    expect(await entries()).toEqual([]);
    for (const batch of ["three", "four"]) await evidence.append(LOG, [batch], soon());
    expect((await evidence.read(LOG, cursor, soon())).batches).toEqual(["three", "four"]);
  });

  test("many writers at once all come to their turn", async () => {
    const writers = await Promise.all(Array.from({ length: 40 }, open));
    const wanted = writers.map((_, index) => `batch ${index}`);
    await Promise.all(writers.map((evidence, index) => evidence.append(LOG, [`batch ${index}`], soon())));
    const { batches } = await (await open()).read(LOG, undefined, soon());
    expect(batches.toSorted()).toEqual(wanted.toSorted());
  });

  test("keys by another hand do not stop a reader or a writer", async () => {
    const evidence = await open();
    await evidence.append(LOG, ["one"], soon());
    const { cursor } = await evidence.read(LOG, undefined, soon());
    await engine.put({
      [`${HEAD}/0`]: "by hand",
      [`${HEAD}/9999`]: '["by hand too", 7]',
      [`${HEAD}/note`]: '["in no answer"]',
      [HEAD]: "by hand",
    });
    await evidence.append(LOG, ["two"], soon());
    const news = await evidence.read(LOG, cursor, soon());
    expect(news).toMatchObject({ batches: ["two", "by hand too"], hasMore: false });
    await evidence.append(LOG, ["three"], soon());
    expect((await evidence.read(LOG, news.cursor, soon())).batches).toContain("three");
    expect((await evidence.read(LOG, undefined, soon())).batches).toContain("one");
  });

  /** Its whole time in seconds, and the keys that go with it. */
  async function leaseOf(id: string): Promise<{ ttl: number; keys: string[] }> {
    const text = await engine.ctl("lease", "timetolive", hex(id), "--keys", "-w", "json");
    const lease = JSON.parse(text) as { "granted-ttl": number; keys: string[] };
    return {
      ttl: lease["granted-ttl"],
      keys: lease.keys.map((key) => Buffer.from(key, "base64").toString()),
    };
  }
});

/** A lease as etcdctl writes it. */
function hex(id: string): string {
  return BigInt(id).toString(16);
}

/** A gateway that answers by this function, and remembers the requests. */
function gatewayOf(answer: (path: string, body: Json) => Json) {
  const calls: [path: string, body: Json][] = [];
  const call = async (path: string, body: Json) => {
    calls.push([path, body]);
    return { json: answer(path, body), attempts: 1 };
  };
  return { gateway: { call }, calls };
}

describe("the leases of a log", () => {
  const NOW_MS = 1_764_417_600_000;
  const full: Head = { number: 1, name: "x", leases: ["11", "12"], count: 4_096, renewedAtMs: NOW_MS };
  let granted = 100;
  const grant = (path: string): Json =>
    path === "/v3/lease/grant" ? { ID: String(granted++) } : { result: {} };

  async function after(head: Head | undefined, nowMs = NOW_MS) {
    granted = 100;
    const { gateway, calls } = gatewayOf(grant);
    const leases = new EvidenceLeases({ gateway, address: "etcd", now: () => nowMs });
    const next = await leases.forNext(head, AbortSignal.timeout(1_000));
    return { next, calls };
  }

  test("a new log gets a lease", async () => {
    const { next, calls } = await after(undefined);
    expect(next).toEqual({ leases: ["100"], count: 1, renewedAtMs: NOW_MS });
    expect(calls).toEqual([["/v3/lease/grant", { TTL: String(8 * 86_400) }]]);
  });

  test("a lease that has many entries is followed by another, and kept", async () => {
    expect((await after({ ...full, count: 4_095 })).next).toMatchObject({
      leases: ["11", "12"],
      count: 4_096,
    });
    expect((await after(full)).next).toMatchObject({ leases: ["11", "12", "100"], count: 1 });
  });

  test("a log has a limited number of leases, and loses the oldest", async () => {
    const leases = Array.from({ length: 128 }, (_, index) => String(1_000 + index));
    const { next } = await after({ ...full, leases });
    expect(next.leases).toEqual([...leases.slice(1), "100"]);
  });

  test.each([
    ["after some hours", 6.1 * HOUR_MS],
    ["if the last writer's clock was ahead by some hours", -6.1 * HOUR_MS],
  ])("all leases are renewed %s", async (_, laterMs) => {
    const { next, calls } = await after({ ...full, count: 5 }, NOW_MS + laterMs);
    expect(calls).toEqual(["11", "12"].map((ID) => ["/v3/lease/keepalive", { ID }]));
    expect(next).toEqual({ leases: ["11", "12"], count: 6, renewedAtMs: NOW_MS + laterMs });
  });

  test("nothing is renewed earlier", async () => {
    expect((await after({ ...full, count: 5 }, NOW_MS + 5.9 * HOUR_MS)).calls).toEqual([]);
  });

  test.each(["", "{}", "[]", "null", '{"number":1,"name":"x","leases":["a"],"count":1,"renewedAtMs":1}'])(
    "%j is no head",
    (text) => {
      expect(headOf(text)).toBeUndefined();
    },
  );
});

describe("the room for evidence", () => {
  function room(bytes: unknown) {
    let [nowMs, dbSize] = [0, bytes];
    const { gateway, calls } = gatewayOf(() => ({ dbSize }));
    const checked = new EvidenceRoom({ gateway, address: "etcd://here", clock: () => nowMs });
    return {
      calls,
      check: () => checked.check(AbortSignal.timeout(1_000)),
      become(next: string, laterMs: number) {
        dbSize = next;
        nowMs += laterMs;
      },
    };
  }

  test("there is room up to 1 GiB", async () => {
    await room(String(1024 ** 3)).check();
    const refused = room(String(1024 ** 3 + 1)).check();
    expect(await reasonOf(refused)).toMatchObject({
      name: "StoreError",
      code: "refused",
      message: expect.stringContaining("etcd://here has more than 1 GiB"),
    });
  });

  test("etcd is asked once in five seconds", async () => {
    const { check, become, calls } = room("20480");
    await check();
    become("2000000000", 4_999);
    await check();
    become("2000000000", 1);
    expect(await reasonOf(check())).toMatchObject({ code: "refused" });
    become("20480", 5_000);
    await check();
    expect(calls.length).toBe(3);
  });

  test("an answer without a size is malformed", async () => {
    expect(await reasonOf(room(undefined).check())).toMatchObject({ code: "malformed" });
  });
});
