/** The news of one release, in the words of the command `release`. Pure. */

import type { LedView } from "../controller/view.ts";
import { GRACE_MS } from "../judge/segment.ts";
import { waitText } from "../releases/plan.ts";
import { goesOn } from "../releases/release.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { rolloutText } from "../text/amounts.ts";
import { oneLine } from "../text/one-line.ts";
import { silenceWords } from "../verbs/judge-words.ts";
import { lastWords } from "../verbs/last-words.ts";
import type { Progress } from "../verbs/progress.ts";
import { waitWords } from "../verbs/wait-words.ts";
import { besideWords, overrideWords, shortageWords } from "../verbs/warning-words.ts";
import { conditionsNews, waitNews } from "./conditions.ts";
import type { MemberNews, ReleaseNews, WaitNews } from "./news.ts";

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
  const progress = withChecks(seen, led);
  const { target, release, plan, rollout, crew, passedMs } = progress;
  const { id, key, seq, of, state, step, reason } = release;
  const conditions = conditionsNews(progress, led?.checks ?? [], storeFlags);
  const own = conditions.flatMap(({ texts }) => texts);
  const waits = [...own, ...waitWords(progress, storeFlags).slice(own.length).map(waitNews)];
  return {
    ...{ version: target.version, id, key, seq, of, plan: release.plan, state, step, rollout },
    ...{ offset: release.wrote[1], isOver: !goesOn(release), waits },
    headline: headline(progress, waits),
    steps: plan?.steps.map((each) => ({ rollout: each.rollout, wait: waitText(each.wait) })) ?? null,
    passedMs: Math.round(passedMs),
    isInGrace: passedMs < GRACE_MS,
    waitMs: plan?.steps[step - 1]?.wait.minMs ?? 0,
    warnings: warningsOf(progress),
    reason: reason ?? null,
    judged: progress.judged ?? null,
    judgedAtEnd: progress.judgedAtEnd ?? null,
    conditions,
    leaders: crew?.leaders ?? null,
    fleet: fleet ?? null,
  };
}

/** Only a controller asks the checks. All else is as the command shows it from anywhere. */
function withChecks(seen: Progress, led: LedView | undefined): Progress {
  if (led === undefined || led.release.seq !== seen.release.seq) return seen;
  const conditions = seen.conditions.map(
    (condition) =>
      led.waits.find(
        (each) => each.kind === "check" && condition.kind === "check" && each.name === condition.name,
      ) ?? condition,
  );
  return { ...seen, conditions, waits: conditions.filter(({ state }) => state !== "met") };
}

/** One sentence for all: the release, its place, and the first thing for which it waits, or how it ended. */
function headline(progress: Progress, waits: readonly WaitNews[]): string {
  const { release, plan, rollout } = progress;
  const { id, of, state, step } = release;
  const steps = plan === undefined ? "" : `/${plan.steps.length}`;
  const place = state === "finished" ? "" : `, step ${step}${steps}`;
  const head = `release ${id} (${of}) ${state}${place}, at ${rolloutText(rollout)}`;
  const [first] = waits;
  if (first !== undefined) return oneLine(`${head}; it waits for ${first.text}`.replace(/:$/, ""));
  return oneLine([head, ...lastWords(progress)].join("; "));
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
