/**
 * A visitor in the judge's tables. An assignment itself is never stored or published: the circle is cut into
 * 2^32 cells, and a cell has 21 bits less. Pure.
 */

/** The number of cells on the circle. */
export const CELLS = 2 ** 32;

/** The cell of an assignment, a whole number in [0, 2^32). */
export function cellOf(assignment: number): number {
  return Math.floor(assignment * CELLS);
}

/**
 * The cell mixed: the 32 bit finaliser of MurmurHash3, in [0, 2^32). It decides which cells a thinned table
 * takes, and which visitors a sketch keeps. Each cell has a result of its own.
 */
export function mix32(cell: number): number {
  let mixed = cell ^ (cell >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
