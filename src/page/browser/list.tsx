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
      <Items list={list} shown={shown} />
    </nav>
  );
}

/** Most states change nothing here, and hundreds of rows would cost each of them a part of a frame. */
function Items({ list: { applications }, shown }: ListProps) {
  return useMemo(
    () => (
      <ul class="list">
        {applications
          .filter(({ name }) => name.includes(search.value))
          .map((application) => (
            <Item key={application.name} application={application} isShown={application.name === shown} />
          ))}
      </ul>
    ),
    [JSON.stringify(applications), search.value, shown],
  );
}

interface ItemProps {
  readonly application: ListedApplication;
  readonly isShown: boolean;
}

function Item({ application: { name, isFresh, arcs, release, state }, isShown }: ItemProps) {
  return (
    <li class={isFresh ? (state ?? "") : "stale"}>
      <a href={`/?application=${encodeURIComponent(name)}`} aria-current={isShown ? "page" : undefined}>
        {name}
      </a>{" "}
      <span class="arcs">{isFresh ? arcs || "master" : "stale: master"}</span>{" "}
      {release !== null && <span class="release">{release}</span>}
    </li>
  );
}
