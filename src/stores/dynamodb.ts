/**
 * Rollouts in a DynamoDB table with the schema of 2016, so that daemons of both generations can share it:
 * string hash key `application`, string range key `version`, number `rollout`, and any other attributes.
 *
 * A snapshot is one strongly consistent query, and must be one page of a megabyte at most, because a second
 * page would be the state of another moment. There is no push, so the feed polls. The evidence of releases is
 * in a table of its own (`dynamodb/evidence.ts`). The SDK is loaded only when a store of this kind is opened.
 */

import type { AttributeValue, ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import { AnswerError } from "./dynamodb/bounded-answers.ts";
import { DynamodbCalls, type Sdk } from "./dynamodb/calls.ts";
import { Dates } from "./dynamodb/dates.ts";
import { DynamodbEvidence } from "./dynamodb/evidence.ts";
import { conditionOf, REVISION, revisionOf } from "./dynamodb/revision.ts";
import { ensureTable, type Keys, shownKeys } from "./dynamodb/table.ts";
import { fromItem, type Item, toAttribute } from "./dynamodb/values.ts";
import type { Evidence } from "./evidence.ts";
import { refuseReserved } from "./shared/reserved.ts";
import {
  type RecordFields,
  type Removed,
  type Snapshot,
  type Store,
  type StoreContext,
  StoreError,
  type StoreKind,
  type StoreRecord,
  type Written,
} from "./store.ts";

/** The keys of 2016. */
const KEYS: Keys = { hash: "application", range: "version" };

/** The keys of an item and the store's own counter. They are not part of a record's value. */
const OWN_ATTRIBUTES: ReadonlySet<string> = new Set(["application", "version", REVISION]);

/** Fields that a record cannot have: those above, and one that the SDK loses on reading. */
const RESERVED: ReadonlySet<string> = new Set([...OWN_ATTRIBUTES, "__proto__"]);

/** An application that has no records. A query for it is the cheapest question. */
const NO_APPLICATION = "~clock";

export const dynamodb: StoreKind = {
  name: "dynamodb",
  usage: "dynamodb:[//REGION/TABLE]",
  summary: "a DynamoDB table, by default that of -region and -table",

  check(location) {
    return parseLocation(location) === undefined
      ? "write dynamodb: or dynamodb://REGION/TABLE, as in dynamodb://us-east-1/MaxwellsDaemon"
      : undefined;
  },

  async open(context: StoreContext): Promise<Store> {
    const { region, table } = parseLocation(context.location) ?? {};
    const sdk = await import("@aws-sdk/client-dynamodb");
    return new DynamodbStore(sdk, region ?? context.region, table ?? context.table);
  },
};

class DynamodbStore implements Store {
  readonly address: string;
  readonly #sdk: Sdk;
  readonly #calls: DynamodbCalls;
  readonly #dates: Dates;
  readonly #evidence: DynamodbEvidence;
  readonly #table: string;

  constructor(sdk: Sdk, region: string, table: string) {
    this.address = `dynamodb://${region}/${table}`;
    this.#sdk = sdk;
    this.#table = table;
    this.#calls = new DynamodbCalls(sdk, { region, table, keys: shownKeys(KEYS), madeWith: table });
    this.#dates = new Dates(this.#calls.client);
    this.#evidence = new DynamodbEvidence(sdk, region, table, Date.now);
  }

  get evidence(): Evidence {
    return this.#evidence;
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    const command = new this.#sdk.QueryCommand({
      TableName: this.#table,
      ConsistentRead: true,
      KeyConditionExpression: "#application = :application",
      ExpressionAttributeNames: { "#application": "application" },
      ExpressionAttributeValues: { ":application": { S: application } },
    });
    const { Items: items, LastEvaluatedKey: next } = await this.#calls.run("Query", signal, (abortSignal) =>
      this.#calls.client.send(command, { abortSignal }),
    );
    if (!Array.isArray(items)) throw this.#calls.fault("Query", new SyntaxError("no items"));
    if (next !== undefined) {
      const remedy = "delete the items of versions that no longer exist";
      throw new StoreError("malformed", `${application} has more than 1 MB of items; ${remedy}`);
    }
    return new Map(items.map((item) => [this.#versionOf(item), recordOf(item)]));
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    refuseReserved(this.address, version, fields, RESERVED);
    const command = new this.#sdk.UpdateItemCommand({
      TableName: this.#table,
      Key: { application: { S: application }, version: { S: version } },
      ReturnValues: "ALL_NEW",
      // The current item, from the same moment. This needs no right to read.
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      ...updateOf(fields, expected),
    });
    try {
      const output = await this.#calls.run("UpdateItem", signal, (abortSignal) =>
        this.#calls.client.send(command, { abortSignal }),
      );
      if (output.Attributes === undefined)
        throw this.#calls.fault("UpdateItem", new SyntaxError("no attributes"));
      return { ok: true, revision: revisionOf(output.Attributes) };
    } catch (error) {
      if (!(error instanceof this.#sdk.ConditionalCheckFailedException)) throw error;
      return { ok: false, current: error.Item === undefined ? undefined : recordOf(error.Item) };
    }
  }

  /** Needs the right `dynamodb:DeleteItem`, which nothing else does. */
  async remove(
    application: string,
    version: string,
    expected: string,
    signal: AbortSignal,
  ): Promise<Removed> {
    const { expression, names, values } = conditionOf(expected);
    const command = new this.#sdk.DeleteItemCommand({
      TableName: this.#table,
      Key: { application: { S: application }, version: { S: version } },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      ConditionExpression: expression,
      ExpressionAttributeNames: names,
      ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
    });
    try {
      await this.#calls.run("DeleteItem", signal, (abortSignal) =>
        this.#calls.client.send(command, { abortSignal }),
      );
      return { ok: true };
    } catch (error) {
      if (!(error instanceof this.#sdk.ConditionalCheckFailedException)) throw error;
      return { ok: false, current: error.Item === undefined ? undefined : recordOf(error.Item) };
    }
  }

  /** Needs the right `dynamodb:Scan`, which nothing else does. */
  async applications(signal: AbortSignal): Promise<readonly string[]> {
    const names = new Set<string>();
    let next: Record<string, AttributeValue> | undefined;
    do {
      const command = new this.#sdk.ScanCommand({
        TableName: this.#table,
        ConsistentRead: true,
        ProjectionExpression: "#application",
        ExpressionAttributeNames: { "#application": "application" },
        ...(next === undefined ? {} : { ExclusiveStartKey: next }),
      });
      const output: ScanCommandOutput = await this.#calls.run("Scan", signal, (abortSignal) =>
        this.#calls.client.send(command, { abortSignal }),
      );
      for (const { application } of output.Items ?? [])
        if (application?.S !== undefined) names.add(application.S);
      next = output.LastEvaluatedKey;
    } while (next !== undefined);
    return [...names];
  }

  /**
   * The cheapest question needs a right that all users have. If they have it for some applications only, the
   * refusal tells the time too.
   */
  async clock(signal: AbortSignal): Promise<number> {
    const command = new this.#sdk.QueryCommand({
      TableName: this.#table,
      Select: "COUNT",
      KeyConditionExpression: "#application = :application",
      ExpressionAttributeNames: { "#application": "application" },
      ExpressionAttributeValues: { ":application": { S: NO_APPLICATION } },
    });
    const send = (abortSignal: AbortSignal) => this.#calls.client.send(command, { abortSignal });
    try {
      await this.#calls.run("Query", signal, send);
    } catch (error) {
      const isDenied = error instanceof StoreError && error.code === "denied";
      if (!isDenied || this.#dates.of(command) === undefined) throw error;
    }
    const nowMs = this.#dates.of(command);
    if (nowMs === undefined) throw this.#calls.fault("Query", new AnswerError("AnswerWithoutDate"));
    return nowMs;
  }

  /** Needs the rights `dynamodb:CreateTable`, `dynamodb:DescribeTable` and `dynamodb:UpdateTimeToLive`. */
  async init(signal: AbortSignal): Promise<string> {
    const isNew = await ensureTable(this.#calls, this.#table, KEYS, signal);
    const made = `the table ${this.#table} ${isNew ? "was made, on demand" : "is there"}`;
    const { table } = this.#evidence;
    try {
      const isEvidenceNew = await this.#evidence.init(signal);
      return isEvidenceNew
        ? `${made}; ${table} was made for releases, on demand`
        : `${made}, and so is ${table}`;
    } catch (error) {
      // Rights of an earlier version of this program are enough for all but releases.
      if (!(error instanceof StoreError && error.code === "denied")) throw error;
      return `${made}; releases need the table ${table} too, but ${error.message}`;
    }
  }

  async close(): Promise<void> {
    this.#calls.close();
    this.#evidence.close();
  }

  #versionOf(item: Item): string {
    const version = item?.["version"]?.S;
    if (typeof version !== "string")
      throw this.#calls.fault("Query", new SyntaxError("an item without a version"));
    return version;
  }
}

