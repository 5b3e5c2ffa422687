/** The top of the page: the daemon, and how old its news are. */

import type { PageNews } from "../news.ts";
import { ageMs, isOld } from "./stream.ts";
import { durationText } from "./words.ts";

export function Header({ state: { daemon, application, list } }: { readonly state: PageNews }) {
  return (
    <header>
      <a class="name" href="/">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <circle cx="10" cy="10" r="7" />
          <path d="M 10 3 A 7 7 0 0 1 17 10" />
        </svg>
        maxwells-daemon
      </a>
      <span>
        {daemon.name}, {daemon.store}
      </span>
      {list.total > 1 && (
        <a class="jump" href="#applications">
          {list.total} applications
        </a>
      )}
      <Age application={application} />
      {daemon.notReady !== null && <p class="warning">Not ready: {daemon.notReady}</p>}
    </header>
  );
}

/** An old state is never shown like a new one. A screen reader hears of it once, and not each second. */
function Age({ application }: Pick<PageNews, "application">) {
  if (isOld.value) {
    return (
      <strong class="age">
        <span role="alert">The daemon is silent.</span> All of this is {durationText(ageMs.value)} old.
      </strong>
    );
  }
  const isAway = application !== null && (application.error !== null || !application.isFresh);
  if (!isAway) return <span class="age">live</span>;
  const since = application.ageMs === null ? "not yet" : `${durationText(application.ageMs)} ago`;
  return <strong class="age">The store was read {since}.</strong>;
}
