/** Reads the page `/listeners` of a daemon's admin listener. */

import { type HostPort, hostPortText } from "../../address.ts";
import type { ListenersPage } from "../listeners.ts";
import { get } from "./get.ts";

const TIMEOUT_MS = 1_000;

/** Characters: more than ten thousand names of applications need. */
const LENGTH_MAX = 4 * 1024 * 1024;

/** The page `/listeners` of the daemon whose admin listener is at `admin`; undefined if there is none. */
export async function fetchListeners(admin: HostPort): Promise<ListenersPage | undefined> {
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
