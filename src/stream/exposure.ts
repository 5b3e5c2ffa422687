/** Warnings for the operator: other machines can reach a listener, or other users can put one of their own in its place. */

import { statSync } from "node:fs";
import { isIP } from "node:net";
import { dirname } from "node:path";
import { type Address, addressText } from "../config/values.ts";

const WRITABLE_BY_OTHERS = 0o002;
const ROOT = 0;

export interface Exposure {
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Each at most once for an address, and for a directory. */
export function exposuresOf(addresses: readonly Address[], admin: Address | undefined): Exposure[] {
  const exposures: Exposure[] = [];
  const open = addresses.filter(isOpen);
  if (open.length > 0) {
    exposures.push({
      message: "other machines can ask this daemon, without a login: each visitor's place, and the rollouts",
      fields: {
        listen: open.map(addressText).join(", "),
        remedy: "listen on 127.0.0.1 or a unix socket, or let a firewall admit the proxies alone",
      },
    });
  }
  if (admin !== undefined && isOpen(admin)) {
    exposures.push({
      message:
        "other machines can read the admin listener's pages without a login: metrics, rollouts, the store's address",
      fields: {
        admin: addressText(admin),
        remedy:
          "listen on 127.0.0.1 with nginx before it, which has allow and deny (docs/metrics.md), or let a firewall do it",
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
      message: `while the daemon is away, ${who} can put a socket of their own in its place`,
      fields: {
        directory,
        remedy:
          "use a -socket in a directory that only the daemon's user may write to, such as /run/maxwells-daemon",
      },
    });
  }
  return exposures;
}

/** Whether other machines may reach it. */
function isOpen(address: Address): boolean {
  if (address.kind !== "tcp") return false;
  const { host } = address;
  if (host === "localhost") return false;
  if (isIP(host) === 4) return !host.startsWith("127.");
  return host !== "::1";
}

/** The users who may put files into a directory, beside root and the daemon's own user; undefined if no other user may, or if it is not known. */
function whoElseWrites(directory: string): string | undefined {
  try {
    const { mode, uid } = statSync(directory);
    if ((mode & WRITABLE_BY_OTHERS) !== 0) return "any user of this machine";
    return uid === ROOT || uid === process.geteuid?.() ? undefined : `the directory's owner, user ${uid},`;
  } catch {
    return undefined;
  }
}
