/** All changes, newest first: the time, the author, the rollout before and after, and the reason. */

import type { ChangeNews, FreezeChangeNews } from "../news.ts";
import { originText } from "./origin.ts";
import { freezeText, type Line, timeline } from "./timeline.ts";
import { shareText, timeText } from "./words.ts";

/** Older changes are folded, because a long release has many of them. */
const OPEN_MAX = 10;

interface HistoryProps {
  readonly changes: readonly ChangeNews[];
  readonly freezes: readonly FreezeChangeNews[];
}

export function History({ changes, freezes }: HistoryProps) {
  const lines = timeline(changes, freezes);
  const older = lines.length - OPEN_MAX;
  return (
    <section aria-label="History">
      <h2>History</h2>
      {lines.length === 0 && <p>No change is recorded.</p>}
      <Lines lines={lines.slice(0, OPEN_MAX)} changes={changes} />
      {older > 0 && (
        <details class="older">
          <summary>{older} older</summary>
          <Lines lines={lines.slice(OPEN_MAX)} changes={changes} />
        </details>
      )}
    </section>
  );
}

interface LinesProps {
  readonly lines: readonly Line[];
  readonly changes: readonly ChangeNews[];
}

function Lines({ lines, changes }: LinesProps) {
  return (
    <ol class="history">
      {lines.map(({ change, freeze, index }) =>
        change === undefined ? (
          <FreezeChange key={`freeze ${freeze.at} ${index}`} freeze={freeze} />
        ) : (
          <Change
            key={`${change.version} ${change.updatedAt} ${change.release?.seq} ${index}`}
            change={change}
            origin={originText(change, changes.slice(index + 1), changes)}
          />
        ),
      )}
    </ol>
  );
}

/** It is about all releases of the store. */
function FreezeChange({ freeze: { isFrozen, at, author, why } }: { readonly freeze: FreezeChangeNews }) {
  return (
    <li class="freeze">
      <time dateTime={at ?? undefined}>{at === null ? "at an unknown time" : timeText(at)}</time>{" "}
      <b class="way">{freezeText(isFrozen)}</b> <span class="author">by {author}</span>{" "}
      {why !== null && <q>{why}</q>}
    </li>
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
