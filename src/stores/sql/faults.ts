/**
 * How an error of a database is told, with its remedy. Texts of the server are left out, also as causes: they
 * quote statements, values and users, in the server's language. Its code says enough.
 */

import { StoreError, type StoreErrorCode } from "../store.ts";

/** An error in words for the operator. ADDRESS in the remedy stands for the address of the store. */
export interface Told {
  readonly code: StoreErrorCode;
  readonly what: string;
  readonly remedy: string;
}

const TLS_CODE = /CERT|SSL|TLS|SELF_SIGNED|ISSUER|VERIFY/;

/**
 * @param shown  the address without secrets
 * @param reason the code of the error, if it has one
 */
export function told(shown: string, { code, what, remedy }: Told, reason: string | undefined): StoreError {
  const inBrackets = reason === undefined ? "" : ` (${reason})`;
  return new StoreError(code, `${shown} ${what}${inBrackets}; ${remedy.replace("ADDRESS", shown)}`);
}

/**
 * The fault of a connection that the server said nothing about.
 *
 * @param caParameter the part of an address that names the authority of certificates
 */
export function networkFault(shown: string, error: unknown, caParameter: string): StoreError {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const name = typeof code === "string" && /^[A-Z0-9_]{1,80}$/.test(code) ? code : undefined;
  const isTls = name !== undefined && TLS_CODE.test(name);
  return told(
    shown,
    {
      code: "unavailable",
      what: isTls ? "has a certificate that is not valid" : "does not answer",
      remedy: isTls
        ? `name its authority by ${caParameter}=FILE, and the host as the certificate does`
        : "check the address, the network and the server",
    },
    name,
  );
}

/** A read or a write that got no answer in time. */
export function timeoutFault(shown: string, timeoutMs: number): StoreError {
  return new StoreError(
    "unavailable",
    `${shown} did not answer within ${timeoutMs / 1000} s; check the network and the server`,
  );
}
