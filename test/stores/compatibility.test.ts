/**
 * Records with a release, as this version writes them, read and written by earlier versions that know no
 * releases. The earlier code is real: see `older-stores.ts`.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BatchGetItemCommand } from "@aws-sdk/client-dynamodb";
import { openStore } from "../../src/stores/list.ts";
import type { RecordFields, Snapshot, Store, Written } from "../../src/stores/store.ts";
import { dynamodbMissing, startDynamodbLocal } from "../support/dynamodb-local.ts";
import { etcdMissing, startEtcd } from "../support/etcd.ts";
import {
  ARCHIVES,
  type OlderStores,
  type OlderVersion,
  olderStores,
  textAt,
} from "../support/older-stores.ts";
import { ADMIN, hasPostgres, Postgres } from "../support/postgres.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { soon } from "../support/store-calls.ts";
import { longRelease } from "./store-suite.ts";

const APPLICATION = "website";

/** An engine that both versions open by the same address. */
interface Engine {
  /** `KIND:LOCATION` */
  readonly address: string;
  /** Reads the rollout of `canary` as a daemon of 2016 does, if there was one for this engine. */
  readAsIn2016?(): Promise<unknown>;
  stop(): Promise<void>;
}

interface Row {
  readonly name: string;
  /** The last version of the store that knows no releases. */
  readonly older: OlderVersion;
  readonly missing?: string | undefined;
  start(): Promise<Engine>;
}

const ROWS: readonly Row[] = [
  {
    name: "file",
    older: "3.0.0",
    async start() {
      const directory = mkdtempSync(join(tmpdir(), "compatible-"));
      writeFileSync(join(directory, "rollouts.json"), "{}");
      const stop = async () => rmSync(directory, { recursive: true });
      return { address: `file:${join(directory, "rollouts.json")}`, stop };
    },
  },
  {
    name: "redis",
    older: "before releases",
    missing: redisMissing("redis-server"),
    async start() {
      const { port, stop } = await startRedis("redis-server");
      return { address: `redis://127.0.0.1:${port}`, stop };
    },
  },
  {
    name: "etcd",
    older: "before releases",
    missing: etcdMissing(),
    async start() {
      const { port, stop } = await startEtcd();
      return { address: `etcd://127.0.0.1:${port}/`, stop };
    },
  },
  {
    name: "postgres",
    older: "before releases",
    missing: hasPostgres ? undefined : "PostgreSQL is not installed",
    async start() {
      const server = await Postgres.start();
      return { address: server.address(ADMIN), stop: () => server.stop() };
    },
  },
  {
    name: "dynamodb",
    older: "3.0.0",
    missing: dynamodbMissing(),
    start: startDynamodb,
  },
];

/** With the table of 2016. Stores find the emulator by the environment. */
async function startDynamodb(): Promise<Engine> {
  const { createTable, environment, client, stop } = await startDynamodbLocal();
  await createTable(CONTEXT.table);
  const before = Object.fromEntries(Object.keys(environment).map((name) => [name, process.env[name]]));
  Object.assign(process.env, environment);
  return {
    address: "dynamodb:",
    async readAsIn2016() {
      const keys = ["canary", "maintenance"].map((version) => ({
        ...{ application: { S: APPLICATION }, version: { S: version } },
      }));
      const reader = client();
      const { Responses: tables } = await reader.send(
        new BatchGetItemCommand({ RequestItems: { [CONTEXT.table]: { Keys: keys } } }),
      );
      reader.destroy();
      const item = tables?.[CONTEXT.table]?.find(({ version }) => version?.S === "canary");
      return Number(item?.["rollout"]?.N);
    },
    async stop() {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await stop();
    },
  };
}

const CONTEXT = { table: "MaxwellsDaemon", region: "us-east-1", environment: {}, warn: () => {} };

const ARC = { rollout: 0.05, offset: 0.125, failsafe: "hold" } as const;

const RELEASES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "that runs, as long as one may be": longRelease("running", 3),
  "that is promoted": longRelease("promoted", 4),
  "that was aborted": longRelease("aborted", 5),
  "that is finished and fades": {
    ...longRelease("finished", 6),
    padding: "",
    fade: [1, 1_764_417_600_000, 600_000],
  },
};

