/** The applications of the daemon. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ListedApplication, ListNews } from "../news.ts";

const search = signal("");

interface ListProps {
  readonly list: ListNews;
  readonly shown: string | undefined;
}

export function List({ list, shown }: ListProps) {
  if (list.total < 2) return null;
  return (
    <nav aria-label="Applications" id="applications">
      <h2>{list.total} applications</h2>
      <label class="search">
        Find{" "}
        <input
          type="search"
          value={search.value}
          onInput={({ currentTarget }) => {
            search.value = currentTarget.value;
          }}
        />
      </label>
      {list.applications.length < list.total && (
        <p>The first {list.applications.length} are shown. The others have the address /?application=NAME.</p>
      )}
      <ul class="list">
        {list.applications
          .filter(({ name }) => name.includes(search.value))
          .map((application) => (
            <Item key={application.name} application={application} isShown={application.name === shown} />
          ))}
      </ul>
    </nav>
  );
}

interface ItemProps {
  readonly application: ListedApplication;
  readonly isShown: boolean;
}

/** A state changes few of the rows, and hundreds of new ones would cost a part of a frame. */
function Item({ application: { name, isFresh, arcs, release, state }, isShown }: ItemProps) {
  return useMemo(
    () => (
      <li class={isFresh ? (state ?? "") : "stale"}>
        <a href={`/?application=${encodeURIComponent(name)}`} aria-current={isShown ? "page" : undefined}>
          {name}
        </a>{" "}
        <span class="arcs">{isFresh ? arcs || "master" : "stale: master"}</span>{" "}
        {release !== null && <span class="release">{release}</span>}
      </li>
    ),
    [name, isFresh, arcs, release, state, isShown],
  );
}
