import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import * as sdk from "@aws-sdk/client-dynamodb";
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  PutItemCommand,
  paginateScan,
  QueryCommand,
  type ScanCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { Problem } from "../../src/config/option.ts";
import { DynamodbEvidence } from "../../src/stores/dynamodb/evidence.ts";
import { toAttribute } from "../../src/stores/dynamodb/values.ts";
import { EVIDENCE_KEPT_MS } from "../../src/stores/evidence.ts";
import { openStore, resolveStore } from "../../src/stores/list.ts";
import type { Store, StoreError } from "../../src/stores/store.ts";
import {
  type DynamodbLocal,
  dynamodbMissing,
  sdkEnvironment,
  startDynamodbLocal,
} from "../support/dynamodb-local.ts";
import { fails, soon } from "../support/store-calls.ts";
import { type ProxyMode, type StoreProxy, startStoreProxy } from "../support/store-proxy.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { evidenceSuite } from "./evidence-suite.ts";
import { rollouts, type StoreHarness, storeSuite } from "./store-suite.ts";

const TABLE = "MaxwellsDaemon";
const EVIDENCE = "MaxwellsDaemon.evidence";
const SECRETS = { key: "AKIDSECRETKEY", secret: "verySecretKey", token: "verySecretToken" };

const isMissing = dynamodbMissing() !== undefined;
const environment = { ...process.env };
const warnings: string[] = [];
let engine: DynamodbLocal;
let proxy: StoreProxy;
let faults: TcpFaults;

beforeAll(async () => {
  if (isMissing) return;
  engine = await startDynamodbLocal();
  await makeTables();
  proxy = startStoreProxy(engine.endpoint);
  faults = await TcpFaults.start({ host: "127.0.0.1", port: Number(new URL(proxy.endpoint).port) });
}, 40_000);

afterAll(async () => {
  await faults?.stop();
  await proxy?.stop();
  await engine?.stop();
});

function enter(variables: Record<string, string | undefined>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) process.env[name] = value;
}

function restore(): void {
  enter(Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith("AWS_"))));
}

afterEach(restore);

function open(address = "dynamodb:"): Promise<Store> {
  return openStore(address, {
    table: TABLE,
    region: "us-east-1",
    environment: {},
    warn: (message) => warnings.push(message),
  });
}

type Item = NonNullable<ScanCommandOutput["Items"]>[number];

/** An item stays for the longest release and a week, by the writer's clock. */
const KEPT_MS_MAX = 98 * 86_400_000;

/** For each daemon of a fleet of three that all lead; `docs/stores/dynamodb.md` has the figures. */
const HOUR_MAX = { items: 900, bytes: 700_000, writeUnits: 1_000, readUnits: 4_500 };

/** The cost of the evidence in DynamoDB, by itself. */
async function costs(): Promise<Record<string, number>> {
  proxy.units ??= new Map();
  const there = await evidenceItems();
  const bytesOf = (item: object) => {
    const parts = Object.entries(item).flatMap(([name, { S = "", N = "" }]) => [name, S, N]);
    return parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  };
  return {
    items: there.length,
    bytes: there.reduce((sum, item) => sum + bytesOf(item), 0),
    writeUnits: proxy.units.get("PutItem") ?? 0,
    readUnits: proxy.units.get("Query") ?? 0,
  };
}

