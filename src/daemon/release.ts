/** The end of what was opened: in reverse order, and in time. */

import type { Log } from "../log/log.ts";

/** A part that does not close within this time, such as a store or a disk that hangs, does not keep the process. */
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

/** Last in, first out; the first error wins, and what does not end in time is left behind. */
export async function releaseAll(releases: (() => Promise<void>)[], log: Log): Promise<void> {
  let failure: { error: unknown } | undefined;
  for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
    try {
      await inTime(release(), () =>
        log.warn("something does not end; going on without it", { afterMs: RELEASE_MS }),
      );
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}
