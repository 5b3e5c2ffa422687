/**
 * Errors between a daemon and its NATS become a `StoreError` with its remedy.
 *
 * An error of JetStream has a number, which is its kind. No text of the server or the client is repeated,
 * except the subject that a user may not use, because the operator needs it.
 */

import { StoreError, type StoreErrorCode } from "../store.ts";

const LEADERLESS = "is choosing a leader, or has lost most of its servers; look at its log";

const RIGHTS = "see the rights in docs/stores/nats.md";

/** The bytes are not those of a NATS, or a message is too long. */
export class FrameError extends Error {}

/** The server is there, and the stream does not answer. */
export class LeaderlessError extends Error {}

/** No server takes messages of this subject. */
export class UnheardError extends StoreError {}

/** There are fewer servers than a stream should be on. */
export class TooFewServersError extends StoreError {}

/** The error in an answer of JetStream. */
export class ApiError extends Error {
  /** JetStream's own number. */
  readonly number: number;
  /** A status of HTTP. */
  readonly status: number;

  constructor(number: number, status: number) {
    super(`JetStream's error ${number}`);
    this.number = number;
    this.status = status;
  }
}

export const NO_MESSAGE = 10037;
export const NO_STREAM = 10059;
export const STREAM_EXISTS = 10058;
export const WRONG_SEQUENCE: readonly number[] = [10071, 10164];

const TOO_FEW_SERVERS: readonly number[] = [10005, 10074];

/** All errors of JetStream that are recognized. */
const NUMBERS: Readonly<Record<number, readonly [code: StoreErrorCode, what: string]>> = {
  10039: ["unavailable", "has no JetStream for this account; switch it on there"],
  10076: ["unavailable", "has no JetStream; start nats-server with -js"],
  10008: ["unavailable", LEADERLESS],
  10009: ["unavailable", "has lost the leader of its cluster; look at its log"],
  10023: ["refused", "has no room left for the streams; give JetStream more storage"],
  10028: ["refused", "has no memory left for JetStream; raise max_memory_store"],
  10047: ["refused", "has no room left for the streams; give JetStream more storage"],
  10002: ["refused", "allows this account no more storage; raise its limit"],
  10026: ["unavailable", "allows no more consumers; raise the limit of the stream or the account"],
  10054: ["refused", "does not take values as long; take something out of the record"],
  10077: ["refused", "does not take more messages into the stream; raise its limits"],
  10109: ["refused", "has a sealed stream, which takes no writes; name another bucket"],
};

/**
 * @param where  for people: the address
 * @param stream the stream that was asked for
 * @param remedy the command that makes the stream
 */
export function apiFault(where: string, { number, status }: ApiError, stream: string, remedy: string) {
  if (number === NO_STREAM) {
    return new StoreError("missing", `${where} has no stream ${stream}; ${remedy}`);
  }
  if (TOO_FEW_SERVERS.includes(number)) {
    return new TooFewServersError("unavailable", `${where} has too few servers for the stream ${stream}`);
  }
  const known = NUMBERS[number];
  if (known !== undefined) return new StoreError(known[0], `${where} ${known[1]}`);
  if (status >= 500) {
    return new StoreError("unavailable", `${where} cannot answer now (error ${number}); look at its log`);
  }
  return new StoreError(
    "malformed",
    `${where} does not understand the request (error ${number}); it has to be NATS 2.9 or later`,
  );
}

/** An answer that has not the form of JetStream's. */
export function foreignFault(where: string): StoreError {
  return new StoreError("malformed", `${where} does not answer as JetStream does; check host and port`);
}

/** @param error the value with which the client rejected */
export function natsFault(where: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof LeaderlessError) return new StoreError("unavailable", `${where} ${LEADERLESS}`);
  const { name, message, code = codeOf(error) } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const text = String(message ?? "");
  if (name === "AuthorizationError" || name === "UserAuthenticationExpiredError") {
    return new StoreError(
      "denied",
      `${where} does not let this user in; correct the login in the address, or in the variables NATS_…`,
    );
  }
  if (name === "PermissionViolationError") return permissionFault(where, error);
  if (name === "NoResponders") {
    return new UnheardError(
      "unavailable",
      `${where} has no JetStream, or it is not ready; start nats-server with -js`,
    );
  }
  if (text.includes("max_payload")) {
    return new StoreError(
      "refused",
      `${where} does not take values as long; take something out of the record, nothing was written`,
    );
  }
  if (error instanceof FrameError || text === "unexpected response from server" || name === "SyntaxError") {
    return new StoreError(
      "malformed",
      `the server at ${where} is not NATS, or its answer is too long; check host and port`,
    );
  }
  if (text.includes("'tls'")) {
    return new StoreError("unavailable", `${where} has TLS, or has none; check nats:// or natss://`);
  }
  const reason =
    typeof code === "string" && /^[A-Z0-9_]{1,80}$/.test(code)
      ? code
      : name === "TimeoutError" || text === "timeout"
        ? "no answer in time"
        : "the connection was closed";
  return new StoreError(
    "unavailable",
    `${where} does not answer (${reason}); check the address, the network, and nats:// or natss:// with its certificates`,
  );
}

/** The client puts an error of the system into an error of its own. */
function codeOf(error: unknown): unknown {
  const { cause } = (error ?? {}) as { readonly cause?: unknown };
  return (cause as { readonly code?: unknown } | undefined)?.code;
}

function permissionFault(where: string, error: unknown): StoreError {
  const { operation, subject } = error as { operation?: unknown; subject?: unknown };
  const verb = operation === "subscription" ? "subscribe to" : "publish to";
  const shown = typeof subject === "string" && /^[\x21-\x7e]{1,500}$/.test(subject) ? subject : "a subject";
  return new StoreError("denied", `${where} does not allow this user to ${verb} ${shown}; ${RIGHTS}`);
}
