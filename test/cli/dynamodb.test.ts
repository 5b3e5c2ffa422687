/** The command line of 2016, and `get` and `set`, on AWS's own DynamoDB Local. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import { type DynamodbLocal, dynamodbMissing, startDynamodbLocal } from "../support/dynamodb-local.ts";
import { LineClient } from "../support/line.ts";

const BIN = join(import.meta.dir, "../../src/bin.ts");
const TABLE = "MaxwellsDaemon";
const STORE = ["-application", "website", "-table", TABLE, "-region", "us-east-1"];

const isMissing = dynamodbMissing() !== undefined;
let engine: DynamodbLocal;

beforeAll(async () => {
  if (isMissing) return;
  engine = await startDynamodbLocal();
  await engine.createTable(TABLE);
}, 60_000);

afterAll(async () => {
  await engine?.stop();
});

/** Writes a row as tools of 2016 did: three attributes, and nothing else known of. */
async function putAsIn2016(version: string, rollout: string): Promise<void> {
  const client = engine.client();
  const Item = { application: { S: "website" }, version: { S: version }, rollout: { N: rollout } };
  await client.send(new PutItemCommand({ TableName: TABLE, Item }));
  client.destroy();
}

async function run(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([process.execPath, BIN, ...words], {
    env: { ...process.env, ...engine.environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}

test.skipIf(isMissing)(
  "the flags of a unit of 2016 run the daemon on its table",
  async () => {
    await putAsIn2016("canary", "0.25");
    await putAsIn2016("maintenance", "0");
    const home = new DaemonHome();
    const flags = [
      "-socket",
      home.socket,
      "-delay",
      "4s",
      "-unhealthy=8s",
      "-logfile",
      `${home.directory}/log`,
    ];
    const more = ["-state-dir", home.stateDirectory, "-admin", "127.0.0.1:0"];
    const daemon = await DaemonProcess.of(
      Bun.spawn([process.execPath, BIN, ...STORE, ...flags, ...more], {
        env: { ...process.env, ...engine.environment },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      }),
    );
    try {
      expect((await daemon.state()).store).toBe(`dynamodb://us-east-1/${TABLE}`);
      const client = await LineClient.connect({ path: home.socket });
      expect(await client.ask("0.2")).toEqual({ assignment: "0.2", location: "canary" });
      expect(await client.ask("0.3")).toEqual({ assignment: "0.3", location: "master" });
      client.close();
    } finally {
      expect(await daemon.end("SIGINT")).toBe(130);
      home.remove();
    }
  },
  20_000,
);

test.skipIf(isMissing)(
  "set writes a row that the daemon of 2016 reads, and get prints it",
  async () => {
    await putAsIn2016("canary", "0.25");
    const set = await run("set", "canary", "5%", ...STORE);
    expect(set).toMatchObject({ status: 0, stderr: "" });
    const client = engine.client();
    const Key = { application: { S: "website" }, version: { S: "canary" } };
    const { Item } = await client.send(new GetItemCommand({ TableName: TABLE, Key, ConsistentRead: true }));
    client.destroy();
    expect(Item?.["rollout"]).toEqual({ N: "0.05" });
    const got = await run("get", "canary", ...STORE, "-o", "json");
    expect(got.status).toBe(0);
    expect(got.stdout).toContain('"rollout": 0.05');
  },
  20_000,
);

test.skipIf(isMissing)(
  "two operators who set at once never overwrite each other unseen",
  async () => {
    await putAsIn2016("canary", "0.5");
    const rollouts = ["10%", "20%", "30%", "40%"];
    const outcomes = await Promise.all(
      rollouts.map((rollout) => run("set", "canary", rollout, "-expect", "50%", ...STORE)),
    );
    const winners = outcomes.filter(({ status }) => status === 0);
    const losers = outcomes.filter(({ status }) => status === 4);
    expect(winners).toHaveLength(1);
    expect(losers).toHaveLength(3);
    for (const { stderr } of losers) expect(stderr).toMatch(/@/);
  },
  30_000,
);

test.skipIf(isMissing)(
  "release asks what its offset may be, because a daemon of 2016 on the same table knows none",
  async () => {
    await putAsIn2016("canary", "0");
    await putAsIn2016("blue", "0");
    const home = new DaemonHome();
    const config = join(home.directory, "md.toml");
    const start = (plan: string, offset: string) => {
      writeFileSync(config, `[plans.${plan}]\nsteps = ["1%:10m", "100%:1d"]\n${offset}\n`);
      return run("release", "blue", plan, "-of", "v42", "-unattended", ...STORE, "-config", config);
    };
    try {
      const refused = await start("undecided", "");
      expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status: 2, stdout: "" });
      expect(refused.stderr).toContain('write into [plans.undecided] offset = "random"');
      const zero = await start("same", "offset = 0");
      expect(zero.stderr).toContain("each release begins with the same visitors");
      expect(zero.status).toBe(0);
      expect((await run("abort", ...STORE)).status).toBe(0);
      expect(await start("drawn", 'offset = "random"')).toMatchObject({ status: 0, stderr: "" });
    } finally {
      home.remove();
    }
  },
  60_000,
);
