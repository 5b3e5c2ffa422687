/**
 * What HAProxy's map says while it holds a lease (docs/protocol/haproxy-map.md): until when each application's is good, where
 * each version's visitors stand, and which applications are in maintenance. Pure.
 *
 *     website 1764000003000
 *     website/canary 0:250000000000000000
 *     website/maintenance on
 */

import { MAINTENANCE } from "../../record.ts";
import type { Lease } from "../../rollout.ts";
import { type ScaledArc, scaleArc } from "./scaled-arc.ts";

/** For how long HAProxy may decide by what it was last told. Several renewals may fail before anybody notices. */
export const LEASE_MS = 3_000;

/** Scaled arcs by what they were scaled from: finding them costs some hundred steps, and they seldom change. */
export class ScaledArcs {
  #known = new Map<string, ScaledArc>();
  #used = new Map<string, ScaledArc>();

  of(offset: number, rollout: number): ScaledArc {
    const name = `${rollout}@${offset}`;
    const arc = this.#used.get(name) ?? this.#known.get(name) ?? scaleArc(offset, rollout);
    this.#used.set(name, arc);
    return arc;
  }

  /** Forgets what was not asked for since the last time. */
  sweep(): void {
    this.#known = this.#used;
    this.#used = new Map();
  }
}

/** The lines of an application's lease; none where everyone goes to master, and nobody decides. */
export function leaseLines(
  application: string,
  { durationMs, arcs }: Lease,
  nowEpochMs: number,
  scaled: ScaledArcs,
): string[] {
  if (durationMs <= 0) return [];
  const until = nowEpochMs + Math.min(durationMs, LEASE_MS);
  const lines = arcs.map(({ version, offset, rollout }) => {
    const { start, length } = scaled.of(offset, rollout);
    return `${key(application)}/${version} ${start}:${length}`;
  });
  return [`${key(application)} ${until}`, ...lines];
}

/** The line that says that an application is in maintenance. */
export function maintenanceLine(application: string): string {
  return `${key(application)}/${MAINTENANCE} on`;
}

/** A key has no blanks, whatever an application is called; versions have none by their grammar (`record.ts`). */
function key(application: string): string {
  return encodeURIComponent(application);
}
