/**
 * A client of DynamoDB, with limits of its own for time and length. Errors become a `StoreError`. The SDK
 * finds credentials and endpoints by itself.
 */

import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { abandoned, unlessAborted } from "../shared/abort.ts";
import type { StoreError } from "../store.ts";
import { boundAnswers } from "./bounded-answers.ts";
import { dynamodbFault, type Place } from "./faults.ts";

export type Sdk = typeof import("@aws-sdk/client-dynamodb");

/** As in 2016: a request may take a second, and is tried again twice. */
export const REQUEST_TIMEOUT_MS = 1_000;
const ATTEMPTS_MAX = 3;

/** The limit for all attempts of a call, because an endpoint may begin to answer and then stop. */
const CALL_TIMEOUT_MS = 4_500;

export class DynamodbCalls {
  readonly sdk: Sdk;
  readonly client: DynamoDBClient;
  readonly #place: Place;

  constructor(sdk: Sdk, place: Place) {
    this.sdk = sdk;
    this.#place = place;
    this.client = new sdk.DynamoDBClient({
      region: place.region,
      maxAttempts: ATTEMPTS_MAX,
      requestHandler: {
        connectionTimeout: REQUEST_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
    });
    boundAnswers(this.client);
  }

  /**
   * A call that ends when its signal is aborted, even if the SDK goes on. Rejects with a `StoreError`, or
   * with a failed condition.
   *
   * @param action the name of the right that it needs, for messages
   */
  async run<T>(action: string, signal: AbortSignal, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    if (inTime.aborted) throw abandoned(inTime);
    try {
      return await unlessAborted(inTime, send(inTime));
    } catch (error) {
      if (error instanceof this.sdk.ConditionalCheckFailedException) throw error;
      throw inTime.aborted ? abandoned(inTime) : this.fault(action, error);
    }
  }

  fault(action: string, error: unknown): StoreError {
    return dynamodbFault(this.#place, action, error);
  }

  close(): void {
    this.client.destroy();
  }
}
