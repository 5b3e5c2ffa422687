/** Transactions that are tried again if the server has taken them back because of another one. */

import type { Ask } from "../sql/session.ts";
import { isTakenBack } from "./faults.ts";

/** In a cluster of Galera, two writers at different servers meet only when they commit. */
const TRIES = 3;

/** If it fails, the client ends the connection. */
export const ROLLBACK = "ROLLBACK";

/**
 * Runs `work` in a transaction. After a deadlock nothing of it was written, so it is tried again, `TRIES`
 * times in all. Rejects with the error of the last try. After any error nothing was written, except if the
 * answer to the end of the transaction was lost.
 */
export async function inTransaction<T>(ask: Ask, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      await ask("START TRANSACTION");
      const result = await work();
      await ask("COMMIT");
      return result;
    } catch (error) {
      // If the connection is gone, the server rolls back by itself.
      await ask(ROLLBACK).catch(() => {});
      if (tries === TRIES || !isTakenBack(error)) throw error;
    }
  }
}
