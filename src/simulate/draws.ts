/** Random draws that a seed repeats, so that a simulation gives the same answer again. Pure. */

import { CELLS, mix32 } from "../judge/cell.ts";

/** Each call draws a number from 0 to less than 1. */
export type Draw = () => number;

/** The generator mulberry32, with 32 bits a draw. */
export function seededDraw(seed: number): Draw {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / CELLS;
  };
}

/** How many things pass until the next one of which each happens with this probability; at least 1. */
export function gapOf(probability: number, draw: Draw): number {
  if (probability <= 0) return Number.POSITIVE_INFINITY;
  if (probability >= 1) return 1;
  return 1 + Math.floor(Math.log1p(-draw()) / Math.log1p(-probability));
}

/** The assignment of a visitor in the run with this seed. */
export function assignmentIn(seed: number, visitor: number): number {
  return mix32(mix32(visitor) ^ seed) / CELLS;
}
