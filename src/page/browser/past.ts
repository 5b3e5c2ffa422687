/**
 * The past that this page saw itself, for the charts: a point a second, at most `POINTS_MAX` of them. A new
 * page has none. Pure.
 */

import type { Judged } from "../../evidence/judged.ts";
import type { ApplicationNews, DecisionCount } from "../news.ts";

/** Ten minutes. */
export const POINTS_MAX = 600;

export const POINT_MS = 1_000;

/** After a longer silence the line of a chart has a gap. */
const GAP_MS = 3_000;

export interface Point {
  /** Milliseconds since 1970, by a clock of the browser that never goes back. */
  readonly atMs: number;
  /** Evidence of harm, and that the canary is not worse: parts of their limits. Null for none. */
  readonly harm: number | null;
  readonly notWorse: number | null;
  /** Decisions a second since the point before, by location. */
  readonly perSecond: ReadonlyMap<string, number>;
  /** Whether nothing is known of the time before it. */
  readonly isAfterGap: boolean;
}

export interface Past {
  readonly points: readonly Point[];
  readonly last: Seen | undefined;
}

interface Seen {
  readonly atMs: number;
  readonly key: string | undefined;
  readonly decisions: readonly DecisionCount[];
}

export const NO_PAST: Past = { points: [], last: undefined };

/** The past with one state more. States that come sooner than a second after the last point are left out. */
export function remember(past: Past, news: ApplicationNews, atMs: number): Past {
  const { last } = past;
  if (last !== undefined && atMs - last.atMs < POINT_MS) return past;
  const release = news.releases[0];
  const judged = heardOf(release?.judged ?? release?.judgedAtEnd ?? null);
  const seen: Seen = { atMs, key: release?.key, decisions: news.decisions };
  if (last === undefined) return { points: past.points, last: seen };
  const isAfterGap = atMs - last.atMs > GAP_MS || last.key !== seen.key;
  const point: Point = {
    ...{ atMs, isAfterGap },
    harm: judged?.harm ?? null,
    notWorse: judged?.notWorse ?? null,
    perSecond: rates(last.decisions, seen.decisions, (atMs - last.atMs) / 1_000),
  };
  return { points: [...past.points, point].slice(-POINTS_MAX), last: seen };
}

/** Without an outcome, the figures say nothing, and a line of them would look like health. */
function heardOf(judged: Judged | null): Judged | null {
  return judged === null || judged.isSilent || judged.outcomes === 0 ? null : judged;
}

function rates(
  before: readonly DecisionCount[],
  after: readonly DecisionCount[],
  seconds: number,
): ReadonlyMap<string, number> {
  const known = new Map(before.map((each) => [`${each.location} ${each.reason}`, each.count]));
  const sums = new Map<string, number>();
  for (const { location, reason, count } of after) {
    // A count that went down is that of a new daemon.
    const grown = Math.max(0, count - (known.get(`${location} ${reason}`) ?? 0));
    sums.set(location, (sums.get(location) ?? 0) + grown / seconds);
  }
  return sums;
}

/** All locations of the points: the canary first, master last. */
export function locationsIn(points: readonly Point[]): string[] {
  const names = new Set(points.flatMap(({ perSecond }) => [...perSecond.keys()]));
  const rank = (name: string) => (name === "canary" ? 0 : name === "master" ? 2 : 1);
  return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** The last point of each minute, newest first, for a table. */
export function minutesOf(points: readonly Point[]): Point[] {
  const minutes = new Map<number, Point>();
  for (const point of points) minutes.set(Math.floor(point.atMs / 60_000), point);
  return [...minutes.values()].reverse();
}

/** Columns of numbers as a chart draws them, with an empty row in each gap. */
export interface Columns {
  /** Seconds since 1970. */
  readonly times: number[];
  readonly rows: (number | null)[][];
}

export function columnsOf(
  points: readonly Point[],
  valuesOf: readonly ((point: Point) => number | null)[],
): Columns {
  const times: number[] = [];
  const rows: (number | null)[][] = valuesOf.map(() => []);
  for (const point of points) {
    if (point.isAfterGap && times.length > 0) {
      times.push((point.atMs - POINT_MS / 2) / 1_000);
      for (const row of rows) row.push(null);
    }
    times.push(point.atMs / 1_000);
    valuesOf.forEach((read, index) => {
      rows[index]?.push(read(point));
    });
  }
  return { times, rows };
}
