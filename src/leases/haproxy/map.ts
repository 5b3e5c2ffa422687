/**
 * What HAProxy's map says while it has a lease (docs/protocol/haproxy-map.md): until when each application's is good, and where
 * each version's arc begins and ends; or that the application is in maintenance. Pure.
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

/** The lines of an application's lease; none if there is no lease, and HAProxy sends all visitors to master. */
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

/** The line of an application in maintenance. There is no lease beside it, because no visitor is let through. */
export function maintenanceLine(application: string): string {
  return `${key(application)} ${MAINTENANCE}`;
}

/** A key has no blanks, whatever an application is called; versions have none by their grammar (`circle.ts`). */
function key(application: string): string {
  return encodeURIComponent(application);
}
