/** The reads of many applications in NATS: what is asked for, and that no change is missed. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { parsePlace } from "../../../src/stores/nats/address.ts";
import { loadClient } from "../../../src/stores/nats/client.ts";
import { JetStream } from "../../../src/stores/nats/jetstream.ts";
import { NatsMany } from "../../../src/stores/nats/many.ts";
import { Session } from "../../../src/stores/nats/session.ts";
import type { Snapshot, Snapshots } from "../../../src/stores/store.ts";
import {
  BUCKET,
  type NatsServer,
  natsMissing,
  RECORDS,
  startNats,
  valuesOf,
} from "../../support/nats-server.ts";
import { Random } from "../../support/random.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { TcpFaults } from "../../support/tcp-faults.ts";
import { rollouts } from "../store-suite.ts";

const NAMES = Array.from({ length: 20 }, (_, index) => `app-${index}`);

describe.skipIf(natsMissing() !== undefined)("many applications in NATS", () => {
  let engine: NatsServer;
  let session: Session;
  let jetstream: JetStream;
  /** The verbs of all requests since a test looked last. */
  const asked: string[] = [];
  /** A server of the stream that lags, and makes the consumers. */
  let lagging: Session | undefined;

  beforeAll(async () => {
    engine = await startNats();
    await engine.init();
    const place = parsePlace("nats", `//127.0.0.1:${engine.port}`);
    if (typeof place === "string") throw new Error(place);
    session = new Session(await loadClient(), place, {});
    const call = session.call.bind(session);
    session.call = (subject, ...rest) => {
      const verb = /API\.(.*?)\.KV_/.exec(subject)?.[1] ?? subject;
      asked.push(verb);
      return verb === "CONSUMER.CREATE" && lagging !== undefined
        ? lagging.call(subject, ...rest)
        : call(subject, ...rest);
    };
    jetstream = new JetStream(session, place.shown, "");
  }, 30_000);
  afterEach(async () => {
    await engine.api(`STREAM.PURGE.${RECORDS}`);
  });
  afterAll(async () => {
    await session?.close();
    await engine?.stop();
  });

  const open = () =>
    new NatsMany({
      ...{ jetstream, bucket: BUCKET, stream: RECORDS, where: "NATS" },
      connected: () => (lagging ?? session).connected(),
    });
  const put = (application: string, version: string, value: unknown) =>
    engine.put(valuesOf(application, { [version]: value }));
  const remove = (application: string, version: string) =>
    engine.put(valuesOf(application, { [version]: 0 }).map(([subject]) => [subject, undefined]));

  async function seeded(): Promise<{ many: NatsMany; before: Snapshots }> {
    await engine.put(NAMES.flatMap((name) => valuesOf(name, { canary: 0.25 })));
    const many = open();
    const before = await many.read(NAMES, soon());
    asked.length = 0;
    return { many, before };
  }

  test("the first read asks for the state, and for all values together", async () => {
    await engine.put([
      ...valuesOf("elsewhere", { canary: 1, blue: 1 }),
      ...valuesOf("app-1", { canary: 0.5 }),
    ]);
    asked.length = 0;
    expect(rolloutsOf(await open().read(NAMES, soon()), "app-1")).toEqual({ canary: 0.5 });
    expect(asked).toEqual(["STREAM.INFO", "CONSUMER.CREATE"]);
  });

  test("if nothing was written, one request finds that out", async () => {
    const { many, before } = await seeded();
    const after = await many.read(NAMES, soon());
    expect(asked).toEqual(["STREAM.INFO"]);
    for (const name of NAMES) expect(after.get(name)).toBe(before.get(name) as Snapshot);
  });

  test("one change brings one record, and leaves the others as they are", async () => {
    const { many, before } = await seeded();
    await put("app-7", "canary", 0.5);
    const after = await many.read(NAMES, soon());
    expect(asked).toEqual(["STREAM.INFO", "STREAM.MSG.GET", "STREAM.MSG.GET"]);
    expect(rolloutsOf(after, "app-7")).toEqual({ canary: 0.5 });
    for (const name of NAMES.filter((other) => other !== "app-7")) {
      expect(after.get(name)).toBe(before.get(name) as Snapshot);
    }
    expect(rolloutsOf(before, "app-7")).toEqual({ canary: 0.25 });
  });

  test("a removal is news too, and so is a record that comes back", async () => {
    const { many } = await seeded();
    await remove("app-7", "canary");
    expect(rolloutsOf(await many.read(NAMES, soon()), "app-7")).toEqual({});
    await put("app-7", "canary", 0.5);
    await put("app-8", "blue", 0.125);
    const after = await many.read(NAMES, soon());
    expect([rolloutsOf(after, "app-7"), rolloutsOf(after, "app-8")]).toEqual([
      { canary: 0.5 },
      { canary: 0.25, blue: 0.125 },
    ]);
  });

  test("a message that a person deleted without a trace is missed at once", async () => {
    const { many } = await seeded();
    await engine.api(`STREAM.PURGE.${RECORDS}`, { filter: `$KV.${BUCKET}.app-7.canary` });
    expect(rolloutsOf(await many.read(NAMES, soon()), "app-7")).toEqual({});
  });

  test("one that went without a trace beside a change is missed some rounds later", async () => {
    const { many } = await seeded();
    await engine.api(`STREAM.PURGE.${RECORDS}`, { filter: `$KV.${BUCKET}.app-7.canary` });
    await put("app-8", "canary", 0.5);
    let rounds = 0;
    while ("canary" in rolloutsOf(await many.read(NAMES, soon()), "app-7")) {
      if (++rounds > 20) throw new Error("it is never missed");
    }
    expect(rolloutsOf(await many.read(NAMES, soon()), "app-8")).toEqual({ canary: 0.5 });
  });

  test("after many changes, and for an application that is new, all records are read", async () => {
    const { many } = await seeded();
    for (let value = 0; value < 300; value++) await put("app-3", "canary", value / 1_000);
    asked.length = 0;
    expect(rolloutsOf(await many.read(NAMES, soon()), "app-3")).toEqual({ canary: 0.299 });
    expect(asked.length).toBeLessThan(30);
    await put("elsewhere", "canary", 0.75);
    expect(rolloutsOf(await many.read([...NAMES, "elsewhere"], soon()), "elsewhere")).toEqual({
      canary: 0.75,
    });
  });

  test("if the stream is made again, with as many messages, all records are read", async () => {
    const { many } = await seeded();
    await engine.api(`STREAM.DELETE.${RECORDS}`);
    expect(await fails(many.read(NAMES, soon()))).toMatchObject({ code: "missing" });
    await engine.init();
    await engine.put(NAMES.flatMap((name) => valuesOf(name, { canary: 0.5 })));
    const after = await many.read(NAMES, soon());
    for (const name of NAMES) expect(rolloutsOf(after, name)).toEqual({ canary: 0.5 });
  });

  test("a backup that was restored and written to since is read as a whole", async () => {
    await engine.put(NAMES.flatMap((name) => valuesOf(name, { canary: 0.25 })));
    const backup = await startNats({ copyOf: engine });
    const faults = await TcpFaults.start({ host: "127.0.0.1", port: engine.port });
    const place = parsePlace("nats", `//127.0.0.1:${faults.port}`);
    if (typeof place === "string") throw new Error(place);
    const other = new Session(await loadClient(), place, {});
    try {
      const many = new NatsMany({
        ...{
          jetstream: new JetStream(other, place.shown, ""),
          bucket: BUCKET,
          stream: RECORDS,
          where: "NATS",
        },
        connected: () => other.connected(),
      });
      await put("app-7", "canary", 0.75);
      expect(rolloutsOf(await many.read(NAMES, soon()), "app-7")).toEqual({ canary: 0.75 });
      await backup.put([...valuesOf("app-8", { canary: 0.5 }), ...valuesOf("app-9", { canary: 0.5 })]);
      faults.failOver({ host: "127.0.0.1", port: backup.port });
      const after = await many.read(NAMES, soon());
      for (const [name, canary] of [
        ["app-7", 0.25] as const,
        ["app-8", 0.5] as const,
        ["app-9", 0.5] as const,
      ]) {
        expect(rolloutsOf(after, name)).toEqual({ canary });
      }
    } finally {
      await other.close();
      await faults.stop();
      await backup.stop();
    }
  });

  test("a value of more than 128 KiB is the answer of its application alone", async () => {
    const { many } = await seeded();
    await engine.put(valuesOf("app-7", { one: "x".repeat(90_000), two: "x".repeat(90_000) }));
    for (const names of [NAMES, NAMES.slice(6, 9)]) {
      const after = await many.read(names, soon());
      expect(after.get("app-7")).toMatchObject({ code: "malformed" });
      expect(rolloutsOf(after, "app-8")).toEqual({ canary: 0.25 });
    }
  });

  test("a server that lags brings back nothing that was taken back, and fails if it lags far", async () => {
    await seeded();
    const older = await startNats({ copyOf: engine });
    try {
      const place = parsePlace("nats", `//127.0.0.1:${older.port}`);
      if (typeof place === "string") throw new Error(place);
      lagging = new Session(await loadClient(), place, {});
      await put("app-7", "canary", 0);
      await remove("app-8", "canary");
      await put("app-9", "blue", 0.125);
      const many = open();
      for (let round = 0; round < 2; round++) {
        const found = await many.read(NAMES, soon());
        expect(["app-6", "app-7", "app-8", "app-9"].map((name) => rolloutsOf(found, name))).toEqual([
          { canary: 0.25 },
          { canary: 0 },
          {},
          { canary: 0.25, blue: 0.125 },
        ]);
      }
      for (let value = 0; value < 300; value++) await put(`app-${value % 20}`, "canary", value / 1_000);
      expect(await fails(open().read(NAMES, soon()))).toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("lags behind its leader"),
      });
    } finally {
      await lagging?.close();
      lagging = undefined;
      await older.stop();
    }
  }, 30_000);

  test("if the last messages were deleted, one request more finds out that nothing is missing", async () => {
    await seeded();
    await put("app-7", "canary", 0.5);
    await engine.api(`STREAM.PURGE.${RECORDS}`, { filter: `$KV.${BUCKET}.app-7.canary` });
    asked.length = 0;
    const found = await open().read(NAMES, soon());
    expect(asked).toEqual(["STREAM.INFO", "CONSUMER.CREATE", "STREAM.MSG.GET"]);
    expect([rolloutsOf(found, "app-7"), rolloutsOf(found, "app-8")]).toEqual([{}, { canary: 0.25 }]);
  });

  test("random writes, removals and reads agree with reads of each application", async () => {
    const random = new Random();
    const many = open();
    for (let round = 0; round < 40; round++) {
      for (let change = random.whole(0, 4); change > 0; change--) {
        const [name, version] = [random.pick(NAMES), random.pick(["canary", "blue"])];
        if (random.fraction() < 0.3) await remove(name, version);
        else await put(name, version, random.whole(0, 100) / 100);
      }
      const found = await many.read(NAMES, soon());
      const alone = open();
      for (const name of NAMES.slice(0, 6)) {
        expect(rolloutsOf(found, name)).toEqual(rolloutsOf(await alone.read([name], soon()), name));
      }
    }
  }, 30_000);
});

function rolloutsOf(snapshots: Snapshots, application: string): Record<string, unknown> {
  const answer = snapshots.get(application);
  if (!(answer instanceof Map)) throw new Error(`no snapshot: ${answer}`);
  return rollouts(answer);
}
