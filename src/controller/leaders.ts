/** The controllers whose presence has changed lately, by this daemon's own clock. They lead the release. */

/** A presence counts this long. It is told three times in that time. */
export const PRESENCE_FRESH_MS = 90_000;

export class Leaders {
  /** When the presence of a controller changed last, on the monotonic clock. */
  readonly #changedAtMs = new Map<string, number>();

  changed(name: string, nowMs: number): void {
    this.#changedAtMs.set(name, nowMs);
  }

  /**
   * A presence that was there before this daemon looked. Its age is by another clock, so it counts only if it
   * is fresh by that one too.
   */
  found(name: string, nowMs: number, ageMs: number): void {
    if (Math.abs(ageMs) < PRESENCE_FRESH_MS) this.changed(name, nowMs - Math.max(0, ageMs));
  }

  /** The names of those that are fresh, sorted. */
  fresh(nowMs: number): string[] {
    for (const [name, changedAtMs] of this.#changedAtMs) {
      if (nowMs - changedAtMs >= PRESENCE_FRESH_MS) this.#changedAtMs.delete(name);
    }
    return [...this.#changedAtMs.keys()].sort();
  }
}
