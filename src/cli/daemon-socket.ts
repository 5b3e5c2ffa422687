/** Finds the socket of the daemon of this machine, for the commands that ask it. */

import { type Address, addressText, type HostPort } from "../address.ts";
import { fetchListeners } from "../admin/client/fetch-listeners.ts";
import type { Settings } from "../config/option.ts";
import { line, socket } from "../servers/line.ts";

/**
 * The socket that is named. If none is named: the one that the daemon's admin listener names, because under
 * systemd it is the one of the socket unit. If no daemon answers: the default. Null for `-socket none`.
 */
export async function daemonSocket(
  settings: Settings,
  adminAddress: HostPort | null,
): Promise<Address | null> {
  const address = settings.get(socket);
  if (settings.isNamed(socket) || adminAddress === null) return address;
  const said = await fetchListeners(adminAddress);
  const paths = (said?.servers ?? []).flatMap(({ protocol, address: bound }) =>
    protocol === line.name && bound.kind === "unix" ? [bound.path] : [],
  );
  const [path] = paths;
  const isDefault = address !== null && paths.some((each) => addressText(address) === `unix:${each}`);
  return isDefault || path === undefined ? address : { kind: "unix", path };
}
