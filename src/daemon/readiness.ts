/** Whether visitors can ask this daemon and get the store's answer: `/readyz` tells it. */

import type { Rollout } from "../rollout.ts";
import type { Server } from "../servers/server.ts";

/** So many applications are named; of the others, the number. */
const NAMED_MAX = 3;

export interface ReadinessSources {
  readonly rollout: Rollout;
  /** Whether the feed has read every application. */
  readonly isRead: () => boolean;
  readonly servers: readonly Pick<Server, "name" | "trouble">[];
  readonly clock: () => number;
}

/** Why not, in words; undefined if they can. */
export function whyNotReady({ rollout, isRead, servers, clock }: ReadinessSources): string | undefined {
  const nowMs = clock();
  const unread = new Named();
  const stale = new Named();
  // One pass without an object for each: there may be ten thousand.
  for (const name of rollout.applications) {
    const table = rollout.table(name);
    if (table === undefined || table.readAtMs === Number.NEGATIVE_INFINITY) unread.add(name);
    else if (!table.isFresh(nowMs)) stale.add(name);
  }
  if (unread.count > 0) return `no snapshot has been read yet of ${unread}`;
  if (!isRead()) return "not every application has been read yet";
  if (stale.count > 0) return `the snapshot is too old of ${stale}: the store cannot be read`;
  const server = servers.find(({ trouble }) => trouble !== undefined);
  return server === undefined ? undefined : `nothing reaches ${server.name}: ${server.trouble}`;
}

/** The first few names, and how many there are. */
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
