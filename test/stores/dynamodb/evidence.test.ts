import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import { join } from "node:path";
import * as sdk from "@aws-sdk/client-dynamodb";
import { DynamodbEvidence } from "../../../src/stores/dynamodb/evidence.ts";
import { toAttribute } from "../../../src/stores/dynamodb/values.ts";
import { EVIDENCE_KEPT_MS, type EvidenceLog } from "../../../src/stores/evidence.ts";
import { openStore } from "../../../src/stores/list.ts";
import type { Store } from "../../../src/stores/store.ts";
import {
  type DynamodbLocal,
  dynamodbMissing,
  sdkEnvironment,
  startDynamodbLocal,
} from "../../support/dynamodb-local.ts";
import { fails, freshLog, soon } from "../../support/store-calls.ts";
import { startStoreProxy } from "../../support/store-proxy.ts";

const TABLE = "Rollouts";
const EVIDENCE = `${TABLE}.evidence`;
const HOUR_MS = 3_600_000;

const isMissing = dynamodbMissing() !== undefined;
const environment = { ...process.env };
const opened: { close(): unknown }[] = [];
let engine: DynamodbLocal;

beforeAll(async () => {
  if (isMissing) return;
  engine = await startDynamodbLocal();
  await openAt(engine.endpoint).then((store) => store.init?.(soon()));
}, 40_000);

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  enter({});
});

afterAll(async () => {
  enter(Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith("AWS_"))));
  await engine?.stop();
});

/** The SDK looks for its endpoint in the environment when it is first used. */
function enter(variables: Record<string, string | undefined>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) process.env[name] = value;
}

async function openAt(endpoint: string, table = TABLE): Promise<Store> {
  enter(sdkEnvironment(endpoint));
  const store = await openStore("dynamodb:", { table, region: "us-east-1", environment: {}, warn: () => {} });
  opened.push(store);
  return store;
}

/** The evidence as on a machine whose clock is wrong. */
function evidenceAt(nowMs: () => number, endpoint = engine.endpoint): DynamodbEvidence {
  enter(sdkEnvironment(endpoint));
  const evidence = new DynamodbEvidence(sdk, "us-east-1", TABLE, nowMs);
  opened.push(evidence);
  return evidence;
}

