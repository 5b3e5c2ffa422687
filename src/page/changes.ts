/** The history of records for the page: each change with the rollout before it. Pure. */

import { authorText, type ShownChange } from "../records/history.ts";
import { oneLine } from "../text/one-line.ts";
import type { ChangeNews } from "./news.ts";

/** @param changes newest first */
export function changesNews(changes: readonly ShownChange[]): ChangeNews[] {
  return changes.map((change, index) => {
    const before = changes.slice(index + 1).find(({ version }) => version === change.version);
    return {
      ...{ ...change, author: oneLine(authorText(change)) },
      ...(before === undefined ? {} : { before: before.rollout }),
    };
  });
}
