/**
 * The words of the circle and its geometry: arcs, names of versions, the points that an arc covers, and the
 * order of two arcs that overlap. Pure. It imports nothing, so every other file may import it.
 */

/**
 * The fate of a version's visitors when the store is lost for longer than `unhealthy`. `master`: they go to
 * master. `hold`: the version keeps its last arc.
 */
export type Failsafe = "master" | "hold";

/** A version's arc of the circle. Lengths and positions are fractions of the circumference. */
export interface Arc {
  /** The version's name; it matches `VERSION`. */
  readonly version: string;
  /** The arc's length, in [0, 1]. */
  readonly rollout: number;
  /** The start of the arc, in [0, 1). */
  readonly offset: number;
  readonly failsafe: Failsafe;
}

/**
 * Names of versions are used in lines, headers, cookies and labels of metrics, so only plain characters are
 * allowed.
 */
export const VERSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The version that switches maintenance on: its rollout is a switch, and it never serves a visitor. */
export const MAINTENANCE = "maintenance";

/** The version that wins over all others if arcs overlap. A visitor that forces `always` gets it. */
export const CANARY = "canary";

/** The location of all visitors outside every arc. It is not a version, so it cannot be rolled out. */
export const MASTER = "master";

/** Whether a record may have this name: it is plain, and it is not `master`. */
export function isVersion(name: unknown): name is string {
  return typeof name === "string" && VERSION.test(name) && name !== MASTER;
}

/**
 * Sorts `canary` before all others, and the others by name. If two arcs overlap, the first one gets the
 * visitors.
 */
export function byPrecedence(a: Arc, b: Arc): number {
  return rank(a.version) - rank(b.version) || (a.version < b.version ? -1 : Number(a.version > b.version));
}

function rank(version: string): number {
  return version === CANARY ? 0 : 1;
}

/**
 * Whether the arc from `offset` of length `rollout` covers the point `assignment` of the circle.
 *
 * An arc of length 1 covers every point, even if `(assignment - offset) mod 1` is rounded up to 1.
 */
export function covers(offset: number, rollout: number, assignment: number): boolean {
  const distance = assignment - offset;
  return (distance < 0 ? distance + 1 : distance) < rollout || rollout === 1;
}

/** Whether two arcs mean the same to a daemon. */
export function isSameArc(a: Arc, b: Arc): boolean {
  return (
    a.version === b.version && a.rollout === b.rollout && a.offset === b.offset && a.failsafe === b.failsafe
  );
}

/**
 * Whether the application is in maintenance: it is if the rollout of the version `maintenance` is above 0.
 */
export function isMaintenanceOn(arcs: readonly Arc[]): boolean {
  return arcs.some(({ version, rollout }) => version === MAINTENANCE && rollout > 0);
}

/** Two arcs that overlap, first the one that serves visitors in both arcs; undefined if no arcs overlap. */
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

/** Arcs as text, for people and for the line protocol: `canary=0.25@0 blue=0.1@0.5`. */
export function spell(arcs: readonly Pick<Arc, "version" | "rollout" | "offset">[]): string {
  return arcs.map((arc) => `${arc.version}=${arc.rollout}@${arc.offset}`).join(" ");
}