describe.skipIf(isMissing)("as every store", () => {
  let kept: Record<"records" | "evidence", Awaited<ReturnType<typeof items>>> = { records: [], evidence: [] };
  const ONE_QUERY = "DynamoDB has no query of several applications, so the feed reads each";
  const start = async (): Promise<StoreHarness> => ({
    async open() {
      enter(sdkEnvironment(`http://127.0.0.1:${faults.port}`));
      return open();
    },
    get faults() {
      return faults;
    },
    get forDaemon() {
      return {
        address: `dynamodb://us-east-1/${TABLE}`,
        env: sdkEnvironment(`http://127.0.0.1:${faults.port}`),
      };
    },
    seed: (application, records) => seed(application, records),
    seedMany: (applications, records) => seedMany(applications, records as Readonly<Record<string, number>>),
    leave: () => proxy.refuse(),
    async spoil() {
      proxy.mode = "text";
    },
    async hang() {
      proxy.mode = "hang";
    },
    async backUp(application) {
      const isOf = ({ log }: Item) => log?.S?.startsWith(`${application}~`);
      kept = { records: await items(application), evidence: (await evidenceItems()).filter(isOf) };
    },
    // DynamoDB Local removes nothing. DynamoDB does so by itself.
    async age(log) {
      const client = engine.client();
      const ofLog = (await evidenceItems()).filter(
        ({ log: name }) => name?.S === `${log.application}~${log.key}`,
      );
      expect(ofLog.length).toBeGreaterThan(0);
      for (const { log: name = { S: "" }, at = { S: "" }, expires } of ofLog) {
        const keptMs = Number(expires?.N) * 1_000 - Date.now();
        expect(keptMs).toBeGreaterThan(EVIDENCE_KEPT_MS);
        expect(keptMs).toBeLessThan(KEPT_MS_MAX);
        await client.send(new DeleteItemCommand({ TableName: EVIDENCE, Key: { log: name, at } }));
      }
      client.destroy();
    },
    meter: { read: costs, hourMax: HOUR_MAX },
    async evidenceAt(nowMs) {
      enter(sdkEnvironment(`http://127.0.0.1:${faults.port}`));
      proxy.nowMs = nowMs;
      const evidence = new DynamodbEvidence(sdk, "us-east-1", TABLE, nowMs);
      return {
        evidence,
        async close() {
          evidence.close();
          proxy.nowMs = undefined;
        },
      };
    },
    // As from AWS's backups: a table in the place of the one of the same name.
    async failOver(state) {
      const client = engine.client();
      for (const TableName of [TABLE, EVIDENCE]) await client.send(new DeleteTableCommand({ TableName }));
      await makeTables();
      const { records, evidence } = state === "empty" ? { records: [], evidence: [] } : kept;
      for (const Item of records) await client.send(new PutItemCommand({ TableName: TABLE, Item }));
      for (const Item of evidence) await client.send(new PutItemCommand({ TableName: EVIDENCE, Item }));
      client.destroy();
    },
    async recover() {
      proxy.listen();
      proxy.mode = "pass";
    },
    close: async () => {},
  });
  storeSuite("dynamodb", start, {
    "a release is there when many are read, and one that changes alone changes its snapshot": ONE_QUERY,
    "a release that is over may lose its log and its arcs when many are read, and nothing else": ONE_QUERY,
    "a watch is nudged soon after a change from outside": "DynamoDB has no push that daemons can share",
    "a watch that has ended is nudged no more": "DynamoDB has no push that daemons can share",
    "a user without the right is denied, and the secret is in no message":
      "DynamoDB Local lets everybody in; refusals are tested below",
    "a push that is lost without a sound is found by the poll": "DynamoDB has no push",
    "many applications are read together, each as it is alone": ONE_QUERY,
    "what did not change since the last time is the very object of that time": ONE_QUERY,
    "what is wrong with one application is its answer alone": ONE_QUERY,
    "ten thousand applications are read together in time, and without making others wait": ONE_QUERY,
    "reading many that is given up rejects": ONE_QUERY,
    "reading many of an engine that hangs ends when it is given up": ONE_QUERY,
    "reading many rejects without its engine": ONE_QUERY,
    "an older state counts at once if the engine counts no writes": "each of our writes is counted",
    "an engine that remembers tells what was, newest first": "DynamoDB remembers nothing; its records do",
    "an engine with a history shows removals, also of the last record":
      "DynamoDB remembers nothing; its records do",
  });
  evidenceSuite("dynamodb", start, {
    "what was appended is there after a restart of the engine, and its reader goes on":
      "DynamoDB is never started again",
    "a watch is nudged soon after an append": "DynamoDB has no push that daemons can share",
  });
});

