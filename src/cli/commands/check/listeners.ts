/** Tries whether the daemon could listen at an address. */

import { existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { type Address, addressText } from "../../../address.ts";
import type { State } from "../../../admin/state.ts";
import { ask, ClientError } from "../../../client/line.ts";
import { whyNoFilesIn } from "../../../files/writable.ts";
import { serverName } from "../../../metrics.ts";
import type { OpenedSetting } from "./opened-setting.ts";

/** A daemon of this machine answers at once. */
export const ANSWER_TIMEOUT_MS = 1_000;

export async function checkListener(
  kind: string,
  address: Address,
  running: State | undefined,
): Promise<OpenedSetting[]> {
  const setting = `${kind} ${addressText(address)}`;
  if (address.kind === "fd") {
    return [{ level: "ok", setting, text: "is passed by the process that starts the daemon; not tried" }];
  }
  if (address.kind === "tcp") {
    // Daemons of every version have this name; those of version 3.0 do not say the address otherwise.
    const name = serverName({ protocol: kind, address });
    const isOurs = running?.servers.some((server) => server.name === name) ?? false;
    return [await checkPort(setting, address.host, address.port, isOurs)];
  }
  return [await checkSocketFile(setting, address.path, kind)];
}

/** Binds and lets go. */
export async function checkPort(
  setting: string,
  host: string,
  port: number,
  isOurs: boolean,
): Promise<OpenedSetting> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
    const server = createServer();
    server.once("error", done);
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(undefined)));
  });
  if (error === undefined) return { level: "ok", setting, text: "is free" };
  if (error.code === "EADDRINUSE" && isOurs) {
    return { level: "ok", setting, text: "is held by a daemon of this program" };
  }
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there; end it, or choose another port",
    EACCES: "this user may not listen there; choose a port from 1024 on",
    EADDRNOTAVAIL: "this machine has no such address; choose one that it has",
    ENOTFOUND: "this name has no address; write the address itself",
  };
  const remedy = remedies[error.code ?? ""] ?? error.message;
  return { level: "problem", setting, text: `cannot be listened on (${error.code ?? "?"}): ${remedy}` };
}

async function checkSocketFile(setting: string, path: string, kind: string): Promise<OpenedSetting> {
  const refused = whyNoFilesIn(dirname(path));
  if (refused !== undefined) {
    return {
      level: "problem",
      setting,
      text: `its directory ${refused}; the daemon cannot make its socket there`,
    };
  }
  if (!existsSync(path)) return { level: "ok", setting, text: "is free" };
  if (!statSync(path).isSocket()) {
    return {
      level: "problem",
      setting,
      text: "exists and is not a socket; move it away, or choose another path",
    };
  }
  if (kind !== "line") return { level: "ok", setting, text: "is a socket, which the daemon takes over" };
  try {
    await ask({ address: { kind: "unix", path }, timeoutMs: ANSWER_TIMEOUT_MS });
    return { level: "ok", setting, text: "is held by a daemon of this program; a new one takes its place" };
  } catch (error) {
    const cause = (error as ClientError).cause as NodeJS.ErrnoException | undefined;
    if (cause?.code === "ECONNREFUSED") {
      return { level: "ok", setting, text: "is left over from a daemon that ended; a new one replaces it" };
    }
    if (!(error instanceof ClientError)) throw error;
    const text = `another program listens there (${error.message}); the daemon would take its place`;
    return { level: "problem", setting, text };
  }
}
