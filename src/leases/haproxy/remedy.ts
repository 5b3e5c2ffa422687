/** The instruction to the operator if HAProxy refuses the map, or does not answer at its stats socket. */

import { RuntimeApiError } from "./runtime-api.ts";

/** HAProxy's configuration does not use the map under this name. */
export const NAME_THE_MAP = "name the file as HAProxy's configuration does: -haproxy-map SOCKET,MAP";

/** Whether HAProxy's reply to a command says that it has no such map. */
export function isUnknownMap(reply: string): boolean {
  return /^Unknown map/i.test(reply);
}

/** The remedy for HAProxy's reply to a command, if it refused the command; undefined if none is known. */
export function remedyOfReply(reply: string): string | undefined {
  if (isUnknownMap(reply)) return NAME_THE_MAP;
  return /^Permission denied/i.test(reply)
    ? "give the stats socket level admin in HAProxy's configuration: stats socket PATH level admin"
    : undefined;
}

/** The remedy for a renewal that failed; undefined if none is known. */
export function remedyOf(error: unknown): string | undefined {
  if (error instanceof RuntimeApiError) return error.remedy;
  const { code } = (error ?? {}) as { readonly code?: unknown };
  switch (code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return "start HAProxy, or name the stats socket of its configuration: -haproxy-map SOCKET,MAP";
    case "EACCES":
    case "EPERM":
      return "let the daemon's user open HAProxy's stats socket, by its group and mode";
    default:
      return undefined;
  }
}