describe.skipIf(isMissing)("evidence in DynamoDB", () => {
  test.each([
    ["three hours behind", -3 * HOUR_MS],
    ["three hours ahead", 3 * HOUR_MS],
    ["in 1970", -Date.now()],
  ])(
    "a writer whose clock is %s writes at DynamoDB's time, and twice only the first time",
    async (_, byMs) => {
      const log = freshLog();
      const reader = evidenceAt(Date.now);
      const { cursor } = await reader.read(log, undefined, soon());
      const proxy = startStoreProxy(engine.endpoint);
      const writer = evidenceAt(() => Date.now() + byMs, proxy.endpoint);
      for (const batch of ["one", "two", "three"]) await writer.append(log, [batch], soon());
      expect(proxy.requests.length).toBe(4);
      await proxy.stop();
      const news = await reader.read(log, cursor, soon());
      expect(new Set(news.batches)).toEqual(new Set(["one", "two", "three"]));
      const times = (await itemsOf(log)).map((item) => Date.parse(item["at"]?.S?.split("/")[0] ?? ""));
      expect(times.filter((time) => Math.abs(time - Date.now()) < 10_000).length).toBe(3);
    },
  );

  test("a clock that jumps between two appends is noticed by the second one", async () => {
    const log = freshLog();
    let byMs = 0;
    const writer = evidenceAt(() => Date.now() + byMs);
    await writer.append(log, ["before"], soon());
    const reader = evidenceAt(Date.now);
    const { cursor } = await reader.read(log, undefined, soon());
    byMs = -HOUR_MS;
    await writer.append(log, ["after"], soon());
    expect((await reader.read(log, cursor, soon())).batches).toContain("after");
  });

  test("a clock that never agrees with DynamoDB's ends the append, with the cause", async () => {
    let nowMs = 0;
    const writer = evidenceAt(() => {
      nowMs += HOUR_MS;
      return nowMs;
    });
    const error = await fails(writer.append(freshLog(), ["one"], soon()));
    expect(error).toMatchObject({ name: "StoreError", code: "unavailable" });
    expect(error.message).toContain("look at this machine's clock");
  });

  test("a batch that becomes visible late, with a time before the last read, is read", async () => {
    const log = freshLog();
    const { evidence } = await openAt(engine.endpoint);
    await evidence?.append(log, ["early"], soon());
    const { cursor } = (await evidence?.read(log, undefined, soon())) ?? {};
    await putByHand(log, Date.now() - 5_000, "late");
    expect((await evidence?.read(log, cursor, soon()))?.batches).toContain("late");
  });

  test("after a long log, a reader begins again before its first page, however long it read", async () => {
    const log = freshLog();
    const { evidence } = await openAt(engine.endpoint);
    for (let call = 0; call < 5; call++) {
      const batches = Array.from({ length: 16 }, (_, index) => `${call} ${index}`);
      await evidence?.append(log, batches, soon());
    }
    const first = await evidence?.read(log, undefined, soon());
    expect(first?.hasMore).toBe(true);
    // As if the first page had been read a minute ago, and a batch of that time was not visible then.
    const [after, beganMs] = JSON.parse(first?.cursor ?? "") as [string, number];
    await putByHand(log, Date.now() - 61_000, "late");
    const second = await evidence?.read(log, JSON.stringify([after, beganMs - 60_000]), soon());
    expect(second?.hasMore).toBe(false);
    expect((await evidence?.read(log, second?.cursor, soon()))?.batches).toContain("late");
  });

  test("batches expire, and not before the longest release and a week are over", async () => {
    const log = freshLog();
    const { evidence } = await openAt(engine.endpoint);
    await evidence?.append(log, ["one"], soon());
    const [item] = await itemsOf(log);
    const keptMs = Number(item?.["expires"]?.N) * 1_000 - Date.now();
    expect(keptMs).toBeGreaterThan(90 * 24 * HOUR_MS + EVIDENCE_KEPT_MS - 60_000);
    expect(keptMs).toBeLessThan(100 * 24 * HOUR_MS);
    const client = engine.client();
    const { TimeToLiveDescription: expiry } = await client.send(
      new sdk.DescribeTimeToLiveCommand({ TableName: EVIDENCE }),
    );
    client.destroy();
    expect(expiry).toMatchObject({ TimeToLiveStatus: "ENABLED", AttributeName: "expires" });
  });

  test("a table of 2016 or 3.0 has no evidence until init-store adds its table", async () => {
    await engine.createTable("Older");
    const store = await openAt(engine.endpoint, "Older");
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const log = freshLog();
    for (const work of [
      () => store.evidence?.append(log, ["one"], soon()),
      () => store.evidence?.read(log, undefined, soon()),
    ]) {
      const error = await fails(work());
      expect(error).toMatchObject({ code: "missing" });
      expect(error.message).toContain("Older.evidence in us-east-1");
      expect(error.message).toEndWith("maxwells-daemon init-store -store dynamodb://us-east-1/Older");
    }
    expect(await store.init?.(soon())).toBe(
      "the table Older is there; Older.evidence was made for releases, on demand",
    );
    await store.evidence?.append(log, ["one"], soon());
    expect((await store.evidence?.read(log, undefined, soon()))?.batches).toEqual(["one"]);
    expect((await store.read("website", soon())).get("canary")?.value).toEqual({ rollout: 0.25 });
    expect(await store.init?.(soon())).toBe("the table Older is there, and so is Older.evidence");
  });

  test("with rights of 3.0 init-store makes the table of records, and names the right that it lacks", async () => {
    const isEvidence = (body: string) => body.includes(".evidence");
    const limited = startDenying(engine.endpoint, (body) => isEvidence(body));
    const store = await openAt(limited.endpoint, "Limited");
    const done = await store.init?.(soon());
    expect(done).toStartWith(
      "the table Limited was made, on demand; releases need the table Limited.evidence",
    );
    expect(done).toContain("CreateTable on table Limited.evidence in us-east-1 was refused");
    expect((await store.write?.("website", "canary", { rollout: 0.5 }, null, soon()))?.ok).toBe(true);
    const error = await fails(store.evidence?.append(freshLog(), ["one"], soon()));
    expect(error).toMatchObject({ code: "denied" });
    expect(error.message).toContain("dynamodb:PutItem");
    await limited.stop();
  });

  test("evidence that is throttled leaves the records their attempts", async () => {
    let isThrottled = true;
    const busy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const body = await request.text();
        if (body.includes(".evidence") || isThrottled) {
          if (!body.includes(".evidence")) isThrottled = false;
          return answer("ProvisionedThroughputExceededException");
        }
        return fetch(engine.endpoint, { method: "POST", headers: headersOf(request), body });
      },
    });
    const store = await openAt(`http://127.0.0.1:${busy.port}`);
    await fails(store.read("website", AbortSignal.timeout(1)));
    // More failures than one client of the SDK tries again.
    const puts = Array.from({ length: 80 }, () => store.evidence?.append(freshLog(), ["x"], soon()));
    await Promise.allSettled(puts);
    isThrottled = true;
    expect(await store.read("website", soon())).toEqual(new Map());
    await busy.stop(true);
  }, 30_000);
});