describe.skipIf(isMissing)("dynamodb", () => {
  let store: Store;

  beforeEach(async () => {
    enter(sdkEnvironment(proxy.endpoint));
    proxy.mode = "pass";
    proxy.listen();
    // A request that an earlier case gave up on may still be on its way.
    await proxy.isQuiet();
    store = await open();
  });

  afterEach(async () => {
    await store.close();
  });

  test("a snapshot is one strongly consistent query", async () => {
    await seed("one", { canary: 0.25, maintenance: 1 });
    expect(rollouts(await store.read("one", soon()))).toEqual({ canary: 0.25, maintenance: 1 });
    expect(proxy.requests.map(({ headers }) => headers.get("x-amz-target"))).toEqual([
      "DynamoDB_20120810.Query",
    ]);
    expect(JSON.parse(proxy.requests[0]?.body ?? "")).toMatchObject({
      ConsistentRead: true,
      TableName: TABLE,
    });
  });

  test("an application of one page is read, and one of two is refused, as they would be of two moments", async () => {
    const filler = "x".repeat(330_000);
    await seed("pages", Object.fromEntries([1, 2, 3].map((n) => [`v${n}`, { rollout: n / 10, filler }])));
    expect(rollouts(await store.read("pages", soon()))).toEqual({ v1: 0.1, v2: 0.2, v3: 0.3 });

    await seed("pages", Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`v${n}`, { rollout: 0, filler }])));
    const error = await fails(store.read("pages", soon()));
    expect(error).toMatchObject({ code: "malformed" });
    expect(error.message).toContain("delete the items of versions that no longer exist");
    expect(proxy.requests.length).toBe(2);
    await seed("pages", {});
  });

  test("an item that DynamoDB does not take is refused, and nothing is written", async () => {
    const filler = "x".repeat(410_000);
    const error = await fails(store.write?.("heavy", "canary", { rollout: 0.5, filler }, null, soon()));
    expect(error).toMatchObject({ code: "refused" });
    expect(error.message).toContain("at most 400 KB");
    expect(await store.read("heavy", soon())).toEqual(new Map());
  });

  test("a daemon of 2016 and its operators find their schema untouched", async () => {
    await store.write?.("schema", "canary", { rollout: 0.25, failsafe: "hold" }, null, soon());
    const client = engine.client();
    const { Items } = await client.send(
      new QueryCommand({
        TableName: TABLE,
        KeyConditionExpression: "application = :a",
        ExpressionAttributeValues: { ":a": { S: "schema" } },
      }),
    );
    client.destroy();
    expect(Items).toEqual([
      {
        application: { S: "schema" },
        version: { S: "canary" },
        rollout: { N: "0.25" },
        failsafe: { S: "hold" },
        revision: { N: expect.stringMatching(/^\d{13}$/) },
      },
    ]);
  });

  test.each([
    ["rollout", { rollout: { N: "0.9" } }],
    ["offset", { offset: { N: "0.9" } }],
    ["failsafe", { failsafe: { S: "hold" } }],
    ["revision", { revision: { N: "77" } }],
    ["the rollout's type", { rollout: { S: "0.25" } }],
  ])("an operator who changes %s by other tools makes a write lose", async (_, change) => {
    await seed("covered", { canary: { rollout: 0.25 } });
    const before = (await store.read("covered", soon())).get("canary")?.revision ?? "";
    await put("covered", "canary", { rollout: { N: "0.25" }, ...change });
    const after = await store.read("covered", soon());
    expect(after.get("canary")?.revision).not.toBe(before);
    const written = await store.write?.("covered", "canary", { rollout: 1 }, before, soon());
    expect(written).toEqual({ ok: false, current: after.get("canary") });
  });

  test("a write counts the revision up and leaves attributes alone that JSON cannot hold", async () => {
    const odd = {
      tags: { SS: ["a", "b"] },
      blob: { B: new Uint8Array([1, 2]) },
      big: { N: "12345678901234567890123" },
    };
    await put("odd", "canary", { rollout: { N: "0.1" }, revision: { N: "41" }, ...odd });
    const revision = (await store.read("odd", soon())).get("canary")?.revision ?? "";
    expect(await store.write?.("odd", "canary", { rollout: 0.2 }, revision, soon())).toMatchObject({
      ok: true,
    });
    expect(await items("odd")).toMatchObject([{ rollout: { N: "0.2" }, revision: { N: "42" }, ...odd }]);
  });

  test("a malformed record can be written over", async () => {
    await put("repair", "canary", { rollout: { L: [{ N: "1" }] }, revision: { S: "mine" } });
    const revision = (await store.read("repair", soon())).get("canary")?.revision ?? "";
    expect(await store.write?.("repair", "canary", { rollout: 0.2 }, revision, soon())).toMatchObject({
      ok: true,
    });
    expect(await items("repair")).toMatchObject([{ rollout: { N: "0.2" }, revision: { N: "1" } }]);
  });

  test("a value that JavaScript cannot hold exactly still makes a write win", async () => {
    await put("exact", "canary", { rollout: { N: "0.12345678901234567890123456789" } });
    const revision = (await store.read("exact", soon())).get("canary")?.revision ?? "";
    expect(await store.write?.("exact", "canary", { rollout: 0.2 }, revision, soon())).toMatchObject({
      ok: true,
    });
  });

  test("fields called like keys or like the revision are removed from neither", async () => {
    await seed("keys", { canary: 0.1 });
    const revision = (await store.read("keys", soon())).get("canary")?.revision ?? "";
    const fields = { rollout: 0.2, application: undefined, version: undefined, revision: undefined };
    expect(await store.write?.("keys", "canary", fields, revision, soon())).toMatchObject({ ok: true });
    expect(await items("keys")).toMatchObject([{ version: { S: "canary" }, revision: { N: "1" } }]);
  });

  test("what people see of a revision is short, plain, and another one after each change", async () => {
    await seed("shown", { canary: 0.1 });
    const shown = async () =>
      ((await store.read("shown", soon())).get("canary")?.revision ?? "").slice(0, 12);
    const before = await shown();
    expect(before).toMatch(/^[\w-]{12}$/);
    const { revision = "" } = (await store.read("shown", soon())).get("canary") ?? {};
    expect(await store.write?.("shown", "canary", { rollout: 0.2 }, revision, soon())).toMatchObject({
      ok: true,
    });
    expect(await shown()).toMatch(/^[\w-]{12}$/);
    expect(await shown()).not.toBe(before);
  });

  test("a table that is not there is missing, with the command that makes it", async () => {
    const other = await open("dynamodb://eu-west-1/Nope");
    expect(other.address).toBe("dynamodb://eu-west-1/Nope");
    for (const work of [
      () => other.read("website", soon()),
      () => other.write?.("website", "canary", { rollout: 0 }, null, soon()),
    ]) {
      const error = await fails(work());
      expect(error).toMatchObject({ code: "missing" });
      expect(error.message).toContain("maxwells-daemon init-store -store dynamodb://eu-west-1/Nope");
      expect(error.message.length).toBeLessThan(200);
    }
    await other.close();
  });

  test("the signal ends the request itself, and none is tried again", async () => {
    proxy.mode = "hang";
    const gaveUp = new AbortController();
    const read = fails(store.read("website", gaveUp.signal));
    while (proxy.requests.length === 0) await Bun.sleep(5);
    gaveUp.abort();
    expect(await read).toMatchObject({ name: "StoreError", code: "unavailable" });
    await Bun.sleep(1_300);
    expect(proxy.requests.length).toBe(1);
  });

  test("an endpoint that refuses is unavailable", async () => {
    await proxy.refuse();
    const error = await fails(store.read("website", soon()));
    expect(error).toMatchObject({ code: "unavailable" });
    expect(error.message).toContain("does not answer");
  });

  test.each(["text", "other-json", "page"] as const)(
    "an endpoint that answers %s is malformed",
    async (mode) => {
      proxy.mode = mode;
      const error = await fails(store.read("website", soon()));
      expect(error).toMatchObject({ name: "StoreError", code: "malformed" });
      expect(error.message).toContain("is not DynamoDB");
      const write = await fails(store.write?.("website", "canary", { rollout: 0 }, null, soon()));
      expect(write).toMatchObject({ name: "StoreError" });
      expect(write).not.toMatchObject({ code: "refused" });
    },
  );

  test("a table with other keys is malformed, with the schema", async () => {
    const other = await open("dynamodb:///Other");
    const client = engine.client();
    const { CreateTableCommand } = await import("@aws-sdk/client-dynamodb");
    await client.send(
      new CreateTableCommand({
        TableName: "Other",
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
    client.destroy();
    const error = await fails(other.read("website", soon()));
    expect(error).toMatchObject({ code: "malformed" });
    expect(error.message).toContain("application (S, hash) and version (S, range)");
    await other.close();
  });

  test("without credentials a read is denied, and says how to give them", async () => {
    enter({
      ...sdkEnvironment(proxy.endpoint),
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
    });
    const other = await open();
    const error = await fails(other.read("website", soon()));
    expect(error).toMatchObject({ code: "denied" });
    expect(error.message).toContain("attach an IAM role, or set AWS_ACCESS_KEY_ID");
    expect(error.message).toContain("dynamodb:Query");
    await other.close();
  });

  test.each([
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
  ])("%s is denied, names the permissions, and tells no secrets", async (type) => {
    const echo = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) =>
        Response.json(
          { __type: `com.amazon.coral.service#${type}`, message: JSON.stringify([...request.headers]) },
          { status: 400, headers: { "content-type": "application/x-amz-json-1.0" } },
        ),
    });
    enter({
      ...sdkEnvironment(`http://127.0.0.1:${echo.port}`),
      AWS_ACCESS_KEY_ID: SECRETS.key,
      AWS_SECRET_ACCESS_KEY: SECRETS.secret,
      AWS_SESSION_TOKEN: SECRETS.token,
    });
    const other = await open();
    const error = await fails(other.read("website", soon()));
    expect(error).toMatchObject({ code: "denied" });
    expect(error.message).toContain("dynamodb:Query");
    expect(error.message).toContain("dynamodb:UpdateItem");
    const shown = Bun.inspect(error, { depth: 10 });
    for (const secret of [...Object.values(SECRETS), "Signature="]) expect(shown).not.toContain(secret);
    await other.close();
    await echo.stop(true);
  });

  test("reading, writing and failing warns of nothing", () => {
    expect(warnings).toEqual([]);
  });
});