for (const { name, older, missing, start } of ROWS) {
  describe.skipIf(missing !== undefined)(`REL-1: a daemon with ${name} of the version ${older}`, () => {
    let engine: Engine;
    let code: OlderStores;
    let now: Store;
    let before: Store;

    beforeAll(async () => {
      [engine, code] = await Promise.all([start(), olderStores(older)]);
      now = await openStore(engine.address, CONTEXT);
      const kind = await code.kind(name);
      before = await kind.open({ ...CONTEXT, location: engine.address.slice(name.length + 1) });
      // An installation of the earlier version, an upgrade, and a machine that still has the earlier one.
      for (const store of [before, now, before]) await store.init?.(soon());
    }, 40_000);
    afterAll(async () => {
      await before?.close();
      await now?.close();
      await engine?.stop();
      code?.remove();
    });

    test.each(Object.entries(RELEASES))("reads the rollout beside a release %s", async (_, release) => {
      await write(now, { ...ARC, release });
      for (const snapshot of await bothWays(before)) {
        expect([...snapshot.keys()]).toEqual(["canary"]);
        const { arc, problem } = await code.check("canary", snapshot.get("canary")?.value);
        expect({ arc, problem }).toEqual({ arc: { version: "canary", ...ARC }, problem: undefined });
      }
      if (engine.readAsIn2016 !== undefined) expect(await engine.readAsIn2016()).toBe(ARC.rollout);
    });

    test.each(Object.entries(RELEASES))(
      "and its operators leave a release %s as it is",
      async (_, release) => {
        await write(now, { ...ARC, release });
        const { position } = (await read(now)).get("canary") ?? {};
        await write(before, { rollout: 0, offset: undefined, updatedBy: "ada@web-1" });
        const after = (await read(now)).get("canary");
        expect(after?.value).toEqual({ rollout: 0, failsafe: "hold", updatedBy: "ada@web-1", release });
        if (position !== undefined) expect(after?.position).toBeGreaterThan(position);
        await write(now, { ...ARC, updatedBy: undefined });
      },
    );

    test("sees no evidence, and lists no application for it", async () => {
      await write(now, { ...ARC, release: longRelease("running", 3) });
      const key = "0123456789abcdef01234567";
      await now.evidence?.append({ application: APPLICATION, key }, ["told"], soon());
      for (const snapshot of await bothWays(before)) expect([...snapshot.keys()]).toEqual(["canary"]);
      for (const store of [before, now]) {
        if (store.applications !== undefined) expect(await store.applications(soon())).toEqual([APPLICATION]);
      }
    });

    test("and its operators remove a version together with its release", async () => {
      // Version 3.0.0 removes nothing.
      if (before.remove === undefined) return;
      await write(now, { ...ARC, release: longRelease("aborted", 7) });
      const revision = (await read(before)).get("canary")?.revision ?? "";
      expect(await before.remove(APPLICATION, "canary", revision, soon())).toEqual({ ok: true });
      expect(await read(now)).toEqual(new Map());
    });
  });
}

test.each(Object.keys(ARCHIVES) as OlderVersion[])(
  "the stores of the version %s are those of the commit that they name",
  async (version) => {
    const { commit, files, remove } = await olderStores(version);
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    expect(files.size).toBeGreaterThan(10);
    for (const [path, text] of files) {
      const known = await textAt(commit, path);
      // A clone without this commit cannot tell.
      if (known !== undefined) expect([path, text === known]).toEqual([path, true]);
    }
    remove();
  },
);

/** Writes over whatever is there. */
async function write(store: Store, fields: RecordFields): Promise<void> {
  const revision = (await read(store)).get("canary")?.revision ?? null;
  const written: Written | undefined = await store.write?.(APPLICATION, "canary", fields, revision, soon());
  expect(written).toMatchObject({ ok: true });
}

function read(store: Store): Promise<Snapshot> {
  return store.read(APPLICATION, soon());
}

/** The reads of a daemon with one application, and of one with many, if the store can do both. */
async function bothWays(store: Store): Promise<Snapshot[]> {
  const many = await store.readMany?.([APPLICATION, ...OTHERS], soon());
  const snapshot = many?.get(APPLICATION);
  if (snapshot instanceof Error) throw snapshot;
  return [await read(store), ...(snapshot === undefined ? [] : [snapshot])];
}

const OTHERS = Array.from({ length: 20 }, (_, index) => `other-${index}`);
