/** The reads of many applications: which keys are asked for, and that no change is missed. */

import { afterAll, afterEach, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { parsePlace } from "../../../src/stores/etcd/address.ts";
import { EtcdGateway } from "../../../src/stores/etcd/gateway.ts";
import { EtcdMany } from "../../../src/stores/etcd/many.ts";
import { type Range, rangeOf } from "../../../src/stores/etcd/records.ts";
import type { Snapshot, Snapshots } from "../../../src/stores/store.ts";
import { type Etcd, etcdMissing, startEtcd } from "../../support/etcd.ts";
import { Random } from "../../support/random.ts";
import { reasonOf } from "../../support/reason-of.ts";

const PREFIX = "/many";
const NAMES = Array.from({ length: 20 }, (_, index) => `app-${index}`);
const soon = () => AbortSignal.timeout(20_000);

describe.skipIf(etcdMissing() !== undefined)("many applications in etcd", () => {
  let engine: Etcd;
  let gateway: EtcdGateway;
  /** All requests since a test looked last, with the number of keys that came back. */
  const asked: { query: Readonly<Record<string, unknown>>; count: number }[] = [];

  beforeAll(async () => {
    engine = await startEtcd();
    const place = parsePlace("etcd", `//127.0.0.1:${engine.port}${PREFIX}`);
    if (typeof place === "string") throw new Error(place);
    gateway = new EtcdGateway(place);
  }, 30_000);
  afterEach(() => engine.ctl("del", "--prefix", "/"));
  afterAll(async () => {
    gateway?.close();
    await engine?.stop();
  });

  async function range(
    query: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    max: number,
  ): Promise<Range> {
    const { json } = await gateway.call("/v3/kv/range", query, signal, max);
    const answer = rangeOf(json);
    if (answer === undefined) throw new Error("no range");
    asked.push({ query, count: answer.values.length });
    return answer;
  }

  const open = () => new EtcdMany({ prefix: PREFIX, address: "etcd", range });

  async function seeded(): Promise<{ many: EtcdMany; before: Snapshots }> {
    await engine.put(Object.fromEntries(NAMES.map((name) => [`${PREFIX}/${name}/canary`, "0.25"])));
    const many = open();
    const before = await many.read(NAMES, soon());
    for (const name of NAMES) before.get(name);
    asked.length = 0;
    return { many, before };
  }

  test("if nothing was written, one request without values finds that out", async () => {
    const { many, before } = await seeded();
    const after = await many.read(NAMES, soon());
    expect(asked).toEqual([{ query: expect.objectContaining({ keys_only: true, limit: "1" }), count: 1 }]);
    for (const name of NAMES) expect(after.get(name)).toBe(before.get(name) as Snapshot);
  });

  test("a write elsewhere in etcd brings no record", async () => {
    const { many, before } = await seeded();
    await engine.ctl("put", `${PREFIX}.evidence/app-1/x`, "something");
    const after = await many.read(NAMES, soon());
    expect(asked.map(({ count }) => count)).toEqual([1, 0]);
    for (const name of NAMES) expect(after.get(name)).toBe(before.get(name) as Snapshot);
  });

  test("one change costs no work for the other applications", async () => {
    const { many } = await seeded();
    await engine.ctl("put", `${PREFIX}/app-7/canary`, "0.5");
    const set = spyOn(Map.prototype, "set");
    const after = await many.read(NAMES, soon());
    const touched = new Set(set.mock.calls.map(([key]) => key));
    set.mockRestore();
    expect(values(after, "app-7")).toEqual({ canary: 0.5 });
    expect(NAMES.filter((name) => touched.has(name))).toEqual(["app-7"]);
    await engine.ctl("put", `${PREFIX}/app-8/canary`, "0.5");
    const both = await many.read(NAMES, soon());
    expect([values(both, "app-7"), values(both, "app-8")]).toEqual([{ canary: 0.5 }, { canary: 0.5 }]);
  });

  test("one change brings one record", async () => {
    const { many, before } = await seeded();
    await engine.ctl("put", `${PREFIX}/app-7/canary`, "0.5");
    const after = await many.read(NAMES, soon());
    expect(asked.map(({ count }) => count)).toEqual([1, 1]);
    expect(values(after, "app-7")).toEqual({ canary: 0.5 });
    expect(values(before, "app-7")).toEqual({ canary: 0.25 });
    expect(NAMES.filter((name) => after.get(name) !== before.get(name))).toEqual(["app-7"]);
  });

  test("a key that was deleted is gone, also if another one was created meanwhile", async () => {
    const { many } = await seeded();
    await engine.put({ [`${PREFIX}/app-3/canary`]: undefined, [`${PREFIX}/app-4/blue`]: "0.1" });
    const after = await many.read(NAMES, soon());
    expect(values(after, "app-3")).toEqual({});
    expect(values(after, "app-4")).toEqual({ canary: 0.25, blue: 0.1 });
  });

  test("an application that is asked for later is there", async () => {
    const { many } = await seeded();
    await engine.ctl("put", `${PREFIX}/later/canary`, "0.75");
    await many.read(NAMES, soon());
    expect(values(await many.read([...NAMES, "later"], soon()), "later")).toEqual({ canary: 0.75 });
  });

  test("after a read that failed, all keys are read again", async () => {
    const { many } = await seeded();
    expect(await reasonOf(many.read(NAMES, AbortSignal.abort()))).toBeInstanceOf(Error);
    await many.read(NAMES, soon());
    expect(asked.map(({ count }) => count)).toEqual([NAMES.length]);
  });

  test("if nothing changes, no key is ever read again", async () => {
    const { many } = await seeded();
    for (let round = 0; round < 40; round++) await many.read(NAMES, soon());
    expect(asked.map(({ count }) => count)).toEqual(Array.from({ length: 40 }, () => 1));
  });

  test("after a change all keys are read again in some rounds, whatever etcd says", async () => {
    const { many } = await seeded();
    await engine.ctl("put", `${PREFIX}/app-7/canary`, "0.5");
    let rounds = 0;
    while (!asked.some(({ count }) => count === NAMES.length) && rounds < 100) {
      await many.read(NAMES, soon());
      rounds++;
    }
    expect(rounds).toBe(16);
  });

  test("whatever is written and deleted, the answer is that of a first read", async () => {
    const random = new Random();
    const { many } = await seeded();
    for (let round = 0; round < 60; round++) {
      const keys: Record<string, string | undefined> = {};
      for (let count = random.whole(0, 4); count > 0; count--) {
        const directory = `${PREFIX}/${random.pick(NAMES)}`;
        const key = random.pick([`${directory}/canary`, `${directory}/blue`, directory, "/elsewhere"]);
        keys[key] = random.fraction() < 0.4 ? undefined : String(random.whole(0, 1_000) / 1_000);
      }
      await engine.put(keys);
      const [now, first] = [await many.read(NAMES, soon()), await open().read(NAMES, soon())];
      for (const name of NAMES)
        expect([random.seed, round, name, all(now, name)]).toEqual([
          random.seed,
          round,
          name,
          all(first, name),
        ]);
    }
  });

  test("records that are too long for a page of many are read in smaller pages", async () => {
    const names = Array.from({ length: 300 }, (_, index) => `long-${index}`);
    const value = JSON.stringify({ rollout: 0.5, padding: "x".repeat(20_000) });
    for (let at = 0; at < names.length; at += 30) {
      const some = names.slice(at, at + 30);
      await Promise.all(some.map((name) => put(`${PREFIX}/${name}/canary`, value)));
    }
    asked.length = 0;
    const read = await open().read(names, soon());
    for (const name of names) expect(values(read, name)).toMatchObject({ canary: { rollout: 0.5 } });
    // An answer may have half a megabyte. So a page has ten of these records, or somewhat less.
    expect(asked.length).toBeLessThan(50);
  });

  /** A value that is too long for an argument of etcdctl. */
  async function put(key: string, value: string): Promise<void> {
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    await gateway.call("/v3/kv/put", { key: base64(key), value: base64(value) }, soon());
  }
});

function snapshotIn(read: Snapshots, name: string): Snapshot {
  const snapshot = read.get(name);
  if (!(snapshot instanceof Map)) throw new Error(`${name}: ${snapshot}`);
  return snapshot;
}

function values(read: Snapshots, name: string): unknown {
  return Object.fromEntries([...snapshotIn(read, name)].map(([version, { value }]) => [version, value]));
}

/** Everything, by version. */
function all(read: Snapshots, name: string): unknown {
  return [...snapshotIn(read, name)]
    .map(([version, { value, revision, position }]) => [version, value, revision, position])
    .toSorted();
}
