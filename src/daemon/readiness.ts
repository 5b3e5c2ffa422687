/**
 * Readiness, for `/readyz`: whether proxies can reach this daemon, and get rollouts that the store has
 * confirmed.
 */

import type { Rollout } from "../rollout.ts";
import type { Server } from "../servers/server.ts";

/** This many applications are named, and of the others only the number. */
const NAMED_MAX = 3;

export interface ReadinessSources {
  readonly rollout: Rollout;
  /** Whether the feed has read every application. */
  readonly isRead: () => boolean;
  readonly servers: readonly Pick<Server, "name" | "trouble">[];
  readonly clock: () => number;
}

/** The reason why the daemon is not ready, for people; undefined if it is ready. */
export function whyNotReady({ rollout, isRead, servers, clock }: ReadinessSources): string | undefined {
  const nowMs = clock();
  const unread = new Named();
  const stale = new Named();
  // One pass that allocates no object for each application, because there may be ten thousand.
  for (const name of rollout.applications) {
    const table = rollout.table(name);
    if (table === undefined || table.readAtMs === Number.NEGATIVE_INFINITY) unread.add(name);
    else if (!table.isFresh(nowMs)) stale.add(name);
  }
  if (unread.count > 0) return `the store has not been read yet for ${unread}`;
  if (!isRead()) return "the store has not been read yet for every application";
  if (stale.count > 0) return `the store has been unreadable for longer than -unhealthy for ${stale}`;
  const server = servers.find(({ trouble }) => trouble !== undefined);
  return server === undefined ? undefined : `no proxy can reach ${server.name}: ${server.trouble}`;
}

/** The first few names, and the number of all. */
class Named {
  readonly #names: string[] = [];
  count = 0;

  add(name: string): void {
    if (++this.count <= NAMED_MAX) this.#names.push(name);
  }

  toString(): string {
    const others = this.count - this.#names.length;
    return others > 0 ? `${this.#names.join(", ")} and ${others} more` : this.#names.join(", ");
  }
}
