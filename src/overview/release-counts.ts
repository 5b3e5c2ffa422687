/**
 * Counts of the transitions that this daemon has seen, by any writer. Pure.
 *
 * A counter begins at 0 when a release is first seen under way, so that Prometheus sees its first increase
 * too. A transition before the daemon's first look is not counted.
 */

import { isUnderWay, type Release } from "../releases/release.ts";
import { ABORT_REASONS, type AbortReason, abortReason } from "./abort-reasons.ts";

/** Versions of an application that are counted by name. Others are counted together. */
const VERSIONS_MAX = 16;

/** Stands for all other versions. It cannot be the name of one, because of its character. */
const OTHER = "(other)";

export interface ReleaseCounts {
  readonly application: string;
  readonly version: string;
  /** Steps forward. */
  advances: number;
  readonly aborts: Record<AbortReason, number>;
}

/** The part of a release that the next look needs. */
export type Last = Pick<Release, "key" | "seq" | "step" | "state">;

export class Counting {
  readonly #byApplication = new Map<string, Map<string, ReleaseCounts>>();

  *all(): Generator<ReleaseCounts> {
    for (const counts of this.#byApplication.values()) yield* counts.values();
  }

  /**
   * @param before  the release of this version at the last look; null if there was none, and undefined at
   *                the first look at the application
   * @param author  the author of the record now
   */
  see(
    { application, version }: Pick<ReleaseCounts, "application" | "version">,
    before: Last | null | undefined,
    release: Release,
    author: string | undefined,
  ): void {
    const isNew = before?.key !== release.key;
    if (!isUnderWay(release) && before === undefined) return;
    const counts = this.#of(application, version);
    if (before === undefined) return;
    counts.advances += Math.max(0, release.step - (isNew ? 1 : (before?.step ?? 1)));
    const wasOver = !isNew && before !== null && !isUnderWay(before);
    const reason = wasOver ? undefined : abortReason(release, author);
    if (reason !== undefined) counts.aborts[reason]++;
  }

  #of(application: string, version: string): ReleaseCounts {
    const counted = this.#byApplication.get(application) ?? new Map<string, ReleaseCounts>();
    this.#byApplication.set(application, counted);
    const name = counted.has(version) || counted.size < VERSIONS_MAX ? version : OTHER;
    const counts = counted.get(name) ?? { application, version: name, advances: 0, aborts: noAborts() };
    counted.set(name, counts);
    return counts;
  }
}

function noAborts(): Record<AbortReason, number> {
  return Object.fromEntries(ABORT_REASONS.map((reason) => [reason, 0])) as Record<AbortReason, number>;
}
