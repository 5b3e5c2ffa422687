/**
 * AWS's own DynamoDB Local, for tests: the real service's semantics, in memory, on a free port of loopback.
 * It needs Java 17. It comes in the package `amplify-dynamodb-simulator`. Tests do not use that package's own
 * starter, because it needs the Amplify command line.
 */

import { dirname, join } from "node:path";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { freePort } from "./port.ts";

const START_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** Why it cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function dynamodbMissing(): string | undefined {
  if (Bun.which("java") !== null) return undefined;
  const message = "Java is not installed; apt-get install openjdk-17-jre-headless";
  if (process.env["CI"]) throw new Error(message);
  console.warn(`skipped: DynamoDB: ${message}`);
  return message;
}

/** The credentials that the SDK needs. The emulator accepts any key. */
export const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" } as const;

export interface DynamodbLocal {
  readonly port: number;
  readonly endpoint: string;
  /** The environment in which a daemon, or any program of the SDK, finds it and no other configuration. */
  readonly environment: Readonly<Record<string, string>>;
  /** A client for the tests' own requests. */
  client(): DynamoDBClient;
  /** Makes a table with the schema of 2016. */
  createTable(name: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Environment variables by which the SDK finds an endpoint and nothing of the machine that the tests run on.
 */
export function sdkEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  };
}

/** Starts it, and resolves when it answers. */
export async function startDynamodbLocal(): Promise<DynamodbLocal> {
  const directory = join(dirname(require.resolve("amplify-dynamodb-simulator/package.json")), "emulator");
  const port = await freePort();
  // Quick to start and small: the tests share their machine.
  const java = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"];
  const emulator = ["-jar", "DynamoDBLocal.jar", "-port", String(port), "-inMemory", "-sharedDb"];
  const child = Bun.spawn([...java, ...emulator], {
    cwd: directory,
    // Java looks for the native part of SQLite there.
    env: { ...process.env, DDB_LOCAL_TELEMETRY: "0", LD_LIBRARY_PATH: "./DynamoDBLocal_lib" },
    stdout: "ignore",
    stderr: "pipe",
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  const until = performance.now() + START_TIMEOUT_MS;
  while (!(await isAnswering(endpoint))) {
    if (child.exitCode !== null || performance.now() > until) {
      await stop();
      throw new Error(`DynamoDB Local did not start: ${await new Response(child.stderr).text()}`);
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return {
    port,
    endpoint,
    environment: sdkEnvironment(endpoint),
    client: () => new DynamoDBClient({ endpoint, region: "us-east-1", credentials: CREDENTIALS }),
    createTable: async (name) => createTable(endpoint, name),
    stop,
  };
}

async function createTable(endpoint: string, name: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: "us-east-1", credentials: CREDENTIALS });
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "application", AttributeType: "S" },
        { AttributeName: "version", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "application", KeyType: "HASH" },
        { AttributeName: "version", KeyType: "RANGE" },
      ],
    }),
  );
  client.destroy();
}

/** Any answer at all, a refusal too, says that it serves. */
async function isAnswering(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  }
}
