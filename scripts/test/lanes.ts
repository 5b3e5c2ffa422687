/**
 * Runs things side by side. Most test files wait for proxies, stores and timers, and some compute all the
 * time. So their number follows the processors: while these stand idle, one more file starts.
 */

import { cpus } from "node:os";

export interface Lanes {
  /** This number runs at a time, even if the processors are busy. */
  readonly least: number;
  readonly most: number;
}

interface World {
  idleShare(): number;
  readonly lookEveryMs: number;
}

/** Another one starts only if this share of all processors' time was idle since the last look. */
const IDLE_MIN = 0.25;

/** A file that has started shows within this time how busy it is. */
const LOOK_EVERY_MS = 1_000;

/** Returns the share of all processors' time that was idle since the last call, from 0 to 1. */
function idleShares(): () => number {
  let before = processorTimes();
  return () => {
    const now = processorTimes();
    const allMs = now.allMs - before.allMs;
    const share = allMs > 0 ? (now.idleMs - before.idleMs) / allMs : 0;
    before = now;
    return share;
  };
}

function processorTimes(): { readonly idleMs: number; readonly allMs: number } {
  let [idleMs, allMs] = [0, 0];
  for (const { times } of cpus()) {
    idleMs += times.idle;
    allMs += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idleMs, allMs };
}

/**
 * Runs all items, and starts them in their order.
 *
 * @param world the share of the processors' time that was idle since the last call, and the time between
 * calls
 */
export async function inLanes<Item>(
  items: readonly Item[],
  { least, most }: Lanes,
  run: (item: Item) => Promise<void>,
  { idleShare, lookEveryMs }: World = { idleShare: idleShares(), lookEveryMs: LOOK_EVERY_MS },
): Promise<void> {
  const running = new Set<Promise<void>>();
  let lookedMs = performance.now();
  const isIdle = () => {
    const nowMs = performance.now();
    if (nowMs - lookedMs < lookEveryMs) return false;
    lookedMs = nowMs;
    return idleShare() > IDLE_MIN;
  };
  const mayStart = () => running.size < least || (running.size < most && isIdle());
  for (const item of items) {
    while (!mayStart()) await Promise.race([...running, Bun.sleep(lookEveryMs)]);
    const started: Promise<void> = run(item).finally(() => running.delete(started));
    running.add(started);
  }
  await Promise.all(running);
}
