/** Every visitor gets the version whose arc has its assignment, also at the edges of the arcs. */

import { spell } from "../../circle.ts";
import type { Check } from "../check.ts";
import { decisionsBy, isState } from "../daemon-side.ts";
import { skipped, warn } from "../finding.ts";
import { locationOf, probePoints, type ServedArc } from "../site/probe-points.ts";
import { isError, isRight, judgeSeen, judgeUnseen, type ProbedVisitor } from "../site/split-finding.ts";
import { CAUSES, type Subject, siteOf, withoutAssignment } from "../subject.ts";

/**
 * A proxy with a lease follows a change within a second. So doctor sends visitors that got the wrong version
 * once more after this.
 */
const SETTLE_MS = 1_500;

/**
 * If a rollout changes meanwhile, the replies prove nothing. Then doctor starts again, at most this often.
 */
const ROUNDS_MAX = 3;

export const split: Check = {
  id: "split",
  title: "every visitor is served by the version that the store says",
  skip: withoutAssignment,
  follows: CAUSES,

  async run(subject, signal) {
    for (let round = 1; round <= ROUNDS_MAX && !signal.aborted; round++) {
      const arcs = await subject.daemon.arcs();
      if (arcs === undefined) return skipped("the daemon stopped answering");
      const before = await decisions(subject);
      const placements = await place(subject, arcs, signal);
      if (signal.aborted) break;
      const after = await decisions(subject);
      if (spell((await subject.daemon.arcs()) ?? []) !== spell(arcs)) continue;
      return siteOf(subject).tells
        ? judgeSeen(placements, arcs)
        : judgeUnseen(placements, arcs, before, after);
    }
    return warn(
      "rollouts changed each time that doctor sent visitors, so the replies prove nothing",
      "run doctor again when no rollout changes for a few seconds",
      { rounds: ROUNDS_MAX },
    );
  },
};

async function place(
  subject: Subject,
  arcs: readonly ServedArc[],
  signal: AbortSignal,
): Promise<ProbedVisitor[]> {
  const site = siteOf(subject);
  const points = probePoints(arcs, subject.options.probes, subject.options.random);
  const send = async (assignments: readonly string[]) => {
    const visits = await site.visitAll(
      assignments.map((assignment) => ({ assignment })),
      signal,
    );
    return visits.map((visit, index): ProbedVisitor => {
      const assignment = assignments[index] ?? "";
      return { assignment, visit, wanted: locationOf(arcs, assignment) };
    });
  };
  const placements = await send(points);
  const wrong = placements.filter((placement) => !isRight(placement) && !isError(placement));
  if (wrong.length === 0 || !site.tells || signal.aborted) return placements;
  await Bun.sleep(SETTLE_MS);
  const again = new Map<string, ProbedVisitor>();
  for (const { assignment } of wrong) {
    // One by one, so that the load of the probes themselves changes no reply.
    for (const placement of await send([assignment])) again.set(assignment, placement);
  }
  return placements.map((placement) => again.get(placement.assignment) ?? placement);
}

async function decisions({ daemon }: Subject): Promise<Readonly<Record<string, number>> | undefined> {
  const state = await daemon.state();
  const application = isState(state) ? daemon.applicationOf(state) : undefined;
  return application && decisionsBy(application);
}
