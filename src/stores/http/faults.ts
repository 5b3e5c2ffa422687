/**
 * Errors between a daemon and a web server become a `StoreError` with its remedy. No text of the server is
 * repeated.
 */

import { noAnswerReason } from "../shared/no-answer.ts";
import { StoreError } from "../store.ts";

/** The error that `fetch` rejects with. */
export function requestFault(address: string, error: unknown, timeoutMs: number): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof TypeError && String(error.message).includes("encoded data")) {
    return new StoreError("malformed", `${address} is not UTF-8 text; save it as UTF-8`);
  }
  return new StoreError(
    "unavailable",
    `${address} does not answer (${noAnswerReason(error, timeoutMs)}); check the address, the network and its certificate`,
  );
}

/** A status without a document. */
export function statusFault(address: string, status: number): StoreError {
  if (status === 401 || status === 403 || status === 407) {
    const remedy = "put a user and a password into the address, or let this machine in there";
    return new StoreError("denied", `${address} refuses access (status ${status}); ${remedy}`);
  }
  if (status === 404 || status === 410) {
    return new StoreError(
      "missing",
      `there is nothing at ${address} (status ${status}); put the JSON file there`,
    );
  }
  if (status === 429 || status >= 500) {
    return new StoreError(
      "unavailable",
      `${address} cannot answer now (status ${status}); look at its server`,
    );
  }
  return new StoreError("malformed", `${address} answers with status ${status}; it has to be a JSON file`);
}

/** A document that is too long. */
export function bodyFault(address: string, bytesMax: number): StoreError {
  const remedy = "remove versions and applications that no daemon serves, or use several files";
  return new StoreError("malformed", `${address} is larger than ${bytesMax} bytes; ${remedy}`);
}
