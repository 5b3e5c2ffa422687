/** The conditions that a person skips with `promote`, as far as a command can know them. Pure. */

import { Problem } from "../config/option.ts";
import { type Condition, waitingFor } from "../releases/due.ts";
import type { Plan } from "../releases/plan.ts";
import type { Release } from "../releases/release.ts";
import { isOpen, parseWindow } from "../releases/windows.ts";

/**
 * A command knows the time, the windows and the freeze. It does not ask the judge or the checks, so it counts
 * them as skipped.
 *
 * @param release before the promotion
 * @param atMs    the time of the promotion, by the same clock as the release's `since`
 */
export function skippedBy(
  release: Release,
  plan: Plan | undefined,
  atMs: number,
  isFrozen: boolean,
): readonly Condition[] {
  const watchedMs = Math.max(0, atMs - Date.parse(release.since));
  const look = { monotonicMs: 0, storeMs: undefined };
  return waitingFor({ ...release, state: "running" }, plan, {
    watch: {
      ...{ key: release.key, seq: release.seq, tx: release.tx, first: look, last: look },
      ...{ watchedMs, isWhole: true },
    },
    ok: undefined,
    signs: [],
    evidenceAgeMs: undefined,
    checks: new Map(),
    isOpen: isAnyOpen(release.windows, atMs),
    isFrozen,
  });
}

function isAnyOpen(texts: readonly string[] | undefined, atMs: number): boolean {
  return (texts ?? []).some((text) => {
    const window = parseWindow(text);
    return !(window instanceof Problem) && isOpen(window, atMs);
  });
}
