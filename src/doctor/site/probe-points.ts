/**
 * Finds the version that a visitor belongs to by the daemon's arcs, and the visitors that prove most, which
 * are at the edges of arcs. Pure.
 */

import { type Arc, covers, MAINTENANCE, MASTER } from "../../circle.ts";

/** An arc that has visitors. A list of them is in order of precedence. */
export type ServedArc = Pick<Arc, "version" | "offset" | "rollout">;

/** Assignments are drawn in steps of 1e-15 (`drawAssignment`), and spelled with as many decimals. */
const STEPS = 1e15;
const DECIMALS = 15;

/** The arcs that can have visitors. */
export function servedArcs(arcs: readonly ServedArc[]): readonly ServedArc[] {
  return arcs.filter(({ version, rollout }) => version !== MAINTENANCE && rollout > 0);
}

/** The location of a visitor (docs/protocol/line.md, LP-19). */
export function locationOf(arcs: readonly ServedArc[], assignment: string): string {
  const point = Number(assignment);
  return arcs.find(({ offset, rollout }) => covers(offset, rollout, point))?.version ?? MASTER;
}

/**
 * Assignments to probe with, each once. First come both sides of both ends of each arc. The others, up to
 * `count`, are spread evenly.
 *
 * @param random numbers in [0, 1)
 */
export function probePoints(arcs: readonly ServedArc[], count: number, random: () => number): string[] {
  const edges = arcs.flatMap(({ offset, rollout }) => [offset, offset + rollout]).concat(0);
  const steps = edges.flatMap((edge) => {
    const step = Math.round(edge * STEPS);
    return [step - 1, step, step + 1];
  });
  const points = new Set(steps.map((step) => spelled((step + STEPS) % STEPS)).slice(0, count));
  for (let index = 0; points.size < count; index = (index + 1) % count) {
    points.add(spelled(Math.floor(((index + random()) / count) * STEPS)));
  }
  return [...points];
}

/** Up to `count` random assignments that belong to `location`; none if no visitor belongs there. */
export function pointsAt(
  arcs: readonly ServedArc[],
  location: string,
  count: number,
  random: () => number,
): string[] {
  const triesMax = 2_000;
  const points: string[] = [];
  const own = arcs.filter(({ version }) => version === location);
  for (let tries = 0; tries < triesMax && points.length < count; tries++) {
    // A random point would rarely lie in a short arc, so the point is drawn inside the arc.
    const arc = own[tries % Math.max(1, own.length)];
    const fraction = arc === undefined ? random() : (arc.offset + arc.rollout * random()) % 1;
    const point = spelled(Math.floor(fraction * STEPS));
    if (locationOf(arcs, point) === location) points.push(point);
  }
  return points;
}

/** Decimals such as `0.25`, never an exponent, because not every proxy reads one. */
function spelled(step: number): string {
  const decimals = String(step).padStart(DECIMALS, "0").replace(/0+$/, "");
  return decimals === "" ? "0" : `0.${decimals}`;
}
