/** Whether visitors can ask this daemon and get what the store says: what `/readyz` answers. */

import type { Rollout } from "./rollout.ts";
import type { Server } from "./servers/server.ts";

/** So many applications are named; of the others, the number. */
const NAMED_MAX = 3;

export interface ReadinessSources {
  readonly rollout: Rollout;
  /** Whether the feed has read every application. */
  readonly isRead: () => boolean;
  readonly servers: readonly Server[];
  readonly clock: () => number;
}

/** Why not, in words; undefined if they can. */
export function whyNotReady({ rollout, isRead, servers, clock }: ReadinessSources): string | undefined {
  const nowMs = clock();
  const tables = rollout.applications.map((name) => ({ name, table: rollout.table(name) }));
  const unread = tables.filter(
    ({ table }) => table === undefined || table.readAtMs === Number.NEGATIVE_INFINITY,
  );
  if (unread.length > 0) return `no snapshot has been read yet of ${names(unread)}`;
  if (!isRead()) return "not every application has been read yet";
  const stale = tables.filter(({ table }) => !table?.isFresh(nowMs));
  if (stale.length > 0) return `the snapshot is too old of ${names(stale)}: the store cannot be read`;
  const server = servers.find(({ trouble }) => trouble !== undefined);
  return server === undefined ? undefined : `nothing reaches ${server.name}: ${server.trouble}`;
}

function names(applications: readonly { readonly name: string }[]): string {
  const named = applications.slice(0, NAMED_MAX).map(({ name }) => name);
  const others = applications.length - named.length;
  return others > 0 ? `${named.join(", ")} and ${others} more` : named.join(", ");
}
