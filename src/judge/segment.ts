/**
 * A part of a release in which all arcs stand still, at most `SEGMENT_MS` long, and the coins of one metric
 * that were tossed in it. All statistics of the judge are functions of segments.
 */
export interface Segment {
  /** The length of the canary's arc, in [0, 1]. */
  readonly rollout: number;
  /** The length of master's part of the circle, in [0, 1]. */
  readonly control: number;
  /** The visitors of the canary whose first bad outcome was in this segment. */
  readonly canary: number;
  /** The visitors of master whose first bad outcome was in this segment. */
  readonly master: number;
}

/** Each step is cut into segments of this length from its beginning, in milliseconds. */
export const SEGMENT_MS = 900_000;

/** After this many segments of a release, none begins: the last one goes on to the end. */
export const SEGMENTS_MAX = 512;

/** Whether visitors met both versions. Otherwise no coin was tossed, and the segment says nothing. */
export function hasBothArms({ rollout, control }: Segment): boolean {
  return rollout > 0 && control > 0;
}
