/** All changes, newest first: the time, the author, the rollout before and after, and the reason. */

import type { ChangeNews } from "../news.ts";
import { originText } from "./origin.ts";
import { shareText, timeText } from "./words.ts";

export function History({ changes }: { readonly changes: readonly ChangeNews[] }) {
  return (
    <section class="wide" aria-label="History">
      <h2>History</h2>
      {changes.length === 0 && <p>No change is recorded.</p>}
      <ol class="history">
        {changes.map((change, index) => (
          <Change
            key={`${change.version} ${change.updatedAt} ${change.release?.seq} ${index}`}
            change={change}
            origin={originText(change, changes.slice(index + 1), changes)}
          />
        ))}
      </ol>
    </section>
  );
}

interface ChangeProps {
  readonly change: ChangeNews;
  readonly origin: string;
}

function Change({ change, origin }: ChangeProps) {
  const { version, updatedAt, claimedAt, author, why, problem, release } = change;
  return (
    <li class={release === undefined ? "by-hand" : release.state}>
      <time dateTime={updatedAt}>{updatedAt === undefined ? "at an unknown time" : timeText(updatedAt)}</time>{" "}
      <b class="way">
        {version} {wayText(change)}
      </b>{" "}
      <span class="author">by {author}</span> <span>{origin}</span>{" "}
      {why !== undefined && why !== release?.sentence && <q>{why}</q>}{" "}
      {claimedAt !== undefined && claimedAt !== updatedAt && (
        <small>the writer's own clock said {timeText(claimedAt)}</small>
      )}{" "}
      {problem !== undefined && <span class="warning">malformed: {problem}</span>}
    </li>
  );
}

/** `1% → 5%`; the rollout before may be forgotten. */
function wayText({ version, rollout, before }: ChangeNews): string {
  const text = (value: number | null) =>
    value === null ? "removed" : version === "maintenance" ? (value > 0 ? "on" : "off") : shareText(value);
  if (before === undefined || before === rollout) return text(rollout);
  return `${before === null ? "new" : text(before)} → ${text(rollout)}`;
}
