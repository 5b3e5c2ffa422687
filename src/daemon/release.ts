/** Releases everything that was opened: in reverse order, and within a limited time. */

import type { Log } from "../log/log.ts";

/** The process does not wait longer than this for a part that closes, because a store or a disk may hang. */
const RELEASE_MS = 3_000;

/** Settles with `ending`, or resolves after `RELEASE_MS`. */
function inTime(ending: Promise<void>, onLate: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      onLate();
      resolve();
    }, RELEASE_MS);
    ending.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Last in, first out. Rejects with the first error. A part that does not end in time is left behind. */
export async function releaseAll(releases: (() => Promise<void>)[], log: Log): Promise<void> {
  let failure: { error: unknown } | undefined;
  for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
    try {
      await inTime(release(), () =>
        log.warn("a part of the daemon does not close; the daemon ends without waiting for it", {
          afterMs: RELEASE_MS,
        }),
      );
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}
