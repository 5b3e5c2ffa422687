/**
 * The evidence of releases, in a table of its own. It has three reasons. Evidence uses up none of the
 * capacity of the records' table. No scan of the records has to read it. And no item of the records' table
 * ever expires.
 *
 * The hash key of an item is `APPLICATION~KEY`. Its range key is `TIME/WRITER/N`, and its time is that of
 * DynamoDB's clock, so a log is read in the order of time. A writer estimates that clock, and the answer to
 * its write shows the true time. If the two differ too much, it writes again. A reader begins some seconds
 * before the time of its last read, and so it misses no batch that was on its way then.
 */

import { randomBytes } from "node:crypto";
import {
  BATCH_BYTES_MAX,
  EVIDENCE_KEPT_MS,
  EVIDENCE_READ_BYTES_MAX,
  type Evidence,
  type EvidenceLog,
  type EvidenceNews,
} from "../evidence.ts";
import { StoreError } from "../store.ts";
import { AnswerError } from "./bounded-answers.ts";
import { DynamodbCalls, REQUEST_TIMEOUT_MS, type Sdk } from "./calls.ts";
import { Dates } from "./dates.ts";
import { ensureTable, expireBy, type Keys, shownKeys } from "./table.ts";

const KEYS: Keys = { hash: "log", range: "at" };

/** The attribute with the second since 1970 at which DynamoDB may delete an item. */
const EXPIRES = "expires";

/** An item cannot be kept longer later. So it is kept for the longest release too. */
const RELEASE_MS_MAX = 90 * 86_400_000;

/** The time in a key may differ from the time of the answer by this much. */
const KEY_TOLERANCE_MS = 3_000;

/**
 * A reader begins this long before its last read. Dates are exact to half a second, and an answer is not
 * older than its request. The rest is for servers of DynamoDB whose clocks differ.
 */
const OVERLAP_MS = 2 * KEY_TOLERANCE_MS + REQUEST_TIMEOUT_MS + 1_000;

/** A batch is written with at most this many keys. */
const PUTS_MAX = 3;

/** Items of a page. The limit holds if all of them are as long as possible. */
const PAGE_ITEMS = EVIDENCE_READ_BYTES_MAX / BATCH_BYTES_MAX;

/** The least range key. DynamoDB does not accept an empty one. */
const FIRST = "0";
const RANGE_KEY_LENGTH_MAX = 1_024;

/** The end of the table's name. */
const SUFFIX = ".evidence";

/** A place in a log. */
interface Position {
  /** Items with a greater range key follow. */
  readonly after: string;
  /** The time at which the first page of this pass through the log was read. */
  readonly beganMs?: number;
}

export class DynamodbEvidence implements Evidence {
  /** The table's name. */
  readonly table: string;
  readonly #calls: DynamodbCalls;
  readonly #dates: Dates;
  readonly #nowMs: () => number;
  readonly #writer = randomBytes(6).toString("hex");
  #written = 0;
  /** DynamoDB's clock less this machine's, as far as known. */
  #aheadMs = 0;

  /**
   * It has a client of its own. The SDK lets one client try again only as long as not too much fails, and
   * evidence that is throttled must not stop the reads of records from being tried again.
   *
   * @param records the table of the records
   * @param nowMs   this machine's clock, which may be wrong: milliseconds since 1970
   */
  constructor(sdk: Sdk, region: string, records: string, nowMs: () => number) {
    this.table = `${records}${SUFFIX}`;
    const place = { region, table: this.table, keys: shownKeys(KEYS), madeWith: records };
    this.#calls = new DynamodbCalls(sdk, place);
    this.#dates = new Dates(this.#calls.client);
    this.#nowMs = nowMs;
  }

