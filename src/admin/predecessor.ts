/**
 * The daemon that another one replaces, as its admin listener tells of it.
 *
 * Unix sockets are taken over by a rename. A TCP address can be had beside its owner (SO_REUSEPORT), and then each gets a part
 * of the questions: good if the owner is the daemon that is replaced, and a silent disaster if it is another program. So the
 * address is shared only with a daemon that says that it listens there, that proxies ask at one of the same addresses, and that
 * serves nothing which this one does not.
 */

import { type HostPort, hostPortText } from "../config/values.ts";
import type { ServerIdentity } from "../metrics.ts";
import { get } from "./get.ts";

const TIMEOUT_MS = 1_000;

/** Ten thousand names of applications are less, in characters. */
const LENGTH_MAX = 4 * 1024 * 1024;

/** A daemon's page `/listeners`. */
export interface ListenersPage {
  readonly pid: number;
  readonly applications: readonly string[];
  /** Names of servers, such as `http tcp:127.0.0.1:6294`. */
  readonly listeners: readonly string[];
  /** The same servers by their fields. */
  readonly servers: readonly Pick<ServerIdentity, "protocol" | "address">[];
}

/**
 * The daemon whose admin listener is at `admin`, if it is one that a daemon with these applications may replace.
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

/** Port 0 is another one each time, and a descriptor has a number of its process. */
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
    // Nothing listens there, or it is no daemon of this kind.
    return undefined;
  }
}

function isListeners(value: unknown): value is Omit<ListenersPage, "servers"> & Partial<ListenersPage> {
  const said = value as Partial<ListenersPage> | null;
  const areTexts = (list: unknown) => Array.isArray(list) && list.every((each) => typeof each === "string");
  return typeof said?.pid === "number" && areTexts(said.applications) && areTexts(said.listeners);
}
