/** The application, the state of its release, and the sentence that says all at once. */

import { useMemo } from "preact/hooks";
import type { ApplicationNews } from "../news.ts";
import { staleBadge } from "./stale.ts";

export function Headline({ news }: { readonly news: ApplicationNews }) {
  const release = news.releases[0];
  const stale = staleBadge(news);
  return (
    <>
      <div class="title">
        <h1>{news.name}</h1>
        {release !== undefined && <span class={`badge ${release.state}`}>{release.state}</span>}
        {stale !== undefined && <span class="badge stale">{stale}</span>}
      </div>
      <p class="headline">{headlineOf(news)}</p>
      <Spoken news={news} />
    </>
  );
}

function headlineOf({ isRead, releases }: ApplicationNews): string {
  return releases[0]?.headline ?? (isRead ? "no release" : "the records are not read yet");
}

/**
 * The headline for a screen reader, which reads each change aloud. So it stays as it is while only the numbers
 * of its wait change, such as the seconds that are left.
 */
function Spoken({ news }: { readonly news: ApplicationNews }) {
  const release = news.releases[0];
  const wait = release?.waits[0]?.text.replaceAll(/\d+[dhms]?/g, "");
  const text = useMemo(
    () => headlineOf(news),
    [news.isRead, release?.key, release?.state, release?.step, release?.rollout, wait],
  );
  return (
    <p class="for-readers" role="status" aria-live="polite">
      {text}
    </p>
  );
}