describe.skipIf(isMissing)("a dynamodb that is slow", () => {
  /** All of them at once, as each takes seconds. */
  const outcomes = new Map<ProxyMode, Promise<{ error: StoreError; durationMs: number; attempts: number }>>();

  beforeAll(async () => {
    for (const mode of ["hang", "stall", "throttle"] as const) {
      const asked = Promise.withResolvers<void>();
      outcomes.set(mode, outcomeOf(mode, asked.resolve));
      // The SDK looks for its endpoint in the environment when it is first used.
      await asked.promise;
    }
  });

  async function outcomeOf(mode: ProxyMode, onAsked: () => void) {
    const slow = startStoreProxy(engine.endpoint, onAsked);
    slow.mode = mode;
    enter(sdkEnvironment(slow.endpoint));
    const store = await open();
    const startedAt = performance.now();
    const error = await fails(store.read("website", soon()));
    const durationMs = performance.now() - startedAt;
    await store.close();
    await slow.stop();
    return { error, durationMs, attempts: slow.requests.length };
  }

  test("and hangs is given up after three tries of a second", async () => {
    const outcome = await outcomes.get("hang");
    expect(outcome).toMatchObject({ error: { name: "StoreError", code: "unavailable" }, attempts: 3 });
    expect(outcome?.error.message).toContain("TimeoutError");
    expect(outcome?.durationMs).toBeWithin(2_900, 4_600);
  }, 10_000);

  test("and begins an answer without an end is given up", async () => {
    const outcome = await outcomes.get("stall");
    expect(outcome).toMatchObject({ error: { name: "StoreError", code: "unavailable" } });
    expect(outcome?.durationMs).toBeLessThan(5_500);
  }, 10_000);

  test("and over its capacity is unavailable after three tries", async () => {
    const outcome = await outcomes.get("throttle");
    expect(outcome).toMatchObject({ error: { name: "StoreError", code: "unavailable" }, attempts: 3 });
    expect(outcome?.error.message).toContain("ProvisionedThroughputExceededException");
  }, 10_000);
});

