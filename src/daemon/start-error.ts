/** What is said if something that the operator asked for by name cannot be had at the start. */

import type { Log } from "../log/log.ts";
import type { Server } from "../servers/server.ts";
import { errorMessage } from "../text.ts";

/** Something that an operator asked for by name cannot be had. */
export class StartError extends Error {
  override readonly name = "StartError";
}

export function cannotListen({ name }: Pick<Server, "name">, error: Error): StartError {
  return new StartError(`cannot listen as ${name}: ${whyNotListening(error)}`, { cause: error });
}

/** Bun's own message names the address and not what is wrong with it. */
function whyNotListening(error: NodeJS.ErrnoException): string {
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: "it is taken; end the program that listens there, or choose another address",
    EADDRNOTAVAIL: "this machine has no such address; choose one that it has",
    EPERM: "the socket's file is another user's; end that user's daemon, or choose another path",
    EACCES: "this user may not listen there; choose another address, or give the user the right",
    ENOENT: "its directory does not exist; make it, or choose another path",
    EBADF: "this descriptor was not passed; start it from the socket unit, or leave fd: away",
  };
  const remedy = remedies[error.code ?? ""];
  return remedy === undefined ? error.message : `${error.code}: ${remedy}`;
}

/** What was asked for by name must be had; what is only the default may be missing, with a warning. */
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
