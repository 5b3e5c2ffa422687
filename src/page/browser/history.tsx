/** All changes, newest first: the time, the author, the rollout before and after, and the reason. */

import type { ChangeNews } from "../news.ts";
import { originText } from "./origin.ts";
import { shareText, timeText } from "./words.ts";

/** Older changes are folded, because a long release has many of them. */
const OPEN_MAX = 10;

export function History({ changes }: { readonly changes: readonly ChangeNews[] }) {
  const older = changes.length - OPEN_MAX;
  return (
    <section aria-label="History">
      <h2>History</h2>
      {changes.length === 0 && <p>No change is recorded.</p>}
      <Changes changes={changes} from={0} to={OPEN_MAX} />
      {older > 0 && (
        <details>
          <summary>{older} older</summary>
          <Changes changes={changes} from={OPEN_MAX} to={changes.length} />
        </details>
      )}
    </section>
  );
}

interface ChangesProps {
  readonly changes: readonly ChangeNews[];
  readonly from: number;
  readonly to: number;
}

function Changes({ changes, from, to }: ChangesProps) {
  return (
    <ol class="history">
      {changes.slice(from, to).map((change, index) => (
        <Change
          key={`${change.version} ${change.updatedAt} ${change.release?.seq} ${index}`}
          change={change}
          origin={originText(change, changes.slice(from + index + 1), changes)}
        />
      ))}
    </ol>
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
      <span class="author">by {author}</span> <span class="origin">{origin}</span>{" "}
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
