/**
 * Writes the lines of Apache's map (docs/protocol/apache-map.md): one for each application that has a lease.
 * A line has the times between which the lease counts, and the begin and end of each version's arc. Pure.
 *
 *     website t=1763999940000000,t=1764000003000000,canary,0.9,1,0.15,blue,0.3,0.4,0
 */

import type { Lease } from "../../rollout.ts";
import type { KnownEnds } from "../arc-ends.ts";
import { LEASE_MS } from "../renewal.ts";

/**
 * A lease counts for requests that began at most this long before the renewal. Apache's `%t` is the time of a
 * request's first byte, and the rest of its head may take a while (`RequestReadTimeout`). A time that is
 * still older means that the clock was set back.
 */
const REQUEST_MAX_MS = 60_000;

/** mod_rewrite reads lines of 1024 bytes, and reads the rest of a longer line as another line. */
const MAP_LINE_BYTES_MAX = 1_000;

/** An application's line, and the versions for which it has no room. */
export interface LeaseLine {
  /** Undefined if there is no lease: then Apache sends all visitors to master. */
  readonly line: string | undefined;
  readonly leftOut: readonly string[];
}

export function leaseLine(
  application: string,
  { durationMs, arcs }: Lease,
  nowEpochMs: number,
  known: KnownEnds,
): LeaseLine {
  if (durationMs <= 0) return { line: undefined, leftOut: [] };
  const endsAtMs = nowEpochMs + Math.min(durationMs, LEASE_MS);
  // Encoded names of applications have no blanks. The grammar of versions allows no commas (`circle.ts`).
  let line = `${encodeURIComponent(application)} ${time(nowEpochMs - REQUEST_MAX_MS)},${time(endsAtMs)}`;
  const leftOut: string[] = [];
  for (const { version, offset, rollout } of arcs) {
    const { from, to, around } = known.of(offset, rollout);
    const longer = `${line},${version},${from},${to},${around}`;
    if (longer.length > MAP_LINE_BYTES_MAX) leftOut.push(version);
    else line = longer;
  }
  return line.length > MAP_LINE_BYTES_MAX ? { line: undefined, leftOut } : { line, leftOut };
}

/**
 * A time in the form that mod_headers writes for `%t`: microseconds since the epoch. All have the same length
 * until 2286, so Apache can compare them as texts.
 */
function time(epochMs: number): string {
  return `t=${Math.floor(epochMs) * 1_000}`;
}
