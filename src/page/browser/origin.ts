/** Says which release made a change, as far as the records tell it. Pure. */

import type { ChangeNews } from "../news.ts";

/**
 * A record has the log of its last release alone. So a change that is older than this log can be of an
 * earlier release, and only a younger one is by hand for sure.
 *
 * @param older the changes before it, newest first
 * @param all all changes
 */
export function originText(
  { version, release }: ChangeNews,
  older: readonly ChangeNews[],
  all: readonly ChangeNews[],
): string {
  if (release !== undefined) return release.sentence;
  const isReleased = (each: ChangeNews) => each.version === version && each.release !== undefined;
  const isByHand = older.some(isReleased) || !all.some(isReleased);
  return isByHand ? "by hand, outside a release" : "by hand or by an earlier release";
}
