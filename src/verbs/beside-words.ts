/** The words for `set` and `remove` of a version that has a release. Pure. */

import type { Following } from "../records/beside-release.ts";
import { PlanProblems, parsePlan } from "../releases/plan-parser.ts";
import type { ReleaseProblem } from "../releases/read-release.ts";
import type { Release } from "../releases/release.ts";
import { releaseName, stepPlace } from "../releases/sentence.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { rolloutText } from "../text/amounts.ts";
import { oneLine } from "../text/one-line.ts";
import { quote } from "../text/quote.ts";
import { commandLine } from "./command-line.ts";
import type { Target } from "./look.ts";
import type { Reason } from "./reasons.ts";

/** A release under way refuses a higher rollout, another offset, or the removal of its record. */
export function underWayReason(
  { application, version }: Target,
  rollout: number,
  release: Release,
  asked: "raise" | "offset" | "remove",
  storeFlags: StoreFlags,
): Reason {
  const state = `${releaseName(application, release)} is ${release.state}, at ${stepPlace(release)}`;
  const end = commandLine(storeFlags, application, "abort");
  const remedies = {
    raise: [...onwards(application, release, storeFlags), `to leave its plan, end it first: ${end}`],
    offset: [`a release keeps its visitors, so it keeps its offset; to end it first: ${end}`],
    remove: [`to end it first: ${end}`],
  } as const;
  return {
    text: oneLine(`${state}, ${version} at ${rolloutText(rollout)}`),
    remedy: remedies[asked].map(oneLine).join("\n"),
  };
}

/** A release of a newer program refuses a higher rollout, because it may be under way. */
export function unreadableReason(
  { application, version }: Target,
  problem: ReleaseProblem,
  storeFlags: StoreFlags,
): Reason {
  const back = commandLine(storeFlags, application, "set", version, "0%");
  return {
    text: oneLine(
      `the release of ${version} of ${application} cannot be read: its field ${quote(problem.field)} is of a newer program`,
    ),
    remedy: `use a newer version of this program\nto take everyone back: ${oneLine(back)}`,
  };
}

/** The fate of the release by the same write, as a sentence. */
export function followingText(
  { application, version }: Target,
  { release, before, notice }: Following,
  rollout: number,
  storeFlags: StoreFlags,
): string {
  const name = releaseName(application, release);
  const place = `at ${stepPlace(release)}`;
  if (notice === "fade-over" || notice === "fade-stopped") {
    return oneLine(`${name} fades no more; ${version} stays at ${rolloutText(rollout)}`);
  }
  if (release.state === "aborted") {
    const by = notice === "foreign-zero" ? ", because another writer had set it to 0%" : "";
    return oneLine(`${name} is aborted by this, ${place}${by}`);
  }
  const next = commandLine(storeFlags, application, "resume");
  const was = before.state === "paused" ? "stays paused" : "is paused by this";
  return oneLine(
    `${name} ${was}, ${place}, because ${rolloutText(rollout)} is not its share; to go on at the last step not above it: ${next}`,
  );
}

/** The verbs that go on with a release. */
function onwards(application: string, release: Release, storeFlags: StoreFlags): readonly string[] {
  const { state, step, from } = release;
  const plan = parsePlan(release.plan);
  const next = plan instanceof PlanProblems ? undefined : plan.steps[step]?.rollout;
  if (state === "paused") {
    const resume = `to go on: ${commandLine(storeFlags, application, "resume")}`;
    if (from === "promoted" || next === undefined) return [resume];
    const words = ["-resume", "-expect-step", String(step)];
    return [resume, `to go to the next step: ${commandLine(storeFlags, application, "promote", ...words)}`];
  }
  if (state !== "running" || next === undefined) return [];
  const share = rolloutText(next);
  return [
    `to go to the next step, ${share}: ${commandLine(storeFlags, application, "promote", "-to", share)}`,
  ];
}
