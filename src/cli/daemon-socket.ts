/** Finds the socket of the daemon of this machine, for the commands that ask it. */

import { existsSync } from "node:fs";
import { admin } from "../admin/admin.ts";
import { fetchState } from "../admin/fetch-state.ts";
import type { Settings } from "../config/option.ts";
import type { Address } from "../config/values.ts";
import { socket } from "../servers/line.ts";

/** A daemon that is there answers at once. */
const STATE_TIMEOUT_MS = 2_000;

/**
 * The socket that is named, or the default one. If no socket is named and there is none at the default path, the daemon's
 * own word counts: under systemd it listens at the path of the socket unit. Null: `-socket none`.
 */
export async function daemonSocket(settings: Settings): Promise<Address | null> {
  const address = settings.get(socket);
  const isThere = address?.kind === "unix" && existsSync(address.path);
  const adminAddress = settings.get(admin);
  if (settings.isNamed(socket) || isThere || adminAddress === null) return address;
  const state = await fetchState(adminAddress, STATE_TIMEOUT_MS).catch(() => undefined);
  for (const { name } of state?.servers ?? []) {
    const [, path] = /^line unix:(.+)$/.exec(name) ?? [];
    if (path !== undefined) return { kind: "unix", path };
  }
  return address;
}
