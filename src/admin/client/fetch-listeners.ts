/** Reads the page `/listeners` of a daemon's admin listener. */

import { type HostPort, hostPortText } from "../../address.ts";
import type { ListenersPage } from "../listeners.ts";
import { get } from "./get.ts";
import { isServerAddress } from "./server-address.ts";

const TIMEOUT_MS = 1_000;

/** Characters: more than ten thousand names of applications need. */
const LENGTH_MAX = 4 * 1024 * 1024;

/** The page `/listeners` of the daemon whose admin listener is at `admin`; undefined if there is none. */
export async function fetchListeners(admin: HostPort): Promise<ListenersPage | undefined> {
  try {
    const url = `http://${hostPortText(admin)}/listeners`;
    const { body } = await get(url, { timeoutMs: TIMEOUT_MS, lengthMax: LENGTH_MAX });
    return listenersOf(JSON.parse(body));
  } catch {
    // Nothing listens there, or the program there does not send JSON.
    return undefined;
  }
}

/**
 * The page that a daemon of any version sends; undefined if the program is not this daemon. Servers that are
 * described in an unknown way are left out.
 */
export function listenersOf(value: unknown): ListenersPage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, applications, listeners, servers } = value as Readonly<Record<string, unknown>>;
  if (typeof pid !== "number" || !areTexts(applications) || !areTexts(listeners)) return undefined;
  const described = Array.isArray(servers) ? servers.filter(isServer) : listeners.flatMap(lineSocketOf);
  return { pid, applications, listeners, servers: described };
}

type Server = ListenersPage["servers"][number];

/**
 * Version 3.0 has no `servers`. The commands need only the sockets that proxies ask, and their names suffice.
 */
function lineSocketOf(name: string): Server[] {
  const path = /^line unix:(.+)$/.exec(name)?.[1];
  return path === undefined ? [] : [{ protocol: "line", address: { kind: "unix", path } }];
}

function isServer(value: unknown): value is Server {
  if (typeof value !== "object" || value === null) return false;
  const { protocol, address } = value as Readonly<Record<string, unknown>>;
  return typeof protocol === "string" && isServerAddress(address);
}

function areTexts(list: unknown): list is string[] {
  return Array.isArray(list) && list.every((each) => typeof each === "string");
}
