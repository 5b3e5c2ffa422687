/**
 * Errors between a daemon and etcd become a `StoreError` with its remedy.
 *
 * An error of etcd has a gRPC code and a text. The code says too little: 3 is a wrong password, and also a
 * value that is too long. So known texts are recognized. No text is repeated.
 */

import { noAnswerReason } from "../shared/no-answer.ts";
import { StoreError, type StoreErrorCode } from "../store.ts";
import type { Json } from "./records.ts";

const RIGHTS = "see the rights in docs/stores/etcd.md";

/** All errors of etcd that are recognized: a part of the text, the kind of failure, and the remedy. */
const TEXTS: readonly (readonly [part: string, code: StoreErrorCode, what: string])[] = [
  ["user name is empty", "denied", "wants a user; put etcd://USER:PASSWORD@HOST into the address"],
  ["invalid user ID or password", "denied", "does not know this user and password; correct the address"],
  ["invalid auth token", "denied", "does not keep logins; check its flag --auth-token"],
  ["permission denied", "denied", `does not allow it to this user; ${RIGHTS}`],
  [
    "no leader",
    "unavailable",
    "has no leader: most of its members are gone; look at etcdctl endpoint status",
  ],
  ["leader changed", "unavailable", "is choosing a leader; wait until it has"],
  ["request timed out", "unavailable", "has no quorum, or is too slow; look at etcdctl endpoint status"],
  ["database space exceeded", "unavailable", "has no space left; compact, defrag, then etcdctl alarm disarm"],
  ["corrupt", "unavailable", "has an alarm of corrupt data; look at etcdctl alarm list"],
  ["too many requests", "unavailable", "is overloaded; find the client that sends too many requests"],
  [
    "not capable",
    "unavailable",
    "is of mixed versions, or is still starting; wait until all members are new",
  ],
  ["request is too large", "refused", "does not take records as long; take something out of the record"],
];

/** The token has expired, or etcd requires one now. A caller with a password logs in again. */
const STALE_TOKEN = /invalid auth token|revision of auth store is old|user name is empty/;

const AUTH_NOT_ENABLED = /authentication is not enabled/;

/** etcd does not know the revision any more, or not yet. */
const NOT_KNOWN = /required revision (?:has been compacted|is a future revision)/;

/** A lease of evidence has expired, or is not in the backup that was restored. */
const LEASE_GONE = /requested lease not found/;

/** An error in etcd's answer. */
export interface GatewayRefusal {
  readonly status: number;
  /** Codes of gRPC. */
  readonly code: number;
  /** Never shown. */
  readonly text: string;
}

/**
 * The remedy is for the operator; `isUnknownRevision` if the caller reads the past, `isTooLong` if the caller
 * can ask for less, `isLeaseGone` if the caller needs another lease.
 */
export class EtcdError extends StoreError {
  isTooLong = false;
  isLeaseGone = false;
  readonly isUnknownRevision: boolean;

  constructor(code: StoreErrorCode, message: string, isUnknownRevision = false) {
    super(code, message);
    this.isUnknownRevision = isUnknownRevision;
  }
}

/** The error in an answer; undefined if it is not etcd's. */
export function refusalOf(status: number, answer: Json | undefined): GatewayRefusal | undefined {
  const { code, message, error } = answer ?? {};
  const text = typeof message === "string" ? message : error;
  return typeof code === "number" && typeof text === "string" ? { status, code, text } : undefined;
}

export function isStaleToken({ text }: Pick<GatewayRefusal, "text">): boolean {
  return STALE_TOKEN.test(text);
}

export function isAuthNotEnabled({ text }: GatewayRefusal): boolean {
  return AUTH_NOT_ENABLED.test(text);
}

export function refusalFault(where: string, refusal: GatewayRefusal): EtcdError {
  const { status, code, text } = refusal;
  if (NOT_KNOWN.test(text)) {
    return new EtcdError("unavailable", `${where} no longer has that revision`, true);
  }
  if (LEASE_GONE.test(text)) {
    const fault = new EtcdError("unavailable", `${where} no longer has that lease; try again`);
    fault.isLeaseGone = true;
    return fault;
  }
  const known = TEXTS.find(([part]) => text.includes(part));
  if (known !== undefined) return new EtcdError(known[1], `${where} ${known[2]}`);
  if (code === 7 || code === 16) {
    return new EtcdError("denied", `${where} refuses access (code ${code}); ${RIGHTS}`);
  }
  if (code === 4 || code === 8 || code === 14 || status >= 500) {
    return new EtcdError(
      "unavailable",
      `${where} cannot answer now (code ${code}); look at etcdctl endpoint status`,
    );
  }
  return new EtcdError(
    "malformed",
    `${where} does not understand the request (code ${code}); it has to be etcd 3.4 or later`,
  );
}

/** An answer that has not the form of etcd's. */
export function foreignFault(where: string): EtcdError {
  return new EtcdError("malformed", `${where} does not answer as etcd does; check hosts and ports`);
}

/** The answer did not come from etcd. */
export function strangerFault(where: string, status: number): EtcdError {
  if (status === 401 || status === 403) {
    return new EtcdError(
      "denied",
      `a program in front of ${where} refuses access (status ${status}); let this machine in there`,
    );
  }
  if (status === 429 || status >= 500) {
    return new EtcdError("unavailable", `${where} cannot answer now (status ${status}); look at its log`);
  }
  return new EtcdError(
    "malformed",
    `the server at ${where} is not the gateway of etcd 3.4 or later (status ${status}); check host and port`,
  );
}

/** The error that `fetch` rejects with. */
export function requestFault(where: string, error: unknown, timeoutMs: number): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof Error && "code" in error && error.code === "Malformed_HTTP_Response") {
    return new EtcdError("malformed", `the server at ${where} does not speak HTTP; check host and port`);
  }
  const remedy = "check the address, the network, and etcd:// or etcds:// with its certificates";
  return new EtcdError(
    "unavailable",
    `${where} does not answer (${noAnswerReason(error, timeoutMs)}); ${remedy}`,
  );
}
