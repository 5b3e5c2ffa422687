/**
 * Creates the table of 2016 for operators without one: string keys `application` and `version`, paid by the
 * request.
 */

import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

type Sdk = typeof import("@aws-sdk/client-dynamodb");

/** The longest wait for a new table, and the time between two checks. */
const WAIT_S = 60;
const LOOK_S_MIN = 1;
const LOOK_S_MAX = 2;

const KEYS = [
  { name: "application", type: "HASH" },
  { name: "version", type: "RANGE" },
] as const;

/** Requests the table; false if it exists already. Rejects with the SDK's error. */
export async function makeTable(
  sdk: Sdk,
  client: DynamoDBClient,
  table: string,
  abortSignal: AbortSignal,
): Promise<boolean> {
  const command = new sdk.CreateTableCommand({
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: KEYS.map(({ name }) => ({ AttributeName: name, AttributeType: "S" })),
    KeySchema: KEYS.map(({ name, type }) => ({ AttributeName: name, KeyType: type })),
  });
  try {
    await client.send(command, { abortSignal });
    return true;
  } catch (error) {
    if (error instanceof sdk.ResourceInUseException) return false;
    throw error;
  }
}

/** Resolves when the requested table can be used. */
export async function waitForTable(
  sdk: Sdk,
  client: DynamoDBClient,
  table: string,
  abortSignal: AbortSignal,
): Promise<void> {
  await sdk.waitUntilTableExists(
    { client, maxWaitTime: WAIT_S, minDelay: LOOK_S_MIN, maxDelay: LOOK_S_MAX, abortSignal },
    { TableName: table },
  );
}
