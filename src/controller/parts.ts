/** All that the releases of a controller share, and what they show. */

import type { Calls } from "../exchange/calls.ts";
import type { Exchanges } from "../exchange/exchanges.ts";
import type { StoreClock } from "../exchange/store-clock.ts";
import type { Condition } from "../releases/due.ts";
import type { Release } from "../releases/release.ts";
import type { Notice, Now } from "../releases/request.ts";
import type { Freeze } from "../verbs/freeze.ts";
import type { Target } from "../verbs/look.ts";
import type { Counts } from "./counts.ts";
import type { Checks } from "./facts.ts";
import type { Freezes } from "./freezes.ts";
import type { Highest } from "./highest.ts";
import type { Impure } from "./impure.ts";
import type { OpenWindows } from "./open-windows.ts";
import type { Override, Overrides } from "./overrides.ts";
import type { Rights } from "./rights.ts";
import type { Notices } from "./standing.ts";
import type { Turns } from "./turns.ts";

export interface LedParts extends Impure {
  /** The name of this controller. It is the author of its writes. */
  readonly name: string;
  /** A longer gap between two looks begins the watch again. */
  readonly unhealthyMs: number;
  readonly calls: Calls;
  readonly storeClock: StoreClock;
  /** Undefined if the store keeps no evidence. */
  readonly exchanges: Exchanges | undefined;
  /** Whether the store's clock was asked since the controller woke up. Until then no watch begins. */
  readonly isClockAsked: () => boolean;
  readonly freezes: Freezes;
  readonly windows: OpenWindows;
  readonly highest: Highest;
  readonly overrides: Overrides;
  readonly rights: Rights;
  readonly turns: Turns;
  readonly counts: Counts;
  readonly checks: Checks;
  readonly notices: Notices;
  readonly endOverride: (override: Override, why: string) => void;
  /** Called with a state of a record that was read before a write, and is not older than what was seen. */
  readonly looked: (target: Target, now: Now) => void;
  /** Called with the state of a record after a write of this controller. */
  readonly wrote: (target: Target, now: Now, notice: Notice) => void;
}

/** One release that this daemon leads. Plain data. */
export interface LedView {
  readonly application: string;
  readonly version: string;
  readonly release: Release;
  readonly rollout: number;
  /** Empty until the daemon has begun to watch. */
  readonly waits: readonly Condition[];
  /** The last words of the checks for which it waits. */
  readonly checks: ReturnType<Checks["told"]>;
  /** The names of all controllers that lead it, also this one, sorted. */
  readonly ledBy: readonly string[];
  /** Whether no controller has led it for long. */
  readonly isUnled: boolean;
  /** The names of other daemons that took visitors back before the record said so. */
  readonly overriddenBy: readonly string[];
  /** Why this daemon cannot go on with it, for people; undefined if it can. */
  readonly problem: string | undefined;
}

/** The work of a controller now. Plain data. */
export interface ControllerView {
  readonly name: string;
  /** Why this daemon leads nothing at all, for people; undefined if it can. */
  readonly problem: string | undefined;
  readonly releases: readonly LedView[];
  readonly overrides: readonly Override[];
  /** The last one that was read; undefined if none was read since the controller woke up. */
  readonly freeze: Freeze | undefined;
  /** The store's clock less this machine's; undefined if it is not known. */
  readonly storeClockAheadMs: number | undefined;
  readonly counts: Readonly<Counts>;
}
