/**
 * Limits the length of DynamoDB's answers.
 *
 * The SDK collects a whole answer before it parses it, and has no limit for its length. A server in place of
 * DynamoDB (`AWS_ENDPOINT_URL`, a proxy on the way) could fill the memory with one answer.
 */

import { pipeline, type Readable, Transform } from "node:stream";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { isIdentity } from "../shared/identity.ts";

/** A page of a query or a scan is a megabyte of items, which JSON may spell six times as long. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** The reason why an answer is refused. Operators see its name. */
export class AnswerError extends Error {
  constructor(name: "AnswerTooLong" | "AnswerCompressed" | "AnswerWithoutDate") {
    super(name);
    this.name = name;
  }
}

/** The parts of an answer that are checked before the SDK reads it. */
interface HttpAnswer {
  readonly headers?: Readonly<Record<string, string>>;
  body?: Readable;
}

/** From now on, an answer of this client that is too long or compressed is an error. */
export function boundAnswers(client: DynamoDBClient): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      bound(result.response as HttpAnswer);
      return result;
    },
    // A low priority is closest to the network, so the SDK reads the body only after this.
    { step: "deserialize", priority: "low", name: "boundAnswers" },
  );
}

function bound(answer: HttpAnswer): void {
  const { body } = answer;
  if (body === undefined) return;
  if (!isIdentity(answer.headers?.["content-encoding"] ?? "")) {
    body.destroy();
    throw new AnswerError("AnswerCompressed");
  }
  let length = 0;
  const counting = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      length += chunk.byteLength;
      done(length > ANSWER_BYTES_MAX ? new AnswerError("AnswerTooLong") : null, chunk);
    },
  });
  // Ends both if either fails. The reader of `counting` gets the error.
  answer.body = pipeline(body, counting, () => {});
}