test.each([
  ["dynamodb:", "dynamodb://us-east-1/MaxwellsDaemon"],
  ["dynamodb://", "dynamodb://us-east-1/MaxwellsDaemon"],
  ["dynamodb://eu-west-1", "dynamodb://eu-west-1/MaxwellsDaemon"],
  ["dynamodb://eu-west-1/", "dynamodb://eu-west-1/MaxwellsDaemon"],
  ["dynamodb:///Other.Table_1", "dynamodb://us-east-1/Other.Table_1"],
  ["dynamodb://eu-west-1/Other", "dynamodb://eu-west-1/Other"],
])("%s is %s", async (address, meant) => {
  const store = await open(address);
  expect(store.address).toBe(meant);
  await store.close();
});

test.each(["dynamodb:Table", "dynamodb:/x", "dynamodb://eu west/x", "dynamodb:///no", "dynamodb://a/b/c"])(
  "%s is refused with an example",
  (address) => {
    const resolved = resolveStore(address);
    expect(resolved).toBeInstanceOf(Problem);
    expect((resolved as Problem).message).toContain("dynamodb://us-east-1/MaxwellsDaemon");
  },
);

/** The table of records as in 2016, and then `init-store`, which finds it. */
async function makeTables(): Promise<void> {
  await engine.createTable(TABLE);
  enter(sdkEnvironment(engine.endpoint));
  const store = await open();
  await store.init?.(soon());
  await store.close();
}

