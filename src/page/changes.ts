/** The history of records for the page: each change with the rollout before it. Pure. */

import { authorText, type ShownChange } from "../records/history.ts";
import { oneLine } from "../text/one-line.ts";
import type { FreezeChange } from "../verbs/freeze-history.ts";
import type { ChangeNews, FreezeChangeNews } from "./news.ts";

/** @param changes newest first */
export function changesNews(changes: readonly ShownChange[]): ChangeNews[] {
  return changes.map((change, index) => {
    const before = changes.slice(index + 1).find(({ version }) => version === change.version);
    return {
      ...{ ...shown(change), author: oneLine(authorText(change)) },
      ...(before === undefined ? {} : { before: before.rollout }),
    };
  });
}

/** Its texts as lines that turn no direction: otherwise a name could turn the rollout beside it. */
function shown(change: ShownChange): ShownChange {
  const safe = (value: unknown) => (typeof value === "string" ? oneLine(value) : value);
  const fields = Object.entries(change).map(([name, value]) => [name, safe(value)] as const);
  return { ...change, ...Object.fromEntries(fields) };
}

/**
 * The freezes of the time that the changes of an application cover.
 *
 * @param sinceMs in milliseconds since 1970; undefined if the changes go back to the first one
 */
export function freezesNews(
  freezes: readonly FreezeChange[],
  sinceMs: number | undefined,
): FreezeChangeNews[] {
  return freezes
    .filter(({ at }) => !(Date.parse(at ?? "") < (sinceMs ?? Number.NEGATIVE_INFINITY)))
    .map(({ isFrozen, by, login, at, why }) => ({
      ...{
        isFrozen: isFrozen ?? null,
        at: at === undefined ? null : oneLine(at),
        why: why === undefined ? null : oneLine(why),
      },
      author: oneLine(authorText({ updatedBy: by ?? "?", login: login ?? by ?? "?" })),
    }));
}
