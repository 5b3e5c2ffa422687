/**
 * Does something with the rights of another process's user. What `/state` says may come from a stranger who listens at the
 * admin port, and names files. A doctor that root runs touches them with the rights of that very process, so that a stranger
 * can make it do nothing that the stranger could not do.
 */

import type { User } from "./processes.ts";

/** Calls `act` with no other rights than those of `user`. Synchronous: nothing else runs meanwhile. Throws what `act` throws. */
export function withRightsOf<T>(user: User, act: () => T): T {
  if (!mayChange(user)) return act();
  const [uid, gid, groups] = [
    process.geteuid?.() ?? 0,
    process.getegid?.() ?? 0,
    process.getgroups?.() ?? [],
  ];
  try {
    process.setgroups?.([...user.gids]);
    process.setegid?.(user.gids[0] ?? gid);
    process.seteuid?.(user.uid);
    return act();
  } finally {
    process.seteuid?.(uid);
    process.setegid?.(gid);
    process.setgroups?.([...groups]);
  }
}

/** How a child process gets these rights, without any other group. Nothing if this process has to keep its own. */
export function rightsFor(user: User): { readonly uid?: number; readonly gid?: number } {
  return mayChange(user) ? { uid: user.uid, gid: user.gids[0] ?? 0 } : {};
}

/** Root alone can give up rights; any other user has none that it should not use. */
function mayChange({ uid }: User): boolean {
  return process.geteuid?.() === 0 && uid !== 0;
}
