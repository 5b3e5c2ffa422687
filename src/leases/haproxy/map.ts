/**
 * Writes the lines of HAProxy's map (docs/protocol/haproxy-map.md). If an application has a lease, they are
 * the end of the lease, in milliseconds since the epoch, and the begin and end of each version's arc. If it
 * is in maintenance, one line says so. Pure.
 *
 *     website 1764000003000
 *     website/canary/from 0.9
 *     website/canary/to 1
 *     website/canary/around 0.15
 *     shop maintenance
 */

import { MAINTENANCE } from "../../circle.ts";
import type { Lease } from "../../rollout.ts";
import type { KnownEnds } from "../arc-ends.ts";
import { LEASE_MS } from "../renewal.ts";

/**
 * The lines of an application's lease. If there is no lease, there are no lines, and HAProxy sends all
 * visitors to master.
 */
export function leaseLines(
  application: string,
  { durationMs, arcs }: Lease,
  nowEpochMs: number,
  known: KnownEnds,
): string[] {
  if (durationMs <= 0) return [];
  const lines = [`${key(application)} ${nowEpochMs + Math.min(durationMs, LEASE_MS)}`];
  for (const { version, offset, rollout } of arcs) {
    const { from, to, around } = known.of(offset, rollout);
    const arc = `${key(application)}/${version}`;
    if (from !== to) lines.push(`${arc}/from ${from}`, `${arc}/to ${to}`);
    if (around !== "0") lines.push(`${arc}/around ${around}`);
  }
  return lines;
}

/**
 * The line of an application in maintenance. It has no lease beside it, because HAProxy lets no visitor
 * through.
 */
export function maintenanceLine(application: string): string {
  return `${key(application)} ${MAINTENANCE}`;
}

/**
 * An application's name as a key, which has no blanks. The grammar of versions allows none either
 * (`circle.ts`).
 */
function key(application: string): string {
  return encodeURIComponent(application);
}
