/** A release for programs: the JSON of `-output json`. Pure. */

import { conditionDocument } from "../releases/condition-document.ts";
import { loggedTransitions } from "../releases/logged.ts";
import { waitText } from "../releases/plan.ts";
import { goesOn } from "../releases/release.ts";
import { lastSentence } from "./last-words.ts";
import type { Progress } from "./progress.ts";

/** Times are texts in UTC. `leaders` and `judge` are null if the store does not show them, or it is over. */
export function releaseDocument(progress: Progress): Readonly<Record<string, unknown>> {
  const { target, release, plan, rollout, foreign, otherVersion, freeze, crew, nowMs } = progress;
  const { id, key, of, state, step, since, seq, reason, from, fade, cleared = [] } = release;
  const last = loggedTransitions(release).at(-1);
  const at = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ at: at(nowMs), ...target, id, key, of, plan: release.plan, state, step, since, seq, rollout },
    offset: release.wrote[1],
    isOver: !goesOn(release),
    ...(from === undefined ? {} : { from }),
    ...(reason === undefined ? {} : { reason }),
    ...(fade === undefined ? {} : { fade }),
    cleared: cleared.map(([sign, by, why]) => ({ sign, by, why })),
    steps: plan?.steps.map((each) => ({ rollout: each.rollout, wait: waitText(each.wait) })) ?? null,
    passedMs: Math.round(progress.passedMs),
    waits: progress.waits.map(conditionDocument),
    opensAt: timeOf(progress.opensAtMs, at),
    sentence: lastSentence(progress),
    by: foreign === "none" ? (last?.by ?? null) : null,
    foreign,
    otherVersion: otherVersion ?? null,
    freeze: freeze ?? null,
    leaders: crew?.leaders ?? null,
    unable: crew?.unable ?? null,
    overrides: crew?.overrides ?? [],
    judge: progress.judged ?? null,
  };
}

function timeOf(ms: number | undefined, at: (ms: number) => string): string | null {
  return ms === undefined || !Number.isFinite(ms) ? null : at(ms);
}
