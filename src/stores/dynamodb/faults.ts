/**
 * Errors of the AWS SDK become a `StoreError` with its remedy.
 *
 * The SDK's own texts and error objects are left out, also as causes: they quote requests, and with them
 * signatures, session tokens and endpoints with passwords. Its error names say enough.
 */

import { StoreError } from "../store.ts";

const DENIED = new Set([
  "AccessDeniedException",
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignatureException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "NotAuthorized",
  "OptInRequired",
  "SignatureDoesNotMatch",
  "TokenProviderError",
  "UnrecognizedClientException",
]);

/** Answers with a status of 4xx that mean: not now. */
const THROTTLED = new Set([
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestTimeout",
  "RequestTimeoutException",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionConflictException",
]);

/** The SDK could not read the answer, or this program refused it. */
const NO_ANSWERS = new Set(["SyntaxError", "AnswerTooLong", "AnswerCompressed", "AnswerWithoutDate"]);

/** An error of the system, such as ECONNRESET. It may come in the middle of an answer with a good status. */
const SYSTEM_ERROR = /^E[A-Z]+$/;

/** The rights in IAM that commands need and daemons do not. */
const RIGHTS: ReadonlyMap<string, string> = new Map([
  ["CreateTable", "dynamodb:CreateTable and dynamodb:DescribeTable (for init-store)"],
  ["DescribeTable", "dynamodb:CreateTable and dynamodb:DescribeTable (for init-store)"],
  ["UpdateTimeToLive", "dynamodb:UpdateTimeToLive (for init-store)"],
  ["PutItem", "dynamodb:PutItem (to write evidence of releases)"],
  ["Scan", "dynamodb:Scan (to list all applications)"],
]);

/** A table, for messages. */
export interface Place {
  readonly region: string;
  readonly table: string;
  /** Its keys, for people. */
  readonly keys: string;
  /** The table that one names to `init-store`, which makes this one. */
  readonly madeWith: string;
}

/** The parts of an SDK error that are used; all of them may be missing. */
interface SdkError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
  readonly $response?: unknown;
}

export function dynamodbFault(place: Place, action: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { region, table } = place;
  const { name, code, $metadata, $response } = (error ?? {}) as SdkError;
  const what = [name === "Error" ? undefined : name, code]
    .filter((part) => typeof part === "string" && /^[\w.]{1,80}$/.test(part))
    .join(" ");
  const where = `table ${table} in ${region}`;
  const status = Number(
    $metadata?.httpStatusCode ?? (($response ?? {}) as { statusCode?: unknown }).statusCode,
  );

  if (name === "ResourceNotFoundException") {
    return new StoreError("missing", `there is no ${where}; make it: ${initStore(region, place.madeWith)}`);
  }
  if (name === "ValidationException" && action === "UpdateItem") {
    const remedy = "an item has at most 400 KB, and a number at most 38 digits; nothing was written";
    return new StoreError("refused", `${where} does not take the record (${what}); ${remedy}`);
  }
  if (name === "ValidationException") {
    const remedy = `its keys must be ${place.keys}; name another table, and make it: ${initStore(region, "TABLE")}`;
    return new StoreError("malformed", `${where} does not take the request (${what}); ${remedy}`);
  }
  if (typeof name === "string" && DENIED.has(name)) {
    const remedy =
      name === "CredentialsProviderError"
        ? "no credentials were found: attach an IAM role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        : "check the credentials and the clock, and that IAM allows";
    const permissions = name === "CredentialsProviderError" ? "; IAM must allow" : "";
    const rights = RIGHTS.get(action) ?? "dynamodb:Query (to read) and dynamodb:UpdateItem (to write)";
    return new StoreError(
      "denied",
      `${action} on ${where} was refused (${what}): ${remedy}${permissions} ${rights}`,
    );
  }
  const isAnswer = status >= 200 && status < 500 && !SYSTEM_ERROR.test(String(code));
  if (NO_ANSWERS.has(String(name)) || (isAnswer && !THROTTLED.has(String(name)))) {
    const remedy = "check AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL, and every proxy on the way";
    return new StoreError(
      "malformed",
      `the server that answers for ${where} is not DynamoDB (${what}); ${remedy}`,
    );
  }
  const remedy = "check the network, the region and the table's capacity";
  return new StoreError("unavailable", `${where} does not answer (${what || "no reason given"}); ${remedy}`);
}

/** The command that creates the table in the form that the daemon needs. */
function initStore(region: string, table: string): string {
  return `maxwells-daemon init-store -store dynamodb://${region}/${table}`;
}
