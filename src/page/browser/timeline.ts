/** The changes of an application and the freezes of the store in one list, newest first. Pure. */

import type { ChangeNews, FreezeChangeNews } from "../news.ts";

/** A change or a freeze, with its place among its own kind. */
export type Line =
  | { readonly change: ChangeNews; readonly freeze?: undefined; readonly index: number }
  | { readonly change?: undefined; readonly freeze: FreezeChangeNews; readonly index: number };

/** The changes keep their order, whatever times they name. Each freeze is put before an older change. */
export function timeline(changes: readonly ChangeNews[], freezes: readonly FreezeChangeNews[]): Line[] {
  const waiting = freezes.map((freeze, index): Line => ({ freeze, index }));
  const lines: Line[] = [];
  for (const [index, change] of changes.entries()) {
    const atMs = Date.parse(change.updatedAt ?? "");
    while (waiting[0] !== undefined && Date.parse(waiting[0].freeze?.at ?? "") > atMs) {
      lines.push(...waiting.splice(0, 1));
    }
    lines.push({ change, index });
  }
  return [...lines, ...waiting];
}

export function freezeText(isFrozen: boolean | null): string {
  if (isFrozen === null) return "a freeze of all releases, or its end";
  return isFrozen ? "all releases frozen" : "the freeze of all releases ended";
}
