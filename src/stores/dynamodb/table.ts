/**
 * Creates tables for operators without them: the table of 2016, and one for the evidence of releases. Both
 * are paid by the request.
 */

import { abandoned, unlessAborted } from "../shared/abort.ts";
import type { DynamodbCalls } from "./calls.ts";

/** The longest wait for a new table, and the time between two checks. */
const WAIT_S = 60;
const LOOK_S_MIN = 1;
const LOOK_S_MAX = 2;

/** The keys of a table; both are strings. */
export interface Keys {
  readonly hash: string;
  readonly range: string;
}

/** The keys for people, in messages. */
export function shownKeys({ hash, range }: Keys): string {
  return `${hash} (S, hash) and ${range} (S, range)`;
}

/**
 * Makes the table, and waits until it can be used; false if it exists already. Rejects with a `StoreError`.
 */
export async function ensureTable(
  calls: DynamodbCalls,
  table: string,
  keys: Keys,
  signal: AbortSignal,
): Promise<boolean> {
  const isNew = await calls.run("CreateTable", signal, (abortSignal) =>
    requestTable(calls, table, keys, abortSignal),
  );
  if (!isNew) return false;
  const wait = { client: calls.client, maxWaitTime: WAIT_S, minDelay: LOOK_S_MIN, maxDelay: LOOK_S_MAX };
  try {
    await unlessAborted(
      signal,
      calls.sdk.waitUntilTableExists({ ...wait, abortSignal: signal }, { TableName: table }),
    );
  } catch (error) {
    // The waiter's own errors quote the last answer.
    throw signal.aborted ? abandoned(signal) : calls.fault("DescribeTable", error);
  }
  return true;
}

/** False if the table exists already. Rejects with the SDK's error. */
async function requestTable(
  { sdk, client }: DynamodbCalls,
  table: string,
  { hash, range }: Keys,
  abortSignal: AbortSignal,
): Promise<boolean> {
  const command = new sdk.CreateTableCommand({
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [hash, range].map((name) => ({ AttributeName: name, AttributeType: "S" })),
    KeySchema: [
      { AttributeName: hash, KeyType: "HASH" },
      { AttributeName: range, KeyType: "RANGE" },
    ],
  });
  try {
    await client.send(command, { abortSignal });
    return true;
  } catch (error) {
    if (error instanceof sdk.ResourceInUseException) return false;
    throw error;
  }
}

/**
 * From now on, items of the table go some time after the second since 1970 that their attribute names. It may
 * be repeated. Rejects with a `StoreError`.
 */
export async function expireBy(
  calls: DynamodbCalls,
  table: string,
  attribute: string,
  signal: AbortSignal,
): Promise<void> {
  const command = new calls.sdk.UpdateTimeToLiveCommand({
    TableName: table,
    TimeToLiveSpecification: { Enabled: true, AttributeName: attribute },
  });
  await calls.run("UpdateTimeToLive", signal, async (abortSignal) => {
    try {
      await calls.client.send(command, { abortSignal });
    } catch (error) {
      // The only fault that such a request can have: it is on already.
      if (!(error instanceof Error && error.name === "ValidationException")) throw error;
    }
  });
}
