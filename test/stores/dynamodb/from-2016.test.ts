/**
 * The change from the daemon of 2016, as `docs/from-2016.md` has it: both daemons on one table, in AWS's own
 * DynamoDB Local, with exactly the rights that the page prints.
 *
 * The old daemon is here by what it does: its request to DynamoDB, and its answers, which were recorded for
 * three rollouts.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BatchGetItemCommand, DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import {
  CREDENTIALS,
  type DynamodbLocal,
  dynamodbMissing,
  sdkEnvironment,
  startDynamodbLocal,
} from "../../support/dynamodb-local.ts";
import { type GuardedDynamodb, guardDynamodb, type Statement } from "../../support/dynamodb-rights.ts";
import { eventually } from "../../support/eventually.ts";
import { LineClient } from "../../support/line.ts";
import { codeIn } from "../../support/page-program.ts";
import vectors from "../../vectors/line-protocol.json";

const ROOT = join(import.meta.dir, "../../..");
const BIN = join(ROOT, "src/bin.ts");
const PAGE = await Bun.file(join(ROOT, "docs/from-2016.md")).text();
const TABLE = "MaxwellsDaemon";
const STORE = `dynamodb://us-east-1/${TABLE}`;

/** The statements on the page: first the daemons', then the operators'. */
const [DAEMONS, OPERATORS] = [...PAGE.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(
  ([, text = ""]) => JSON.parse(text) as Statement,
);
const IN_2016 = { ...DAEMONS, Action: ["dynamodb:BatchGetItem"] } as Statement;

const isMissing = dynamodbMissing() !== undefined;
let engine: DynamodbLocal;
let guard: GuardedDynamodb;
let home: DaemonHome;
let daemon: DaemonProcess;

beforeAll(async () => {
  if (isMissing) return;
  engine = await startDynamodbLocal();
  await engine.createTable(TABLE);
  guard = guardDynamodb(engine.endpoint);
  guard.roles.set("daemon", [IN_2016]);
  guard.roles.set("operator", OPERATORS === undefined ? [] : [OPERATORS]);
  home = new DaemonHome({ store: STORE, env: environment("daemon") });
  await inConsole("canary", "0.25");
  await inConsole("maintenance", "0");
}, 60_000);

afterAll(async () => {
  await daemon?.end("SIGKILL");
  await guard?.stop();
  await engine?.stop();
  home?.remove();
});

function environment(role: string): Record<string, string> {
  return { ...sdkEnvironment(guard.endpoint), AWS_ACCESS_KEY_ID: role };
}

/** An edit in AWS's console: the attribute `rollout` alone. */
async function inConsole(version: string, rollout: string): Promise<void> {
  const console = engine.client();
  await console.send(
    new UpdateItemCommand({
      TableName: TABLE,
      Key: { application: { S: "website" }, version: { S: version } },
      UpdateExpression: "SET rollout = :r",
      ExpressionAttributeValues: { ":r": { N: rollout } },
    }),
  );
  console.destroy();
}

/** The rollouts that the daemon of 2016 reads, by its own request. It reads no other attribute. */
async function readIn2016(): Promise<Record<string, number>> {
  const credentials = { ...CREDENTIALS, accessKeyId: "daemon" };
  const client = new DynamoDBClient({ endpoint: guard.endpoint, region: "us-east-1", credentials });
  const keys = ["maintenance", "canary"].map((version) => ({
    ...{ application: { S: "website" }, version: { S: version } },
  }));
  const { Responses: tables } = await client.send(
    new BatchGetItemCommand({
      RequestItems: {
        [TABLE]: { Keys: keys, ConsistentRead: true, ProjectionExpression: "version, rollout" },
      },
    }),
  );
  client.destroy();
  const items = tables?.[TABLE]?.map(({ version, rollout }) => [version?.S, Number(rollout?.N)]) ?? [];
  return Object.fromEntries(items);
}

async function run(...words: readonly string[]) {
  const child = Bun.spawn([process.execPath, BIN, ...words, "-store", STORE, "-application", "website"], {
    env: { ...process.env, ...environment("operator") },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { status: await child.exited, stdout, stderr };
}

/** Both daemons have this rollout, and visitors of the new one get all answers that the old one gave. */
async function bothAnswer(rollout: number): Promise<void> {
  expect(await readIn2016()).toMatchObject({ canary: rollout });
  await daemon.follows("canary", rollout, 0);
  const recorded = vectors.same.filter((each) => each.rollout === rollout);
  for (const { send, assignment, location } of recorded) {
    const client = await LineClient.connect({ path: home.socket });
    client.send(Buffer.from(send, "utf8"));
    const [number, place = ""] = await client.lines(2);
    client.close();
    if (assignment !== null) expect([send, Number(number)]).toEqual([send, Number(assignment)]);
    expect([send, [location].flat().includes(place)]).toEqual([send, true]);
  }
}

describe.skipIf(isMissing)("the change from the daemon of 2016", () => {
  test("with the right of 2016 alone, the new daemon sends all visitors to master, and its log names the right", async () => {
    const stale = await home.startStale();
    try {
      await eventually(() => stale.log.includes("dynamodb:Query"), "the log names the right");
      expect(await home.ask("0.1")).toBe("master");
      expect(await readIn2016()).toEqual({ canary: 0.25, maintenance: 0 });
    } finally {
      await stale.end("SIGKILL");
    }
    guard.roles.set("operator", [IN_2016]);
    const got = await run("get");
    expect(got.stderr).toContain("dynamodb:Query");
    expect(got.status).not.toBe(0);
    guard.roles.set("operator", OPERATORS === undefined ? [] : [OPERATORS]);
    expect([...guard.refused].sort()).toEqual(["daemon Query", "operator Query"]);
    guard.refused.clear();
    guard.used.clear();
  }, 30_000);

  test("with the page's rights, both daemons follow set, and give all recorded answers", async () => {
    guard.roles.set("daemon", DAEMONS === undefined ? [] : [DAEMONS]);
    expect(await run("get")).toMatchObject({ status: 0, stderr: "" });
    daemon = await home.start();
    await bothAnswer(0.25);
    for (const [share, rollout] of [
      ["100%", 1],
      ["0%", 0],
      ["25%", 0.25],
    ] as const) {
      expect(await run("set", "canary", share, "-m", "INC-42")).toMatchObject({ status: 0, stderr: "" });
      await bothAnswer(rollout);
    }
  }, 60_000);

  test("both follow an edit in the console, and maintenance", async () => {
    await inConsole("canary", "1");
    await bothAnswer(1);
    await inConsole("canary", "0.25");
    await bothAnswer(0.25);
    expect(await run("set", "maintenance", "on")).toMatchObject({ status: 0 });
    expect(await readIn2016()).toEqual({ canary: 0.25, maintenance: 1 });
    await eventually(() => Bun.file(home.maintenanceFile).exists(), "maintenance begins");
    await inConsole("maintenance", "0");
    await eventually(async () => !(await Bun.file(home.maintenanceFile).exists()), "maintenance ends");
  }, 30_000);

  test("a release with the offset 0 takes both daemons from step to step, and back", async () => {
    const config = join(home.directory, "release.toml");
    writeFileSync(config, codeIn(PAGE, "toml"));
    expect(await run("set", "canary", "0%")).toMatchObject({ status: 0 });
    const start = ["release", "canary", "beside-2016", "-of", "v42", "-unattended", "-config", config];
    expect(await run(...start)).toMatchObject({ status: 0 });
    await daemon.follows("canary", 0.01, 0);
    expect(await readIn2016()).toMatchObject({ canary: 0.01 });
    expect(await run("promote", "-to", "25%")).toMatchObject({ status: 0 });
    await bothAnswer(0.25);
    expect(await run("abort", "-m", "INC-42")).toMatchObject({ status: 0 });
    await bothAnswer(0);
  }, 60_000);

  test("an offset divides the two daemons, and the page's command for the way back brings them together", async () => {
    expect(await run("set", "canary", "25%", "-offset", "0.5", "-failsafe", "hold")).toMatchObject({
      status: 0,
    });
    await daemon.follows("canary", 0.25, 0.5);
    expect(await readIn2016()).toMatchObject({ canary: 0.25 });
    expect(await home.ask("0.1")).toBe("master");
    const back = /`maxwells-daemon (set canary 10% [^`]*)`/.exec(PAGE)?.[1] ?? "";
    expect(await run(...back.replace("10%", "25%").split(" "))).toMatchObject({ status: 0 });
    await bothAnswer(0.25);
  }, 30_000);

  test("the page's rights were all used, and no other one was asked for", () => {
    const printed = [
      ...(DAEMONS?.Action ?? []).map((action) => `daemon ${action.replace("dynamodb:", "")}`),
      ...(OPERATORS?.Action ?? []).map((action) => `operator ${action.replace("dynamodb:", "")}`),
    ];
    expect([...guard.used].sort()).toEqual(printed.sort());
    expect([...guard.refused]).toEqual([]);
  });

  test("on the way back, the old daemon reads the last rollout with the right of 2016 alone", async () => {
    expect(await daemon.end()).toBe(0);
    guard.roles.set("daemon", [IN_2016]);
    expect(await readIn2016()).toEqual({ canary: 0.25, maintenance: 0 });
  }, 30_000);
});
