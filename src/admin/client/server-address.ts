/** Checks addresses of servers on the pages of a daemon, which may be a newer daemon or another program. */

import type { ServerAddress } from "../../metrics.ts";

/** Whether this version knows the address, with all of its fields. */
export function isServerAddress(value: unknown): value is ServerAddress {
  if (typeof value !== "object" || value === null) return false;
  const { kind, path, host, port, fd } = value as Readonly<Record<string, unknown>>;
  switch (kind) {
    case "unix":
    case "file":
      // A path with a NUL makes the system call throw.
      return typeof path === "string" && path !== "" && !path.includes("\0");
    case "tcp":
      return typeof host === "string" && typeof port === "number";
    case "fd":
      return typeof fd === "number";
    default:
      return false;
  }
}
