/**
 * A store that hangs, refuses, answers nonsense and comes back: a real daemon on AWS's own DynamoDB Local.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { DaemonHome, DaemonProcess } from "../support/daemon-process.ts";
import {
  type DynamodbLocal,
  dynamodbMissing,
  sdkEnvironment,
  startDynamodbLocal,
} from "../support/dynamodb-local.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { type ProxyMode, type StoreProxy, startStoreProxy } from "../support/store-proxy.ts";
import { expectHealthy, residentBytes } from "./health.ts";

const TABLE = "MaxwellsDaemon";
const UNHEALTHY_MS = 1_500;

const isMissing = dynamodbMissing() !== undefined;
const home = new DaemonHome();
let engine: DynamodbLocal;
let proxy: StoreProxy;
let daemon: DaemonProcess;
let beforeBytes: number;

async function setRollout(rollout: number): Promise<void> {
  const client = engine.client();
  await client.send(
    new PutItemCommand({
      TableName: TABLE,
      Item: { application: { S: "website" }, version: { S: "canary" }, rollout: { N: String(rollout) } },
    }),
  );
  client.destroy();
}

async function locationOf(assignment: string): Promise<string> {
  const client = await LineClient.connect({ path: home.socket });
  try {
    return (await client.ask(assignment)).location;
  } finally {
    client.close();
  }
}

beforeAll(async () => {
  if (isMissing) return;
  engine = await startDynamodbLocal();
  await engine.createTable(TABLE);
  await setRollout(0.25);
  proxy = startStoreProxy(engine.endpoint);
  const flags = ["-store", "dynamodb:", "-unhealthy", `${UNHEALTHY_MS}ms`];
  daemon = await DaemonProcess.of(
    Bun.spawn([...home.command, ...flags], {
      env: { ...process.env, ...sdkEnvironment(proxy.endpoint) },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    }),
  );
  beforeBytes = residentBytes(daemon.pid);
}, 60_000);

afterAll(async () => {
  await daemon?.end();
  await proxy?.stop();
  await engine?.stop();
  home.remove();
});

const troubles: Readonly<Record<string, ProxyMode | "refuse">> = {
  hangs: "hang",
  "begins an answer and never ends it": "stall",
  "refuses connections": "refuse",
  "answers half of a JSON": "text",
  "answers another service's JSON": "other-json",
  "answers an error page": "page",
  "is overloaded": "throttle",
};

for (const [name, trouble] of Object.entries(troubles)) {
  test.skipIf(isMissing)(
    `law 3: while the store ${name}, the last values count for a while; then visitors go to master until it is back`,
    async () => {
      await daemon.follows("canary", 0.25);
      const logBefore = daemon.log.length;
      if (trouble === "refuse") await proxy.refuse();
      else proxy.mode = trouble;
      const beganAt = performance.now();
      // The last values count for a while …
      expect(await locationOf("0.1")).toBe("canary");
      await eventually(
        async () => (await daemon.state()).applications[0]?.error !== null,
        "the error in the state",
      );
      // … and all visitors go to master when these are `unhealthy` old, not earlier.
      await eventually(async () => (await locationOf("0.1")) === "master", "the end of the canary");
      expect(performance.now() - beganAt).toBeGreaterThan(UNHEALTHY_MS - 300);
      expect((await daemon.state()).applications[0]?.fresh).toBe(false);
      expect(await locationOf("0.9")).toBe("master");

      await setRollout(0.25);
      proxy.mode = "pass";
      proxy.listen();
      await eventually(async () => (await locationOf("0.1")) === "canary", "the return of the canary");
      expect(await locationOf("0.9")).toBe("master");
      await expectHealthy(home, daemon, beforeBytes);
      // Within ten seconds, the complaint of the first fault may stand for the later ones, with their count.
      expect(daemon.log).toMatch(/the store could not be read/);
      await eventually(
        () => /the store answers again/.test(daemon.log.slice(logBefore)),
        "the store's return in the log",
      );
    },
    30_000,
  );
}

test.skipIf(isMissing)("secrets never reach the log", () => {
  expect(daemon.log).not.toContain("secret");
  expect(daemon.log).not.toContain("AWS4-HMAC");
});