/** All items of the table of evidence. */
async function evidenceItems() {
  const client = engine.client();
  const found: Item[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: EVIDENCE, ConsistentRead: true }))
    found.push(...Items);
  client.destroy();
  return found;
}

/** Does as an operator does: records become items, all others of the application go. */
async function seed(application: string, records: Readonly<Record<string, unknown>>): Promise<void> {
  const client = engine.client();
  for (const item of await items(application)) {
    const version = item["version"]?.S ?? "";
    if (Object.hasOwn(records, version)) continue;
    const Key = { application: { S: application }, version: { S: version } };
    await client.send(new DeleteItemCommand({ TableName: TABLE, Key }));
  }
  for (const [version, value] of Object.entries(records)) {
    const fields = typeof value === "number" ? { rollout: value } : value;
    await put(application, version, toAttribute(fields).M ?? {});
  }
  client.destroy();
}

/** In batches, as many as DynamoDB takes at once. */
async function seedMany(applications: readonly string[], records: Readonly<Record<string, number>>) {
  const client = engine.client();
  const puts = applications.flatMap((application) =>
    Object.entries(records).map(([version, rollout]) => ({
      PutRequest: {
        Item: { application: { S: application }, version: { S: version }, rollout: { N: String(rollout) } },
      },
    })),
  );
  for (let at = 0; at < puts.length; at += 25) {
    await client.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: puts.slice(at, at + 25) } }));
  }
  client.destroy();
}

async function put(application: string, version: string, item: object): Promise<void> {
  const client = engine.client();
  const Item = { application: { S: application }, version: { S: version }, ...item };
  await client.send(new PutItemCommand({ TableName: TABLE, Item }));
  client.destroy();
}

async function items(application: string) {
  const client = engine.client();
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: TABLE,
      ConsistentRead: true,
      KeyConditionExpression: "application = :a",
      ExpressionAttributeValues: { ":a": { S: application } },
    }),
  );
  client.destroy();
  return Items;
}
