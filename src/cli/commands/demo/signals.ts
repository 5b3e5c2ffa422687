/** The signals that end the demo. The first one ends it in order, and the second one at once. */

import { EXIT_INTERRUPTED } from "../../exit.ts";

/** 128 and the number of the signal, as a shell says it. */
const STATUSES = { SIGINT: EXIT_INTERRUPTED, SIGTERM: 143, SIGHUP: 129 } as const;

export interface Ending {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The exit status of that signal; undefined before it. */
  readonly status: number | undefined;
}

export function endBySignals(): Ending {
  const controller = new AbortController();
  let first: number | undefined;
  for (const [name, status] of Object.entries(STATUSES)) {
    process.on(name, () => {
      if (first !== undefined) process.exit(status);
      first = status;
      controller.abort();
    });
  }
  return {
    signal: controller.signal,
    get status() {
      return first;
    },
  };
}
