/**
 * Answers without compression.
 *
 * `fetch` unpacks an answer before this program can count its bytes: three kilobytes become gigabytes. So a
 * store asks for an uncompressed answer, lets `fetch` unpack nothing, and refuses an answer that is
 * compressed anyway.
 */

import { StoreError } from "../store.ts";

/** For the headers of a request. */
export const IDENTITY_HEADER = { "accept-encoding": "identity" } as const;

/** For `fetch`: the bytes of the body are those that were sent. */
export const NO_UNPACKING = { decompress: false } as const;

/** Ends an answer whose body is compressed. */
export async function refuseEncoded(address: string, response: Response): Promise<void> {
  const encoding = response.headers.get("content-encoding");
  if (encoding === null || isIdentity(encoding)) return;
  await response.body?.cancel();
  throw encodedFault(address);
}

/** Whether a `content-encoding` says that the body is not encoded. */
export function isIdentity(encoding: string): boolean {
  return encoding.split(",").every((part) => ["", "identity"].includes(part.trim().toLowerCase()));
}

function encodedFault(address: string): StoreError {
  return new StoreError(
    "malformed",
    `${address} sends a compressed answer, although it was asked not to; turn compression off at its server`,
  );
}
