/** The error of a start that fails because a setting that the operator named cannot be used. */

import type { Log } from "../log/log.ts";
import type { Server } from "../servers/server.ts";
import { errorMessage } from "../text/error-message.ts";

/** A setting that the operator named cannot be used. */
export class StartError extends Error {
  override readonly name = "StartError";
}

export function cannotListen({ name }: Pick<Server, "name">, error: Error): StartError {
  return new StartError(`cannot listen as ${name}: ${whyNotListening(error)}`, { cause: error });
}

/** Names the cause and the remedy, because Bun's own message has only the address. */
function whyNotListening(error: NodeJS.ErrnoException): string {
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program has this address; end that program, or choose another address",
    EADDRNOTAVAIL: "this machine has no such address; choose one that it has",
    EPERM: "another user owns the socket's file; end that user's daemon, or choose another path",
    EACCES: "this user may not listen there; choose another address, or give the user the right",
    ENOENT: "its directory does not exist; create it, or choose another path",
    EBADF: "this descriptor was not passed to the daemon; start it by the socket unit, or do not use fd:",
  };
  const remedy = remedies[error.code ?? ""];
  return remedy === undefined ? error.message : `${error.code}: ${remedy}`;
}

/**
 * Throws a `StartError` if the operator named the setting. If the setting is only the default, the log has a
 * warning, and the daemon goes on without it.
 */
export function insistOrWarn(
  isNamed: boolean,
  wrong: { readonly message: string; readonly consequence: string; readonly remedy: string },
  error: unknown,
  log: Log,
): void {
  const { message, consequence, remedy } = wrong;
  const reason = errorMessage(error);
  if (isNamed) throw new StartError(`${message}: ${reason}; ${remedy}`, { cause: error });
  log.warn(`${message}, so ${consequence}`, { error: reason, remedy });
}
