/**
 * The dictionary of the circle, and its geometry: arcs, the names of versions, the points that an arc covers,
 * and the order of two arcs that overlap. Pure, and below everything else: it imports nothing.
 */

/** The fate of a version's arc when the store is lost: back to master, or keep the last value. */
export type Failsafe = "master" | "hold";

/** A version's arc of the circle. All fractions of its circumference. */
export interface Arc {
  /** The version's name; `VERSION` says which are possible. */
  readonly version: string;
  /** The arc's length, in [0, 1]. */
  readonly rollout: number;
  /** The start of the arc, in [0, 1). */
  readonly offset: number;
  readonly failsafe: Failsafe;
}

/** Names of versions travel in lines, headers, cookies and metric labels, so they are plain. */
export const VERSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The version that switches maintenance on: its rollout is a switch, and it never serves a visitor. */
export const MAINTENANCE = "maintenance";

/** The version that goes before all others, and that `always` forces. */
export const CANARY = "canary";

/** The place of everyone outside every arc. It is not a version: it cannot be rolled out. */
export const MASTER = "master";

/** Whether records may have this name: a plain one, and not the place of everybody else. */
export function isVersion(name: unknown): name is string {
  return typeof name === "string" && VERSION.test(name) && name !== MASTER;
}

/** `canary` before all others, the others by name: of two arcs that overlap, the first one counts. */
export function byPrecedence(a: Arc, b: Arc): number {
  return rank(a.version) - rank(b.version) || (a.version < b.version ? -1 : Number(a.version > b.version));
}

function rank(version: string): number {
  return version === CANARY ? 0 : 1;
}

/**
 * Whether the arc from `offset` of length `rollout` covers the point `assignment` of the circle.
 *
 * A whole circle covers everyone, whatever rounding makes of `(assignment - offset) mod 1`.
 */
export function covers(offset: number, rollout: number, assignment: number): boolean {
  const distance = assignment - offset;
  return (distance < 0 ? distance + 1 : distance) < rollout || rollout === 1;
}

/** Whether a daemon does the same by both arcs, which are of one version. */
export function isSameArc(a: Arc, b: Arc): boolean {
  return a.rollout === b.rollout && a.offset === b.offset && a.failsafe === b.failsafe;
}

/** Whether the arcs of an application put it into maintenance: any rollout of that version above 0 does. */
export function isMaintenanceOn(arcs: readonly Arc[]): boolean {
  return arcs.some(({ version, rollout }) => version === MAINTENANCE && rollout > 0);
}

/** Two arcs that have a point in common, the one that gets its visitors first; undefined if all are apart. */
export function findOverlap(arcs: readonly Arc[]): readonly [first: Arc, second: Arc] | undefined {
  const served = arcs.filter((arc) => arc.version !== MAINTENANCE && arc.rollout > 0).sort(byPrecedence);
  for (const [index, first] of served.entries()) {
    const second = served
      .slice(index + 1)
      .find(
        (arc) =>
          covers(first.offset, first.rollout, arc.offset) || covers(arc.offset, arc.rollout, first.offset),
      );
    if (second !== undefined) return [first, second];
  }
  return undefined;
}

/** Arcs as they are written for people and on the wire: `canary=0.25@0 blue=0.1@0.5`. */
export function spell(arcs: readonly Pick<Arc, "version" | "rollout" | "offset">[]): string {
  return arcs.map((arc) => `${arc.version}=${arc.rollout}@${arc.offset}`).join(" ");
}
