/**
 * What Apache's map says while it has a lease (docs/protocol/apache-map.md): one line for each application, with the times
 * between which it is good, and where each version's arc begins and ends. Pure.
 *
 *     website t=1763999943000000,t=1764000003000000,canary,0.9,1,0.15,blue,0.3,0.4,0
 */

import type { Lease } from "../../rollout.ts";
import type { KnownEnds } from "../arc-ends.ts";
import { LEASE_MS } from "../renewal.ts";

/**
 * A lease counts for requests that began at most this long before it was renewed: Apache's `%t` is the time of a request's
 * first byte, and the rest of its head may take a while (`RequestReadTimeout`). An older time comes from a clock that was set
 * back.
 */
const REQUEST_MAX_MS = 60_000;

/** mod_rewrite reads lines of 1024 bytes, and takes the rest of a longer one for another line. */
const MAP_LINE_BYTES_MAX = 1_000;

/** An application's line, and the versions that found no room in it. */
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
  // A key has no blanks, whatever an application is called; versions have no commas by their grammar (`circle.ts`).
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

/** As mod_headers writes `%t`: microseconds of the epoch. Of equal length until 2286, so times compare as texts. */
function time(epochMs: number): string {
  return `t=${Math.floor(epochMs) * 1_000}`;
}
