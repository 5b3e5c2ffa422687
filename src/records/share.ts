/**
 * The share of visitors that a version really gets. If arcs overlap, the first one in precedence gets the
 * visitors of the common part: a `blue` of 10 % inside a `canary` of 50 % gets none. Pure.
 */

import { type Arc, byPrecedence, findOverlap, MAINTENANCE, MASTER } from "../circle.ts";
import { VERSIONS_MAX } from "./check.ts";

/** Shares that differ by less than this are equal, because each addition of fractions rounds. */
const TOLERANCE = 1e-9;

/** Offsets that are proposed have at most this many decimals. */
const OFFSET_DECIMALS = 6;

/** The visitors that one version takes from another, because it goes first. */
export interface Taken {
  readonly by: string;
  readonly from: string;
  /** A fraction of all visitors. */
  readonly share: number;
}

export interface Shares {
  /** The fraction of all visitors that each version gets, by name. Versions at rollout 0 have 0. */
  readonly byVersion: ReadonlyMap<string, number>;
  readonly taken: readonly Taken[];
}

/** A part of the circle, from `start` to `end`, both in [0, 1]. An arc over the point 0 has two parts. */
interface Segment {
  readonly start: number;
  readonly end: number;
}

/**
 * @param arcs all arcs of one application, in any order; `maintenance` serves no visitors and is left out
 */
export function sharesOf(arcs: readonly Arc[]): Shares {
  const byVersion = new Map<string, number>();
  const taken: Taken[] = [];
  const placed: { version: string; own: Segment[] }[] = [];
  for (const [index, arc] of [...arcs].sort(byPrecedence).entries()) {
    if (arc.version === MAINTENANCE) continue;
    // The daemon ignores versions beyond its limit, and a store may have thousands that no longer have
    // visitors.
    if (arc.rollout === 0 || index >= VERSIONS_MAX) {
      byVersion.set(arc.version, 0);
      continue;
    }
    let own = segmentsOf(arc);
    for (const before of placed) {
      const share = lengthOf(common(own, before.own));
      if (share > TOLERANCE) taken.push({ by: before.version, from: arc.version, share: rounded(share) });
      own = without(own, before.own);
    }
    placed.push({ version: arc.version, own });
    byVersion.set(arc.version, rounded(lengthOf(own)));
  }
  return { byVersion, taken };
}

/** The arcs that count now: all if the table is fresh, or else only those with failsafe `hold`. */
export function arcsInForce(arcs: readonly Arc[], isFresh: boolean): Arc[] {
  return served(arcs).filter(({ failsafe }) => isFresh || failsafe === "hold");
}

/** The share of each arc that counts now, and of master: fractions of all visitors. */
export function orderedShares(arcs: readonly Arc[], isFresh: boolean): Map<string, number> {
  const { byVersion } = sharesOf(arcsInForce(arcs, isFresh));
  const others = [...byVersion.values()].reduce((sum, share) => sum + share, 0);
  return new Map([...byVersion, [MASTER, Number(Math.max(0, 1 - others).toPrecision(12))]]);
}

/** The pairs of versions of which one takes more visitors from the other after a change than before it. */
export function newlyTaken(before: readonly Arc[], after: readonly Arc[]): readonly Taken[] {
  const old = sharesOf(before).taken;
  return sharesOf(after).taken.filter(({ by, from, share }) => {
    const known = old.find((each) => each.by === by && each.from === from);
    return share > (known?.share ?? 0) + TOLERANCE;
  });
}

/**
 * An offset at which an arc overlaps no other: the start of the widest gap, so that the arc can grow.
 * Undefined if no gap is wide enough.
 */
export function fittingOffset(arc: Arc, others: readonly Arc[]): number | undefined {
  const rest = served(others).filter((other) => other.version !== arc.version && other.rollout > 0);
  const gaps = [0, ...rest.map(({ offset, rollout }) => offset + rollout)]
    .map((end) => Math.ceil((end % 1) * 10 ** OFFSET_DECIMALS - TOLERANCE * 10 ** OFFSET_DECIMALS))
    .flatMap((end) => [end, end + 1])
    .map((end) => (end / 10 ** OFFSET_DECIMALS) % 1)
    .filter((offset) => isApart(rest, arc, offset))
    .map((offset) => ({ offset, room: roomAt(offset, rest) }))
    .sort((a, b) => b.room - a.room || a.offset - b.offset);
  return gaps[0]?.offset;
}

/** Whether an arc at `offset` overlaps none of `rest`. Overlaps within `rest` do not matter. */
function isApart(rest: readonly Arc[], arc: Arc, offset: number): boolean {
  return rest.every((other) => findOverlap([other, { ...arc, offset }]) === undefined);
}

/** The distance from `offset` to the start of the next arc, as a fraction of the circle. */
function roomAt(offset: number, rest: readonly Arc[]): number {
  return Math.min(1, ...rest.map((other) => (other.offset - offset + 1) % 1 || 1));
}

function served(arcs: readonly Arc[]): Arc[] {
  return arcs.filter(({ version }) => version !== MAINTENANCE);
}

function segmentsOf({ offset, rollout }: Arc): Segment[] {
  if (rollout === 0) return [];
  if (rollout === 1) return [{ start: 0, end: 1 }];
  const end = offset + rollout;
  return end <= 1
    ? [{ start: offset, end }]
    : [
        { start: offset, end: 1 },
        { start: 0, end: end - 1 },
      ];
}

function common(a: readonly Segment[], b: readonly Segment[]): Segment[] {
  return a.flatMap((one) =>
    b
      .map((other) => ({ start: Math.max(one.start, other.start), end: Math.min(one.end, other.end) }))
      .filter(({ start, end }) => start < end),
  );
}

function without(a: readonly Segment[], b: readonly Segment[]): Segment[] {
  return b.reduce<readonly Segment[]>(
    (left, { start, end }) =>
      left
        .flatMap((one) => [
          { start: one.start, end: Math.min(one.end, start) },
          { start: Math.max(one.start, end), end: one.end },
        ])
        .filter((one) => one.start < one.end),
    a,
  ) as Segment[];
}

function lengthOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { start, end }) => sum + end - start, 0);
}

function rounded(share: number): number {
  return Number(share.toPrecision(12)) < TOLERANCE ? 0 : Number(share.toPrecision(12));
}
