/** The news of one release, in the words of the command `release`. Pure. */

import type { LedView } from "../controller/view.ts";
import { GRACE_MS } from "../judge/segment.ts";
import type { Condition } from "../releases/due.ts";
import { waitText } from "../releases/plan.ts";
import { goesOn } from "../releases/release.ts";
import { isOf } from "../releases/watch.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { oneLine } from "../text/one-line.ts";
import { headline } from "../verbs/headline.ts";
import { silenceWords } from "../verbs/judge-words.ts";
import type { Progress } from "../verbs/progress.ts";
import { waitWords } from "../verbs/wait-words.ts";
import { besideWords, overrideWords, shortageWords } from "../verbs/warning-words.ts";
import { conditionsNews, waitNews } from "./conditions.ts";
import type { MemberNews, ReleaseNews } from "./news.ts";

/** The parts of this daemon in the news. */
export interface Beside {
  /** The same release, if this daemon leads it. */
  readonly led?: LedView | undefined;
  readonly fleet?: readonly MemberNews[] | undefined;
}

export function releaseNews(
  seen: Progress,
  storeFlags: StoreFlags,
  { led, fleet }: Beside = {},
): ReleaseNews {
  const progress = withLed(seen, led);
  const { target, release, plan, rollout, crew, passedMs } = progress;
  const { id, key, seq, of, state, step, reason } = release;
  const conditions = conditionsNews(progress, storeFlags);
  const waits = waitWords(progress, storeFlags).map(waitNews);
  return {
    ...{ version: target.version, id, key, seq, of: oneLine(of), plan: release.plan, state, step, rollout },
    ...{ offset: release.wrote[1], isOver: !goesOn(release), waits },
    headline: headline(progress, storeFlags),
    steps: plan?.steps.map((each) => ({ rollout: each.rollout, wait: waitText(each.wait) })) ?? null,
    passedMs: Math.round(passedMs),
    isInGrace: passedMs < GRACE_MS,
    waitMs: plan?.steps[step - 1]?.wait.minMs ?? 0,
    warnings: warningsOf(progress),
    reason: reason === undefined ? null : oneLine(reason),
    judged: progress.judged ?? null,
    judgedAtEnd: progress.judgedAtEnd ?? null,
    conditions,
    leaders: crew?.leaders ?? null,
    fleet: fleet ?? null,
  };
}

/**
 * A controller of this daemon holds these conditions met or not, and not what a person sees from anywhere: it
 * counts the time that it has watched itself, and asks the checks. Its other words are those of the command.
 */
function withLed(seen: Progress, led: LedView | undefined): Progress {
  const { release } = seen;
  if (led === undefined || !isOf(led.release, release) || led.waits.length === 0) return seen;
  if (seen.foreign !== "none") return seen;
  const conditions = led.waits.map((condition) => ongoing(condition, led.lookedAgoMs));
  const told = new Map(led.checks.map(({ name, sentence }) => [name, sentence]));
  return { ...seen, told, conditions, waits: conditions.filter(({ state }) => state !== "met") };
}

/** The time goes on after the controller's last look, but only a look ends the wait. */
function ongoing(condition: Condition, agoMs: number): Condition {
  if (condition.kind !== "time" || condition.state === "met") return condition;
  return { ...condition, passedMs: Math.min(condition.ofMs, condition.passedMs + agoMs) };
}

function warningsOf(progress: Progress): string[] {
  const { isMalformed, freeze } = progress;
  return [
    ...silenceWords(progress),
    ...(isMalformed ? ["its record is malformed, so its visitors get master"] : []),
    ...overrideWords(progress),
    ...besideWords(progress),
    ...shortageWords(progress),
    ...(freeze?.isFrozen ? [`releases are frozen${freeze.why === undefined ? "" : `: ${freeze.why}`}`] : []),
  ].map(oneLine);
}
