/**
 * The reason of a promise that rejects, after I/O. `await expect(promise).rejects` of bun waits in a busy
 * loop of its own, in which sockets and timers are late.
 */

/** Rejects if the promise does not. */
export async function reasonOf(promise: Promise<unknown> | undefined): Promise<unknown> {
  let reason: unknown;
  try {
    await promise;
  } catch (error) {
    reason = error;
  }
  if (reason === undefined) throw new Error("the promise did not reject");
  return reason;
}

/** The same for its message. */
export async function messageOf(promise: Promise<unknown> | undefined): Promise<string> {
  const reason = await reasonOf(promise);
  return reason instanceof Error ? reason.message : String(reason);
}
