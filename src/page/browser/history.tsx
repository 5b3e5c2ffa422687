/** All changes, newest first: the author, the reason, and the shares. */

import type { ShownChange } from "../../records/history.ts";
import { shareText, timeText } from "./words.ts";

export function History({ changes }: { readonly changes: readonly ShownChange[] }) {
  return (
    <section class="wide" aria-label="History">
      <h2>History</h2>
      {changes.length === 0 && <p>No change is recorded.</p>}
      <ol class="history">
        {changes.map((change) => (
          <Change key={`${change.version} ${change.updatedAt} ${change.release?.seq}`} change={change} />
        ))}
      </ol>
    </section>
  );
}

function Change({
  change: { version, rollout, updatedBy, updatedAt, why, release },
}: {
  readonly change: ShownChange;
}) {
  return (
    <li>
      <time dateTime={updatedAt}>{updatedAt === undefined ? "" : timeText(updatedAt)}</time>{" "}
      <span>
        {release?.sentence ?? `${version} ${rollout === null ? "removed" : `to ${shareText(rollout)}`}`}
      </span>{" "}
      {updatedBy !== undefined && <span class="author">by {updatedBy}</span>}{" "}
      {why !== undefined && <q>{why}</q>}
    </li>
  );
}
