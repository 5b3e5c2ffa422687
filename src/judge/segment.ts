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

/**
 * Outcomes of this time after the beginning of a step do not count, in milliseconds. Machines follow a change
 * late.
 */
export const GRACE_MS = 10_000;

/** After this many segments of a release, none begins: the last one goes on to the end. */
export const SEGMENTS_MAX = 512;

/** Whether visitors met both versions. Otherwise no coin was tossed, and the segment says nothing. */
export function hasBothArms({ rollout, control }: Segment): boolean {
  return rollout > 0 && control > 0;
}

/** The coins of all segments, on both sides. */
export function coinsIn(segments: readonly Segment[]): Pick<Segment, "canary" | "master"> {
  let canary = 0;
  let master = 0;
  for (const segment of segments) {
    canary += segment.canary;
    master += segment.master;
  }
  return { canary, master };
}

/** The segments of one step as one, with its arcs; undefined without segments. */
export function asStep(segments: readonly Segment[]): Segment | undefined {
  const [first] = segments;
  return first && { rollout: first.rollout, control: first.control, ...coinsIn(segments) };
}