/** The parts of an address; undefined if it is not valid. A part that is not named is absent. */
function parseLocation(location: string): { region?: string; table?: string } | undefined {
  if (location === "" || location === "//") return {};
  const match = /^\/\/([a-z0-9-]{0,64})(?:\/([A-Za-z0-9_.-]{3,255})?)?$/.exec(location);
  if (match === null) return undefined;
  const [, region, table] = match;
  return { ...(region ? { region } : {}), ...(table ? { table } : {}) };
}

function recordOf(item: Item): StoreRecord {
  const value = Object.entries(fromItem(item)).filter(([name]) => !OWN_ATTRIBUTES.has(name));
  const position = Number(item[REVISION]?.N ?? Number.NaN);
  return {
    value: Object.fromEntries(value),
    revision: revisionOf(item),
    ...(Number.isSafeInteger(position) ? { position } : {}),
  };
}

/**
 * Sets the named fields and increases the revision, all or nothing, if the record still has the expected
 * revision.
 */
function updateOf(fields: RecordFields, expected: string | null) {
  const condition =
    expected === null
      ? {
          expression: "attribute_not_exists(#application)",
          names: { "#application": "application" },
          values: {},
          isCounted: false,
        }
      : conditionOf(expected);
  const names: Record<string, string> = { ...condition.names, "#revision": REVISION };
  // The counter of a new item begins with the time. Otherwise an item that was removed and created again
  // would look older than before, and daemons refuse older states.
  const start = expected === null ? Date.now() : 1;
  const values: Record<string, AttributeValue> = { ...condition.values, ":step": { N: String(start) } };
  const sets = [condition.isCounted ? "#revision = #revision + :step" : "#revision = :step"];
  const removes: string[] = [];
  Object.entries(fields).forEach(([name, value], index) => {
    if (OWN_ATTRIBUTES.has(name)) return;
    names[`#f${index}`] = name;
    if (value === undefined) {
      removes.push(`#f${index}`);
    } else {
      values[`:f${index}`] = toAttribute(value);
      sets.push(`#f${index} = :f${index}`);
    }
  });
  const remove = removes.length === 0 ? "" : ` REMOVE ${removes.join(", ")}`;
  return {
    ConditionExpression: condition.expression,
    UpdateExpression: `SET ${sets.join(", ")}${remove}`,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}
