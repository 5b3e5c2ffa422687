/**
 * The locations of the slices in the documents of the last seconds. Traefik uses a document until it has
 * polled the next one and taken it over, so the daemon vouches for its documents until then. If it did not,
 * each change that takes a slice from a version would send all visitors of the version to master, and most of
 * them back. A request that is under way while Traefik's failover turns is answered with 503
 * (docs/decisions/0012-traefik.md).
 */

/**
 * Traefik polls once a second, and takes over at most one configuration every two seconds. The rest is for a
 * busy machine.
 */
export const CHANGEOVER_MS = 5_000;

interface DocumentLocations {
  readonly locations: readonly string[];
  readonly atMs: number;
}

export class RecentDocuments {
  /** By application, the newest last: one for each change within `CHANGEOVER_MS`. */
  readonly #byApplication = new Map<string, DocumentLocations[]>();

  /** Notes that Traefik got a document with these locations of the application's slices. */
  add(application: string, locations: readonly string[], nowMs: number): void {
    const given = this.#recent(application, nowMs);
    const last = given.at(-1);
    if (last !== undefined && isSame(last.locations, locations)) given.pop();
    given.push({ locations, atMs: nowMs });
    this.#byApplication.set(application, given);
  }

  /** The locations in the documents that Traefik may still use. */
  recent(application: string, nowMs: number): readonly (readonly string[])[] {
    return this.#recent(application, nowMs).map(({ locations }) => locations);
  }

  #recent(application: string, nowMs: number): DocumentLocations[] {
    const given = this.#byApplication.get(application) ?? [];
    return given.filter(({ atMs }) => nowMs - atMs < CHANGEOVER_MS);
  }
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((location, slice) => location === others[slice]);
}
