/**
 * Warnings for the operator: other machines can reach a listener, or other users can put a socket of their
 * own in its place.
 */

import { statSync } from "node:fs";
import { isIP } from "node:net";
import { dirname } from "node:path";
import { type Address, addressText } from "../address.ts";

const WRITABLE_BY_OTHERS = 0o002;
const ROOT = 0;

export interface Exposure {
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The warnings: one for all open listeners, one for an open admin listener, and one for each directory. */
export function exposuresOf(addresses: readonly Address[], admin: Address | undefined): Exposure[] {
  const exposures: Exposure[] = [];
  const open = addresses.filter(isOpen);
  if (open.length > 0) {
    exposures.push({
      message:
        "other machines can ask this daemon without a login, and learn the rollouts and each visitor's place",
      fields: {
        listen: open.map(addressText).join(", "),
        remedy: "listen on 127.0.0.1 or a unix socket, or let a firewall admit only the proxies",
      },
    });
  }
  if (admin !== undefined && isOpen(admin)) {
    exposures.push({
      message:
        "other machines can read the admin listener without a login: metrics, rollouts and the store's address",
      fields: {
        admin: addressText(admin),
        remedy: "listen on 127.0.0.1 behind nginx with allow and deny (docs/metrics.md), or use a firewall",
      },
    });
  }
  const shared = new Set(
    addresses.flatMap((address) => (address.kind === "unix" ? dirname(address.path) : [])),
  );
  for (const directory of shared) {
    const who = whoElseWrites(directory);
    if (who === undefined) continue;
    exposures.push({
      message: `while the daemon is down, ${who} can put a socket in its place, and decide for the visitors`,
      fields: {
        directory,
        remedy:
          "use a -socket in a directory that only the daemon's user may write to, such as /run/maxwells-daemon",
      },
    });
  }
  return exposures;
}

/** Whether other machines can reach this address. */
/** Whether other machines can reach it. */
export function isOpen(address: Address): boolean {
  if (address.kind !== "tcp") return false;
  const { host } = address;
  if (host === "localhost") return false;
  if (isIP(host) === 4) return !host.startsWith("127.");
  return host !== "::1";
}

/**
 * The users, beside root and the daemon's own user, with the right to put files into a directory. Undefined
 * if there are none, or if the directory cannot be read.
 */
function whoElseWrites(directory: string): string | undefined {
  try {
    const { mode, uid } = statSync(directory);
    if ((mode & WRITABLE_BY_OTHERS) !== 0) return "any user of this machine";
    return uid === ROOT || uid === process.geteuid?.() ? undefined : `the directory's owner, user ${uid},`;
  } catch {
    return undefined;
  }
}