describe.skipIf(isMissing)("the rights of docs/stores/dynamodb.md", () => {
  const log = freshLog();
  const TABLES = "MaxwellsDaemon";
  beforeAll(async () => {
    const store = await openAt(engine.endpoint, TABLES);
    await store.init?.(soon());
    await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    await store.close();
  });

  /** The four policies of the page, least first. */
  async function openWith(index: 0 | 1 | 2 | 3): Promise<Store> {
    const page = await Bun.file(join(import.meta.dir, "../../../docs/stores/dynamodb.md")).text();
    const [, permissions = ""] = page.split("## Permissions");
    const policies = [...permissions.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) =>
      JSON.parse(text),
    );
    expect(policies.length).toBe(4);
    const statements: Statement[] = [policies[index]].flat().flatMap((policy) => policy.Statement ?? policy);
    const isAllowed = (action: string, body: string) =>
      statements.some(
        ({ Action, Resource }) =>
          Action.includes(`dynamodb:${action}`) && Resource.endsWith(`:table/${JSON.parse(body).TableName}`),
      );
    const limited = startDenying(engine.endpoint, (body, action) => !isAllowed(action, body));
    opened.push({ close: () => limited.stop() });
    return openAt(limited.endpoint, TABLES);
  }

  const revisionOf = async (store: Store) =>
    (await store.read("website", soon())).get("canary")?.revision ?? null;
  const write = async (store: Store) => {
    const revision = await revisionOf(store);
    return store.write?.("website", "canary", { rollout: 0.5, release: { seq: 1 } }, revision, soon());
  };
  const append = async (store: Store) => store.evidence?.append(log, ["x"], soon());
  const readEvidence = async (store: Store) => (await store.evidence?.read(log, undefined, soon()))?.batches;

  test("a daemon that only follows reads records and the time, and nothing else", async () => {
    const store = await openWith(0);
    expect((await store.read("website", soon())).size).toBe(1);
    expect(await store.clock?.(soon())).toBeNumber();
    for (const attempt of [write, append, readEvidence]) {
      expect(await fails(attempt(store))).toMatchObject({ code: "denied" });
    }
  });

  test("one that reports writes evidence and reads none", async () => {
    const store = await openWith(1);
    await append(store);
    expect(await fails(readEvidence(store))).toMatchObject({ code: "denied" });
  });

  test("an operator writes and removes records, and sees evidence", async () => {
    const store = await openWith(2);
    expect((await write(store))?.ok).toBe(true);
    await readEvidence(store);
    expect(await fails(append(store))).toMatchObject({ code: "denied" });
    const added = await store.write?.("website", "blue", { rollout: 0 }, null, soon());
    const revision = added?.ok ? added.revision : "";
    expect(await store.remove?.("website", "blue", revision, soon())).toEqual({ ok: true });
  });

  test("a controller writes records, and reads and writes evidence", async () => {
    const store = await openWith(3);
    expect((await write(store))?.ok).toBe(true);
    await append(store);
    expect(await readEvidence(store)).toContain("x");
    expect(await store.clock?.(soon())).toBeNumber();
    const remove = store.remove?.("website", "canary", (await revisionOf(store)) ?? "", soon());
    expect(await fails(remove)).toMatchObject({ code: "denied" });
  });
});

