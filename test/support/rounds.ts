/**
 * Milliseconds that are measured again. Other work on the machine may spoil a round, and a slow program
 * spoils all of them. A virtual machine may also lose its processor for seconds. A round in which that
 * happened tells nothing of the program, so it does not count.
 */

import { readFileSync } from "node:fs";

/** A bad round with more lost time than this does not count. The kernel counts steps of 10 ms. */
const LOST_MS_MAX = 20;

/** If the machine lost time in more bad rounds than this, the next ones count. */
const LOST_ROUNDS_MAX = 20;

/** The hypervisor may give the processor back in this time. */
const LOST_PAUSE_MS = 1_000;

const MS_PER_TICK = 10;

/** The place of `steal` in the first line of /proc/stat, after its name. */
const STEAL = 7;

/** The time that a hypervisor took from this machine's processors since its start; 0 if it is not counted. */
export function lostMs(): number {
  try {
    const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
    return Number(line.split(/ +/)[1 + STEAL] ?? 0) * MS_PER_TICK;
  } catch {
    return 0;
  }
}

/**
 * Measures until a round is good, or `roundsMax` rounds were bad. Resolves with the last round.
 *
 * @param world the lost time so far, and the pause after a round that does not count
 */
export async function bestRound<Round>(
  measure: () => Promise<Round>,
  isGood: (round: Round) => boolean,
  roundsMax: number,
  world: { lost(): number; readonly pauseMs: number } = { lost: lostMs, pauseMs: LOST_PAUSE_MS },
): Promise<Round> {
  let lostRounds = 0;
  for (let counted = 0; ; ) {
    const beforeMs = world.lost();
    const round = await measure();
    if (isGood(round)) return round;
    if (world.lost() - beforeMs > LOST_MS_MAX && lostRounds < LOST_ROUNDS_MAX) {
      lostRounds++;
      await Bun.sleep(world.pauseMs);
    } else if (++counted >= roundsMax) return round;
  }
}
