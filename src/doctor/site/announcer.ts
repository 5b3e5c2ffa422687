/**
 * Announces doctor's visitors at the daemons before they come. During a release the daemons then keep their
 * outcomes out of the evidence (`intake/probes.ts`).
 */

/** A visitor that comes again later than this is announced again. The daemon remembers it for longer. */
const ANNOUNCED_MS = 20_000;

export class Announcer {
  readonly #announce: (assignments: readonly string[]) => Promise<void>;
  readonly #announcedAtMs = new Map<string, number>();

  /** @param announce tells the daemons; never rejects */
  constructor(announce: (assignments: readonly string[]) => Promise<void>) {
    this.#announce = announce;
  }

  /** Resolves when the daemons know these visitors. */
  async tell(probes: readonly { readonly assignment?: string }[]): Promise<void> {
    const nowMs = performance.now();
    const sinceMs = nowMs - ANNOUNCED_MS;
    const news = probes.flatMap(({ assignment }) => {
      if (assignment === undefined) return [];
      const announcedAtMs = this.#announcedAtMs.get(assignment) ?? Number.NEGATIVE_INFINITY;
      return announcedAtMs <= sinceMs ? [assignment] : [];
    });
    if (news.length === 0) return;
    for (const assignment of news) this.#announcedAtMs.set(assignment, nowMs);
    await this.#announce(news);
  }
}
