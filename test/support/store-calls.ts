/** Calls of a store in a test: their time limit, their errors, and a log of evidence for each. */

import { expect } from "bun:test";
import type { EvidenceLog } from "../../src/stores/evidence.ts";
import { StoreError } from "../../src/stores/store.ts";

/** Longer than any call needs, and shorter than a test may take. */
const SOON_MS = 9_000;

/** A signal for a call that should not be given up. */
export function soon(ms = SOON_MS): AbortSignal {
  return AbortSignal.timeout(ms);
}

/**
 * The error of a call. Rejects if the call does not fail, or fails with something else than a `StoreError`.
 */
export async function fails(call: Promise<unknown> | undefined): Promise<StoreError> {
  const error = await (call ?? Promise.resolve()).then(
    () => new Error("the call did not fail"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

/** A log that no other test has. */
export function freshLog(application = "website"): EvidenceLog {
  return { application, key: freshKey() };
}

/** The key of a release that no other test has. */
export function freshKey(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString("hex");
}
