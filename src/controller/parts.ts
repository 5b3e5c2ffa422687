/** All that the releases of a controller share. */

import type { OwnState } from "../evidence/news.ts";
import type { Calls } from "../exchange/calls.ts";
import type { Exchanges } from "../exchange/exchanges.ts";
import type { StoreClock } from "../exchange/store-clock.ts";
import type { Hearings } from "../hearing/hearings.ts";
import type { Notice, Now } from "../releases/request.ts";
import type { Override } from "../saved/override-file.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import type { Target } from "../verbs/look.ts";
import type { Counts } from "./counts.ts";
import type { Checks } from "./facts.ts";
import type { Freezes } from "./freezes.ts";
import type { Highest } from "./highest.ts";
import type { Impure } from "./impure.ts";
import type { OpenWindows } from "./open-windows.ts";
import type { Overrides } from "./overrides.ts";
import type { Rights } from "./rights.ts";
import type { Notices } from "./standing.ts";
import type { Turns } from "./turns.ts";
import type { WriteRates } from "./write-rates.ts";

export interface LedParts extends Impure {
  /** The name of this controller. It is the author of its writes. */
  readonly name: string;
  /** A longer gap between two looks begins the watch again. */
  readonly unhealthyMs: number;
  /** For the commands in its words. */
  readonly storeFlags: StoreFlags;
  readonly calls: Calls;
  readonly storeClock: StoreClock;
  /** The state of this daemon, which it tells the others. */
  readonly ownState: () => OwnState;
  /** Undefined if the store keeps no evidence. */
  readonly exchanges: Exchanges | undefined;
  /** Whether the store's clock was asked since the controller woke up. Until then no watch begins. */
  readonly isClockAsked: () => boolean;
  /** Hears the outcomes of releases; undefined if this daemon judges none. */
  readonly hearings: Pick<Hearings, "of" | "onChange"> | undefined;
  readonly freezes: Freezes;
  readonly windows: OpenWindows;
  readonly highest: Highest;
  readonly overrides: Overrides;
  readonly rights: Rights;
  readonly writeRates: WriteRates;
  readonly turns: Turns;
  readonly counts: Counts;
  readonly checks: Checks;
  readonly notices: Notices;
  /** The judge finds harm in a release. */
  readonly harm: (target: Target, key: string, reason: string) => void;
  readonly endOverride: (override: Override, why: string) => void;
  /** Called with a state of a record that was read before a write, and is not older than what was seen. */
  readonly looked: (target: Target, now: Now) => void;
  /** Called with the state of a record after a write of this controller. */
  readonly wrote: (target: Target, now: Now, notice: Notice) => void;
}
