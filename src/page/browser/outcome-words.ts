/** How a release ended: its facts in words. Pure. */

import { MASTER } from "../../circle.ts";
import type { ApplicationNews, ChangeNews, ReleaseNews } from "../news.ts";
import { durationText, shareText, timeText } from "./words.ts";

export interface Ended {
  /** `Release 7 was aborted`. */
  readonly title: string;
  /** The version of the visitors now. */
  readonly now: string;
  /** Each fact with its name. */
  readonly facts: readonly (readonly [name: string, text: string])[];
  /** The next step of an operator, before its command. */
  readonly next: string;
}

export function endedOf(news: ApplicationNews, release: ReleaseNews): Ended {
  const { id, of, version, state, rollout, reason, key } = release;
  const isFinished = state === "finished";
  // Newest first. A long release may have lost its first changes.
  const changes = news.history.filter((change) => change.release?.key === key);
  const [last] = changes;
  const why = reason ?? last?.why;
  const facts: (readonly [string, string] | undefined)[] = [
    last && ["ended", endText(last)],
    why === undefined || why === null ? undefined : ["reason", why],
    reachFact(release, changes),
    lengthFact(changes),
  ];
  return {
    title: isFinished ? `Release ${id} is finished` : `Release ${id} was aborted`,
    now: nowText(version, rollout, isFinished ? of : undefined),
    facts: facts.filter((fact) => fact !== undefined),
    next: isFinished
      ? `${version} has no visitors, so its servers are free for the next version. Start its release:`
      : `${rollout > 0 ? `Without visitors of ${version}` : `${version} has no visitors, so`} you can look for the fault on its servers. Then start a new release:`,
  };
}

function nowText(version: string, rollout: number, released: string | undefined): string {
  if (rollout > 0) return `${version} still has ${shareText(rollout)} of the visitors.`;
  if (released === undefined) return `All visitors have ${MASTER}, the version before.`;
  return `All visitors have ${MASTER}, whose servers run ${released}.`;
}

function endText({ updatedAt, author }: ChangeNews): string {
  return updatedAt === undefined ? `by ${author}` : `${timeText(updatedAt)}, by ${author}`;
}

/** The largest share that it ever had. */
function reachFact({ steps, step }: ReleaseNews, changes: readonly ChangeNews[]) {
  const most = Math.max(0, ...changes.flatMap(({ rollout, before }) => [rollout ?? 0, before ?? 0]));
  if (most <= 0) return undefined;
  const place = steps === null ? `step ${step}` : `step ${step} of ${steps.length}`;
  return ["reached", `${place}, and at most ${shareText(most)} of the visitors`] as const;
}

function lengthFact(changes: readonly ChangeNews[]) {
  const times = changes.flatMap(({ updatedAt }) => (updatedAt === undefined ? [] : [Date.parse(updatedAt)]));
  const tookMs = Math.max(...times) - Math.min(...times);
  return times.length > 1 && tookMs > 0 ? (["took", durationText(tookMs)] as const) : undefined;
}
