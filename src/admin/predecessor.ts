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

import { type HostPort, hostPortText } from "../address.ts";
import type { ServerIdentity } from "../metrics.ts";
import { get } from "./get.ts";

const TIMEOUT_MS = 1_000;

/** Characters: more than ten thousand names of applications need. */
const LENGTH_MAX = 4 * 1024 * 1024;

/** The page `/listeners` of a daemon. */
export interface ListenersPage {
  readonly pid: number;
  readonly applications: readonly string[];
  /** Names of servers, such as `http tcp:127.0.0.1:6294`. */
  readonly listeners: readonly string[];
  /** The same servers by their fields. */
  readonly servers: readonly Pick<ServerIdentity, "protocol" | "address">[];
}

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
  const said = await readListeners(admin);
  if (!said?.applications.every((name) => applications.includes(name))) return undefined;
  return servers.some((name) => isOfOnePlace(name) && said.listeners.includes(name)) ? said : undefined;
}

/** Whether the name means the same address in every process. Port 0 and a descriptor's number do not. */
function isOfOnePlace(name: string): boolean {
  return !/:0$| fd:\d+$/.test(name);
}

/** The page `/listeners` of the daemon whose admin listener is at `admin`; undefined if there is none. */
export async function readListeners(admin: HostPort): Promise<ListenersPage | undefined> {
  try {
    const url = `http://${hostPortText(admin)}/listeners`;
    const { body } = await get(url, { timeoutMs: TIMEOUT_MS, lengthMax: LENGTH_MAX });
    const said: unknown = JSON.parse(body);
    return isListeners(said) ? { ...said, servers: said.servers ?? [] } : undefined;
  } catch {
    // Nothing listens there, or the program there is not this daemon.
    return undefined;
  }
}

function isListeners(value: unknown): value is Omit<ListenersPage, "servers"> & Partial<ListenersPage> {
  const said = value as Partial<ListenersPage> | null;
  const areTexts = (list: unknown) => Array.isArray(list) && list.every((each) => typeof each === "string");
  return typeof said?.pid === "number" && areTexts(said.applications) && areTexts(said.listeners);
}
