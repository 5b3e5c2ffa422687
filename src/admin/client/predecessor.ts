/**
 * Finds the daemon that this one replaces, by the page of its admin listener.
 *
 * A new daemon takes over a unix socket by a rename. It can also share a TCP address with its owner
 * (SO_REUSEPORT). Then each of them gets a part of the questions. This is right if the owner is the daemon
 * that is replaced, and a silent disaster if the owner is another program.
 *
 * So the new daemon shares a TCP address only if another daemon says that it listens there. That daemon must
 * also share an address that proxies ask, and must serve no application that the new daemon does not serve.
 */

import type { HostPort } from "../../address.ts";
import type { ListenersPage } from "../listeners.ts";
import { fetchListeners } from "./fetch-listeners.ts";

/**
 * The page of the daemon at `admin`, if a daemon with these applications may replace it; otherwise undefined.
 *
 * @param servers names of the servers that proxies ask
 */
export async function findPredecessor(
  admin: HostPort,
  applications: readonly string[],
  servers: readonly string[],
): Promise<ListenersPage | undefined> {
  const said = await fetchListeners(admin);
  if (!said?.applications.every((name) => applications.includes(name))) return undefined;
  return servers.some((name) => isOfOnePlace(name) && said.listeners.includes(name)) ? said : undefined;
}

/** Whether the name means the same address in every process. Port 0 and a descriptor's number do not. */
function isOfOnePlace(name: string): boolean {
  return !/:0$| fd:\d+$/.test(name);
}
