/**
 * The table of 2016, made for those who have none: string keys `application` and `version`, paid by the
 * request.
 */

import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

type Sdk = typeof import("@aws-sdk/client-dynamodb");

/** As long as a new table may take to be there, and how often that is looked at. */
const WAIT_S = 60;
const LOOK_S_MIN = 1;
const LOOK_S_MAX = 2;

const KEYS = [
  { name: "application", type: "HASH" },
  { name: "version", type: "RANGE" },
] as const;

/** Asks for the table; false where it is there already. Rejects with the SDK's error. */
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

/** Resolves when a table that was asked for can be used. */
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
