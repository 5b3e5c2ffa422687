/** The evidence of releases in NATS, beyond the suite: its bounds, and the requests of a reader. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { EVIDENCE_BYTES_MAX, EVIDENCE_DAYS } from "../../../src/stores/nats/buckets.ts";
import type { Store } from "../../../src/stores/store.ts";
import { EVIDENCE, type NatsServer, natsMissing, openNats, startNats } from "../../support/nats-server.ts";
import { fails, freshLog, soon } from "../../support/store-calls.ts";
import { TcpFaults } from "../../support/tcp-faults.ts";

describe.skipIf(natsMissing() !== undefined)("the evidence in a NATS", () => {
  let engine: NatsServer;
  const stores: Store[] = [];
  beforeAll(async () => {
    engine = await startNats();
    await engine.init();
  }, 30_000);
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    await engine.api(`STREAM.PURGE.${EVIDENCE}`);
  });
  afterAll(() => engine?.stop());

  async function open(port = engine.port) {
    const store = await openNats(`nats://127.0.0.1:${port}/`);
    stores.push(store);
    if (store.evidence === undefined) throw new Error("no evidence");
    return store.evidence;
  }

  const info = async () =>
    (await engine.api(`STREAM.INFO.${EVIDENCE}`)) as {
      readonly config: Readonly<Record<string, unknown>>;
      readonly state: Readonly<Record<string, number>>;
    };

  test("NATS itself deletes messages after their time, and the oldest ones of a stream that is full", async () => {
    const { config } = await info();
    expect(config).toMatchObject({
      max_age: EVIDENCE_DAYS * 86_400 * 1_000_000_000,
      max_bytes: EVIDENCE_BYTES_MAX,
      discard: "old",
    });
    const { config: _config, ...rest } = await engine.api(`STREAM.UPDATE.${EVIDENCE}`, {
      ...config,
      max_bytes: 20_000,
    });
    expect(rest["error"]).toBeUndefined();
    const evidence = await open();
    const log = freshLog();
    for (let batch = 0; batch < 40; batch++) {
      await evidence.append(log, [`${batch} `.padEnd(1_000, "x")], soon());
    }
    const { batches } = await evidence.read(log, undefined, soon());
    expect(batches.length).toBeLessThan(20);
    expect(batches.at(-1)).toStartWith("39 ");
    await engine.api(`STREAM.UPDATE.${EVIDENCE}`, config);
  });

  test("a stream that takes no more refuses, and the reader reads on", async () => {
    const { config } = await info();
    await engine.api(`STREAM.UPDATE.${EVIDENCE}`, { ...config, max_bytes: 2_000, discard: "new" });
    const evidence = await open();
    const log = freshLog();
    let error: unknown;
    for (let batch = 0; batch < 10 && error === undefined; batch++) {
      error = await evidence.append(log, ["x".repeat(500)], soon()).then(
        () => undefined,
        (reason: unknown) => reason,
      );
    }
    expect(error).toMatchObject({ name: "StoreError", code: "refused" });
    expect((await evidence.read(log, undefined, soon())).batches.length).toBeGreaterThan(0);
    await engine.api(`STREAM.UPDATE.${EVIDENCE}`, config);
  });

  test("a reader that has all asks two small questions, and finds one batch with few more", async () => {
    const faults = await TcpFaults.start({ host: "127.0.0.1", port: engine.port });
    const evidence = await open(faults.port);
    const log = freshLog();
    for (let batch = 0; batch < 100; batch++) await evidence.append(log, [`batch ${batch}`], soon());
    const { cursor } = await evidence.read(log, undefined, soon());
    const [up, down] = [faults.bytesUp, faults.bytesDown];
    expect(await evidence.read(log, cursor, soon())).toEqual({ batches: [], cursor, hasMore: false });
    expect(faults.bytesUp - up).toBeLessThan(600);
    expect(faults.bytesDown - down).toBeLessThan(900);
    await evidence.append(log, ["news"], soon());
    expect((await evidence.read(log, cursor, soon())).batches).toEqual(["news"]);
    await stores.pop()?.close();
    await faults.stop();
  });

  test("two logs that are written in turn are read apart, each in the order of its appends", async () => {
    const evidence = await open();
    const logs = [freshLog("one"), freshLog("two.three")];
    for (let batch = 0; batch < 150; batch++) {
      for (const log of logs) await evidence.append(log, [`${log.application} ${batch}`], soon());
    }
    for (const log of logs) {
      const wanted = Array.from({ length: 150 }, (_, batch) => `${log.application} ${batch}`);
      expect((await evidence.read(log, undefined, soon())).batches).toEqual(wanted);
    }
  });

  test("what another hand writes into a log is left out", async () => {
    const evidence = await open();
    const log = freshLog();
    const subject = `${EVIDENCE}.website.${log.key}`;
    await evidence.append(log, ["one"], soon());
    await engine.put([
      [subject, "not JSON"],
      [subject, '{"a":1}'],
      [subject, '[1,null,"two",{}]'],
      [subject, ""],
    ]);
    await evidence.append(log, ["three"], soon());
    expect((await evidence.read(log, undefined, soon())).batches).toEqual(["one", "two", "three"]);
  });

  test("without the stream of evidence, records are read, and the error names the command", async () => {
    await engine.api(`STREAM.DELETE.${EVIDENCE}`);
    const evidence = await open();
    for (const call of [
      () => evidence.append(freshLog(), ["x"], soon()),
      () => evidence.read(freshLog(), undefined, soon()),
    ]) {
      expect(await fails(call())).toMatchObject({
        code: "missing",
        message: expect.stringContaining("maxwells-daemon init-store"),
      });
    }
    expect(await stores[0]?.read("website", soon())).toEqual(new Map());
    await engine.init();
  });
});