  async append(log: EvidenceLog, batches: readonly string[], signal: AbortSignal): Promise<void> {
    await Promise.all(batches.map((batch) => this.#put(hashKey(log), batch, signal)));
  }

  async read(log: EvidenceLog, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews> {
    const { after, beganMs } = positionOf(cursor) ?? { after: FIRST };
    const command = new this.#calls.sdk.QueryCommand({
      TableName: this.table,
      ConsistentRead: true,
      Limit: PAGE_ITEMS,
      KeyConditionExpression: "#log = :log AND #at > :after",
      ExpressionAttributeNames: { "#log": KEYS.hash, "#at": KEYS.range },
      ExpressionAttributeValues: { ":log": { S: hashKey(log) }, ":after": { S: after } },
    });
    const { Items: items, LastEvaluatedKey: last } = await this.#calls.run("Query", signal, (abortSignal) =>
      this.#calls.client.send(command, { abortSignal }),
    );
    if (!Array.isArray(items)) throw this.#calls.fault("Query", new SyntaxError("no items"));
    const batches = items.flatMap((item) => (item?.["batch"]?.S === undefined ? [] : [item["batch"].S]));
    const passMs = beganMs ?? this.#dateOf(command, "Query");
    if (last === undefined) {
      return { batches, cursor: cursorOf({ after: timeOf(passMs - OVERLAP_MS) }), hasMore: false };
    }
    const next = last[KEYS.range]?.S;
    if (next === undefined || next <= after)
      throw this.#calls.fault("Query", new SyntaxError("no next page"));
    return { batches, cursor: cursorOf({ after: next, beganMs: passMs }), hasMore: true };
  }

  /** Makes the table; false if it exists already. Rejects with a `StoreError`. */
  async init(signal: AbortSignal): Promise<boolean> {
    const isNew = await ensureTable(this.#calls, this.table, KEYS, signal);
    await expireBy(this.#calls, this.table, EXPIRES, signal);
    return isNew;
  }

  close(): void {
    this.#calls.close();
  }

  /** Resolves when the batch has a key whose time is right. */
  async #put(log: string, batch: string, signal: AbortSignal): Promise<void> {
    for (let put = 0; put < PUTS_MAX; put++) {
      const keyMs = this.#nowMs() + this.#aheadMs;
      const expires = Math.ceil((keyMs + RELEASE_MS_MAX + EVIDENCE_KEPT_MS) / 1_000);
      const command = new this.#calls.sdk.PutItemCommand({
        TableName: this.table,
        Item: {
          [KEYS.hash]: { S: log },
          [KEYS.range]: { S: `${timeOf(keyMs)}/${this.#writer}/${++this.#written}` },
          batch: { S: batch },
          [EXPIRES]: { N: String(expires) },
        },
      });
      await this.#calls.run("PutItem", signal, (abortSignal) =>
        this.#calls.client.send(command, { abortSignal }),
      );
      const answeredMs = this.#dateOf(command, "PutItem");
      this.#aheadMs = answeredMs - this.#nowMs();
      if (Math.abs(answeredMs - keyMs) <= KEY_TOLERANCE_MS) return;
    }
    throw new StoreError(
      "unavailable",
      `the clock of this machine and that of ${this.table} run apart; look at this machine's clock`,
    );
  }

  #dateOf(command: { readonly input: object }, action: string): number {
    const dateMs = this.#dates.of(command);
    if (dateMs === undefined) throw this.#calls.fault(action, new AnswerError("AnswerWithoutDate"));
    return dateMs;
  }
}

function hashKey({ application, key }: EvidenceLog): string {
  return `${application}~${key}`;
}

/** A text that sorts as the times do. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function cursorOf({ after, beganMs }: Position): string {
  return JSON.stringify(beganMs === undefined ? [after] : [after, beganMs]);
}

/** Undefined if the text is not of `cursorOf`. */
function positionOf(cursor: string | undefined): Position | undefined {
  if (cursor === undefined || cursor.length > 2 * RANGE_KEY_LENGTH_MAX) return undefined;
  try {
    const parts: unknown = JSON.parse(cursor);
    if (!Array.isArray(parts)) return undefined;
    const [after, beganMs] = parts as unknown[];
    if (typeof after !== "string" || after === "" || after.length > RANGE_KEY_LENGTH_MAX) return undefined;
    if (beganMs === undefined) return { after };
    return Number.isSafeInteger(beganMs) ? { after, beganMs: beganMs as number } : undefined;
  } catch {
    // It is not JSON.
    return undefined;
  }
}
