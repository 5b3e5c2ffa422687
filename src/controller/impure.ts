/** The part of a controller's world that is not pure. A test or a simulation has its own. */

import type { Log } from "../log/log.ts";
import type { Store } from "../stores/store.ts";
import type { Timers } from "../timers.ts";

export interface Impure {
  readonly store: Store;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** This machine's clock: milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** 96 random bits as 24 hexadecimal digits. */
  readonly drawKey: () => string;
  readonly log: Log;
}
