/**
 * The page `/probes`, for doctor: `/probes?assignment=0.1,0.2` announces visitors with these assignments, and
 * has the outcomes that were reported of them so far (`intake/probes.ts`).
 */

import { type HostPort, hostPortText } from "../address.ts";
import { assignmentOfText } from "../assignment.ts";
import type { DroppedCount, HeardCount } from "../intake/counts.ts";
import type { Intake } from "../intake/intake.ts";
import type { ProbeOutcome } from "../intake/probes.ts";

export interface ProbesPage {
  /** The address for outcomes; null: the daemon hears them over its own sockets alone. */
  readonly address: string | null;
  /** Whether each door for outcomes is open. */
  readonly doors: Readonly<Record<string, boolean>>;
  /** All outcomes since the daemon's start, and reports without one. */
  readonly heard: readonly HeardCount[];
  readonly dropped: readonly DroppedCount[];
  /** In the order of the question. */
  readonly probes: readonly { readonly assignment: number; readonly outcomes: readonly ProbeOutcome[] }[];
}

/** The page as JSON. */
export function probesText({ counts, probes }: Intake, address: HostPort | null, query: string): string {
  const asked = (new URLSearchParams(query).get("assignment") ?? "").split(",");
  const assignments = asked.map(assignmentOfText).filter((assignment) => !Number.isNaN(assignment));
  probes.expect(assignments);
  const page: ProbesPage = {
    address: address && hostPortText(address),
    doors: Object.fromEntries(counts.doors),
    heard: [...counts.allHeard()],
    dropped: [...counts.allDropped()],
    probes: assignments.map((assignment) => ({ assignment, outcomes: probes.of(assignment) })),
  };
  return JSON.stringify(page);
}
