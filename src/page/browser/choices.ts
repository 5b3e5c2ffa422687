/** The verbs that are possible now, each with its consequence in words. Pure. */

import type { ApplicationNews, FreezeNews, ReleaseNews } from "../news.ts";
import { arcsNow } from "./stale.ts";
import { countText, shareText } from "./words.ts";

export interface Choice {
  readonly verb: string;
  readonly label: string;
  /** It follows on `it`. */
  readonly consequence: string;
  readonly isBack?: boolean;
  readonly needsReason?: boolean;
  /** More fields of the act. */
  readonly with?: Readonly<Record<string, unknown>>;
}

/** The way back; undefined if the release has no visitors to take back. */
export function wayBack(release: ReleaseNews): Choice | undefined {
  const { state, isOver } = release;
  if (isOver) return undefined;
  const consequence = `takes ${affectedBy(release)} back to master, at once`;
  return state === "promoted"
    ? { verb: "undo", label: "Undo", consequence, isBack: true }
    : { verb: "abort", label: "Abort", consequence, isBack: true };
}

/**
 * The visitors of a release, beside the way back. If the store is lost, its version perhaps has none of them
 * here.
 */
export function hasText(news: Pick<ApplicationNews, "arcs" | "isFresh">, release: ReleaseNews): string {
  const has = `${release.version} has ${affectedBy(release)}`;
  const isFollowed = news.isFresh || arcsNow(news).some(({ version }) => version === release.version);
  return isFollowed ? has : `${has} by its record, and none at this daemon`;
}

/** `5% of the visitors (about 400 in this step)`. */
export function affectedBy({ rollout, judged }: ReleaseNews): string {
  const seen = judged?.canaryVisitors ?? 0;
  const people = seen > 0 ? ` (about ${countText(roundly(seen))} in this step)` : "";
  return rollout >= 1 ? "all visitors" : `${shareText(rollout)} of the visitors${people}`;
}

/** Two digits, because it is an estimate. */
function roundly(count: number): number {
  return count < 100 ? count : Number(count.toPrecision(2));
}

export function verbsOf(release: ReleaseNews): Choice[] {
  const { state, step, steps, of, judged } = release;
  const next = steps?.[step]?.rollout;
  const all: (Choice | false)[] = [
    state === "running" && {
      verb: "pause",
      label: "Pause",
      consequence: "keeps the present share until a person resumes it",
    },
    state === "paused" && {
      verb: "resume",
      label: "Resume",
      consequence: "goes on with this step, whose wait begins again",
    },
    state === "running" &&
      next !== undefined && {
        verb: "promote",
        label: `Promote to ${shareText(next)}`,
        consequence: `gives ${shareText(next)} of the visitors the canary now, and skips all that this step waits for`,
      },
    state === "promoted" && {
      verb: "finish",
      label: "Finish",
      consequence: `takes all visitors to master; do it only when master's servers run ${of}`,
    },
    ...(judged?.signs ?? [])
      .filter(({ isCleared }) => !isCleared)
      .map(({ name }) => ({
        ...{ verb: "clear", label: `Clear the sign ${name}`, needsReason: true },
        consequence: `lets the release go on although the judge raised this sign`,
        with: { sign: name },
      })),
  ];
  return all.filter((choice) => choice !== false);
}

/** None if the state of the freeze is not known. */
export function freezeChoice(freeze: FreezeNews | null): Choice | undefined {
  if (freeze === null) return undefined;
  return freeze.isFrozen
    ? {
        ...{ verb: "unfreeze", label: "End the freeze", with: { seenAt: freeze.at ?? undefined } },
        consequence: "lets all releases of this store go forward again, as their plans say",
      }
    : {
        ...{ verb: "freeze", label: "Freeze" },
        consequence: "keeps all releases of this store at their present shares; they can still be taken back",
      };
}
