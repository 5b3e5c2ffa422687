/**
 * Errors between a daemon and its Redis become a `StoreError` with its remedy.
 *
 * The first word of a Redis error is its kind. Only this word is used, because the rest may quote the
 * command, including a password. The client's error objects quote it too. Neither is shown or kept as a
 * cause.
 */

import { StoreError, type StoreErrorCode } from "../store.ts";

/** The login or the database was refused. Redis itself has no separate kind for this. */
export class LoginError extends Error {}
export class DatabaseError extends Error {}

/** The answer is longer than any valid one. */
export class FloodError extends Error {}

const ACL = "see the rights in docs/stores/redis.md";

/** All errors of Redis that are recognized, by the first word. */
const REPLIES: Readonly<Record<string, readonly [code: StoreErrorCode, what: string]>> = {
  NOAUTH: ["denied", "wants a password; put redis://USER:PASSWORD@HOST into the address"],
  WRONGPASS: ["denied", "does not know this user and password; correct the address"],
  NOPERM: ["denied", `does not allow it to this user; ${ACL}`],
  DENIED: [
    "denied",
    "lets no client in from other machines without a password (protected mode); set one there",
  ],
  LOADING: ["unavailable", "is still loading its data; wait until it has"],
  BUSY: ["unavailable", "is busy with another client's script; SCRIPT KILL ends it"],
  READONLY: ["unavailable", "is a replica, which takes no writes; name the primary"],
  MASTERDOWN: ["unavailable", "is a replica that has lost its primary; look at its replication"],
  NOREPLICAS: ["unavailable", "has too few replicas to take writes; look at its replication"],
  MISCONF: ["unavailable", "cannot save to its disk and takes no writes; look at its log"],
  OOM: ["unavailable", "has no memory left; raise maxmemory, or take something out"],
  FULL: [
    "refused",
    "has almost no memory left, so it takes no more evidence; raise maxmemory, or take something out",
  ],
  CLUSTERDOWN: ["unavailable", "belongs to a cluster that is down; look at CLUSTER INFO there"],
  TRYAGAIN: ["unavailable", "belongs to a cluster that is moving this key; wait until it has"],
  MOVED: ["unavailable", "is not the node of its cluster that has this application; name a single Redis"],
  ASK: ["unavailable", "is not the node of its cluster that has this application; name a single Redis"],
  WRONGTYPE: [
    "malformed",
    "has a value of another type there; DEL it, and if it had the place of rollouts, set them again",
  ],
  TOOLARGE: [
    "malformed",
    "has more than 256 KiB or 1024 fields there; remove with HDEL the versions that no daemon serves",
  ],
};

/**
 * @param where for people: the address, and the key if that helps
 * @param error the value with which the client rejected
 */
export function redisFault(where: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { name, code, message } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown };
  const text = String(message ?? "");
  if (error instanceof LoginError) return new StoreError("denied", `${where} ${REPLIES["WRONGPASS"]?.[1]}`);
  if (error instanceof DatabaseError) {
    return new StoreError("missing", `${where} has no such database for this user; name another one`);
  }
  if (name === "ReplyError") return replyFault(where, text);
  if (
    error instanceof FloodError ||
    name === "ParserError" ||
    text.startsWith("Unknown RESP type") ||
    text.startsWith("Protocol error")
  ) {
    return new StoreError(
      "malformed",
      `the server at ${where} is not Redis; check host, port and redis:// or rediss://`,
    );
  }
  const reason =
    typeof code === "string" && /^[A-Z0-9_]{1,80}$/.test(code)
      ? code
      : text === "Command timed out" || name === "TimeoutError"
        ? "no answer in time"
        : "the connection was closed";
  return new StoreError(
    "unavailable",
    `${where} does not answer (${reason}); check the address, the network, and redis:// or rediss:// with its certificate`,
  );
}

/** The error in Redis's answer. */
export function replyFault(where: string, text: string): StoreError {
  const word = /^-?([A-Z]{2,20})\b/.exec(text)?.[1] ?? "";
  const known = Object.hasOwn(REPLIES, word) ? REPLIES[word] : undefined;
  if (known !== undefined) return new StoreError(known[0], `${where} ${known[1]}`);
  if (text.includes("max number of clients")) {
    return new StoreError("unavailable", `${where} takes no more clients; raise its maxclients`);
  }
  // If a script lacks a right, its error has another first word: the first form is from Redis, the second
  // from Valkey.
  if (/^ERR (?:The user executing the script can't|ACL failure in script)/.test(text)) {
    return new StoreError("denied", `${where} ${REPLIES["NOPERM"]?.[1]}`);
  }
  return new StoreError(
    "malformed",
    `${where} does not understand the request (${word || "no reason given"}); it has to be Redis 6, Valkey, or later`,
  );
}
