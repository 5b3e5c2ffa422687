/**
 * Acts with the rights of another process's user. A stranger may listen at the admin port, and `/state` may
 * then name any file. So a doctor of root touches those files only with the rights of that very process. The
 * stranger gains nothing that it could not do by itself.
 */

import type { User } from "./processes.ts";

/**
 * Calls `act` with only the rights of `user`. It is synchronous, so that nothing else runs meanwhile. Throws
 * if `act` throws.
 */
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

/**
 * The options that give a child process the user and the group of `user`, and no other group. Empty if this
 * process cannot give up its own rights, or `user` is root.
 */
export function rightsFor(user: User): { readonly uid?: number; readonly gid?: number } {
  return mayChange(user) ? { uid: user.uid, gid: user.gids[0] ?? 0 } : {};
}

/** Only root can give up rights. Any other user has none that are too many. */
function mayChange({ uid }: User): boolean {
  return process.geteuid?.() === 0 && uid !== 0;
}
