/** The applications of the daemon. */

import { signal } from "@preact/signals";
import type { ListedApplication, ListNews } from "../news.ts";

const search = signal("");

export function List({ list, shown }: { readonly list: ListNews; readonly shown: string | undefined }) {
  if (list.total < 2) return null;
  const found = list.applications.filter(({ name }) => name.includes(search.value));
  return (
    <nav aria-label="Applications">
      <h2>{list.total} applications</h2>
      <label>
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
        {found.map((application) => (
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

function Item({ application: { name, isFresh, arcs, release, state }, isShown }: ItemProps) {
  return (
    <li class={isFresh ? (state ?? "") : "stale"}>
      <a href={`/?application=${encodeURIComponent(name)}`} aria-current={isShown ? "page" : undefined}>
        {name}
      </a>{" "}
      <span>{isFresh ? arcs || "master" : "stale: master"}</span> <span>{release}</span>
    </li>
  );
}
