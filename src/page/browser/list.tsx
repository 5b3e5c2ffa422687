/** The applications of the daemon. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ListedApplication, ListNews } from "../news.ts";

const search = signal("");

/** Whether the first state is painted. */
const isPainted = signal(false);

interface ListProps {
  readonly list: ListNews;
  readonly shown: string | undefined;
}

export function List({ list, shown }: ListProps) {
  useEffect(() => {
    isPainted.value = true;
  }, []);
  if (list.total < 2) return null;
  const wanted = search.value.trim().toLowerCase();
  const found = list.applications.filter((application) => textOf(application).includes(wanted));
  const parts = partsOf(found);
  return (
    <nav aria-label="Applications" id="applications">
      <h2>{list.total} applications</h2>
      <label class="search">
        Find{" "}
        <input
          type="search"
          placeholder="a name, or a state"
          value={search.value}
          onInput={({ currentTarget }) => {
            search.value = currentTarget.value;
          }}
        />
      </label>
      {list.applications.length < list.total && (
        <p>The first {list.applications.length} are shown. The others have the address /?application=NAME.</p>
      )}
      {wanted !== "" && (
        <p class="note" role="status">
          {found.length === 0 ? "None of them has this text." : `${found.length} of ${list.total}`}
        </p>
      )}
      <div class="list">
        {parts.slice(0, isPainted.value ? parts.length : FIRST_PARTS).map((part) => (
          <Part key={part[0]?.name} applications={part} shown={shown} />
        ))}
      </div>
    </nav>
  );
}

/** The text in which a reader finds an application: its name, its versions and its release. */
function textOf({ name, arcs, release }: ListedApplication): string {
  return `${name} ${arcs} ${release ?? ""}`.toLowerCase();
}

/** It fills rows of one, two, three and four columns. */
const PART_LENGTH = 24;

/** A screen has no more of them. The others come after the first paint, which would wait for them. */
const FIRST_PARTS = 3;

function partsOf(applications: readonly ListedApplication[]): ListedApplication[][] {
  const count = Math.ceil(applications.length / PART_LENGTH);
  return Array.from({ length: count }, (_, n) => applications.slice(n * PART_LENGTH, (n + 1) * PART_LENGTH));
}

interface PartProps {
  readonly applications: readonly ListedApplication[];
  readonly shown: string | undefined;
}

/**
 * Some of the rows. A state changes few of them, and to compare and place each of hundreds again would cost a
 * part of a frame. A part without a change is not looked at, and one that is not in sight is not drawn.
 */
function Part({ applications, shown }: PartProps) {
  return useMemo(
    () => (
      <ul class="part">
        {applications.map((application) => (
          <Item key={application.name} application={application} isShown={application.name === shown} />
        ))}
      </ul>
    ),
    [JSON.stringify(applications), shown],
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
      <span class="arcs">{`${isFresh ? "" : "stale: "}${arcs || "master"}`}</span>{" "}
      {release !== null && <span class="release">{release}</span>}
    </li>
  );
}