describe.skipIf(isMissing)("DynamoDB's clock", () => {
  test("it is told also to a user whose rights are for other applications", async () => {
    const limited = startDenying(engine.endpoint, (body) => !body.includes("website"));
    const store = await openAt(limited.endpoint);
    expect(await fails(store.read("shop", soon()))).toMatchObject({ code: "denied" });
    expect(Math.abs(((await store.clock?.(soon())) ?? 0) - Date.now())).toBeLessThan(2_000);
    await limited.stop();
  });

  test("an answer without a date is malformed, and an append of such an answer was not accepted", async () => {
    const server = createServer((request, response) => {
      response.sendDate = false;
      request.resume().on("end", () => {
        response.setHeader("content-type", "application/x-amz-json-1.0");
        response.end('{"Items": [], "Count": 0}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const store = await openAt(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    const log = freshLog();
    for (const work of [
      () => store.clock?.(soon()),
      () => store.evidence?.append(log, ["one"], soon()),
      () => store.evidence?.read(log, undefined, soon()),
    ]) {
      const error = await fails(work());
      expect(error).toMatchObject({ name: "StoreError", code: "malformed" });
      expect(error.message).toContain("AnswerWithoutDate");
    }
    server.close();
  });

  test("without credentials there is no answer, and no time", async () => {
    const store = await openAt(engine.endpoint);
    enter({
      ...sdkEnvironment(engine.endpoint),
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
    });
    const error = await fails(store.clock?.(soon()));
    expect(error).toMatchObject({ code: "denied" });
    expect(error.message).toContain("attach an IAM role");
  });
});

describe.skipIf(isMissing)("a record with a release", () => {
  const release = {
    format: 1,
    key: "0123456789abcdef01234567",
    state: "running",
    seq: 3,
    arcs: [[1, 0.05, 0]],
  };
  /** The item after an operator changed it with other tools. */
  const edits: [string, Record<string, unknown>][] = [
    ["edits the release", { release: { ...release, state: "paused" } }],
    ["edits a list in it", { release: { ...release, arcs: [[1, 0.05, 0.5]] } }],
    ["adds to it", { release: { ...release, note: "mine" } }],
    ["removes it", {}],
    ["makes it a text", { release: JSON.stringify(release) }],
    ["changes the rollout, as tools of 2016 do", { release, rollout: 0.5 }],
  ];
  test.each(edits)("an operator who %s makes the write of a controller lose", async (_, edit) => {
    const store = await openAt(engine.endpoint);
    const before = (await store.read("edited", soon())).get("canary")?.revision ?? null;
    const written = await store.write?.("edited", "canary", { rollout: 0.25, release }, before, soon());
    const revision = written?.ok ? written.revision : "";
    const client = engine.client();
    const key = { application: { S: "edited" }, version: { S: "canary" } };
    const { Item: there } = await client.send(new sdk.GetItemCommand({ TableName: TABLE, Key: key }));
    const { M: fields } = toAttribute({ rollout: 0.25, ...edit });
    const Item = { ...key, ...fields, revision: there?.["revision"] ?? { N: "0" } };
    await client.send(new sdk.PutItemCommand({ TableName: TABLE, Item }));
    client.destroy();
    const next = { rollout: 0.5, release: { ...release, seq: 4 } };
    const outcome = await store.write?.("edited", "canary", next, revision, soon());
    const { current } = outcome?.ok === false ? outcome : {};
    expect(current?.value).toEqual({ rollout: 0.25, ...edit });
  });

  test("a release with values that JSON cannot hold is written over all the same", async () => {
    const client = engine.client();
    const odd = { M: { blob: { B: new Uint8Array([1, 2]) }, tags: { SS: ["a"] } } };
    const Item = {
      ...{ application: { S: "odd" }, version: { S: "canary" }, rollout: { N: "0.25" } },
      release: odd,
    };
    await client.send(new sdk.PutItemCommand({ TableName: TABLE, Item }));
    client.destroy();
    const store = await openAt(engine.endpoint);
    const revision = (await store.read("odd", soon())).get("canary")?.revision ?? "";
    const outcome = await store.write?.("odd", "canary", { rollout: 0 }, revision, soon());
    expect(outcome?.ok).toBe(true);
  });
});

/** A statement of a policy, as far as it matters here. */
interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string;
}

/** DynamoDB that refuses some requests, as IAM does. */
function startDenying(upstream: string, isDenied: (body: string, action: string) => boolean) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const body = await request.text();
      const action = request.headers.get("x-amz-target")?.split(".")[1] ?? "";
      if (isDenied(body, action)) return answer("AccessDeniedException");
      return fetch(upstream, { method: "POST", headers: headersOf(request), body });
    },
  });
  return { endpoint: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

function answer(type: string): Response {
  return Response.json(
    { __type: `com.amazon.coral.service#${type}`, message: "no" },
    {
      status: 400,
      headers: { "content-type": "application/x-amz-json-1.0", date: new Date().toUTCString() },
    },
  );
}

function headersOf(request: Request): Headers {
  const headers = new Headers(request.headers);
  for (const name of ["host", "connection", "content-length", "accept-encoding"]) headers.delete(name);
  return headers;
}

/** Adds a batch whose key has this time. */
async function putByHand({ application, key }: EvidenceLog, atMs: number, batch: string): Promise<void> {
  const client = engine.client();
  const at = `${new Date(atMs).toISOString()}/0123456789ab/1`;
  const Item = { log: { S: `${application}~${key}` }, at: { S: at }, batch: { S: batch } };
  await client.send(new sdk.PutItemCommand({ TableName: EVIDENCE, Item }));
  client.destroy();
}

async function itemsOf({ application, key }: EvidenceLog) {
  const client = engine.client();
  const { Items = [] } = await client.send(
    new sdk.QueryCommand({
      TableName: EVIDENCE,
      ConsistentRead: true,
      KeyConditionExpression: "#log = :log",
      ExpressionAttributeNames: { "#log": "log" },
      ExpressionAttributeValues: { ":log": { S: `${application}~${key}` } },
    }),
  );
  client.destroy();
  return Items;
}
