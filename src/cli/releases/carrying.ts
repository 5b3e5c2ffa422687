/** Everything that a command gives to `carryOut`. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Stamp } from "../../releases/request.ts";
import type { Store } from "../../stores/store.ts";
import type { Carrying } from "../../verbs/carry-out.ts";
import { drawKey } from "../../verbs/draw-key.ts";
import { type Timing, timeFor } from "../../verbs/look.ts";
import type { Io } from "../command.ts";
import { authorOf } from "../records/author.ts";

/** @param why the text of `-m` */
export function carryingFor(store: Store, io: Io, why: string | undefined, signal: AbortSignal): Carrying {
  return {
    ...{ store, author: authorOf(io), why, drawKey },
    ...timingFor(signal),
    random: Math.random,
    pause: (ms) => sleep(ms),
  };
}

export function timingFor(signal: AbortSignal): Timing {
  return { signal, wallClock: Date.now, timeLimit: (ms) => AbortSignal.timeout(ms) };
}

/** The stamp of a write beside a release. It never waits long for the store's clock, because it may lower. */
export async function stampOf(store: Store, io: Io, signal: AbortSignal): Promise<Stamp> {
  const nowMs = await timeFor(store, true, timingFor(signal));
  return { nowMs, tx: drawKey(), author: authorOf(io) };
}
