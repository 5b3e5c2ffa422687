/**
 * `check -deep`: opens everything that the daemon would open, and closes it again, so that a restart finds no surprise: the
 * store, the files, the listeners, and the proxies that the daemon writes to. It reads and binds, and writes nothing; it takes
 * no socket away from a daemon that runs.
 *
 * A problem is what would keep the daemon from starting or from knowing its rollouts. A warning is what it would cope with.
 */

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, resolve } from "node:path";
import { admin } from "../admin/admin.ts";
import { fetchState } from "../admin/fetch-state.ts";
import type { State } from "../admin/state.ts";
import { ask, ClientError } from "../client/line.ts";
import type { LoadedSettings } from "../config/load.ts";
import type { Option } from "../config/option.ts";
import { application, logfile, stateDir } from "../config/options.ts";
import { type Address, addressText, hostPortText } from "../config/values.ts";
import { apacheMap } from "../servers/apache-map.ts";
import { RuntimeApi } from "../servers/haproxy/runtime-api.ts";
import { haproxyMap, haproxyMapKind } from "../servers/haproxy-map.ts";
import { SERVERS } from "../servers/list.ts";
import type { Io } from "./command.ts";
import { withStore } from "./rollouts.ts";

/** A daemon or a proxy of this machine answers at once. */
const ANSWER_TIMEOUT_MS = 1_000;

/** So many applications are read; the others are in the same store. */
const APPLICATIONS_READ_MAX = 100;

export type Level = "ok" | "warning" | "problem";

/** One thing that was opened. */
export interface Finding {
  readonly level: Level;
  /** The setting that it belongs to, as `-store`. */
  readonly setting: string;
  /** What is so, and if it is not well, what follows and what to do. */
  readonly text: string;
}

/** Opens and closes everything; never rejects for what an operator can mend. */
export async function checkDeep(settings: LoadedSettings, io: Io): Promise<readonly Finding[]> {
  const running = await runningDaemon(settings);
  const findings = await Promise.all([
    checkStore(settings, io),
    ...SERVERS.filter((kind) => kind !== haproxyMapKind).flatMap((kind) =>
      kind.addresses(settings).map((address) => checkListener(kind.name, address, running)),
    ),
    checkAdmin(settings, running),
    ...settings.get(haproxyMap).map(({ socket, map }) => checkHaproxy(socket, map)),
  ]);
  return [...findings.flat(), ...checkFiles(settings)];
}

/** The daemon that answers at this configuration's admin address, if there is one. */
async function runningDaemon(settings: LoadedSettings): Promise<State | undefined> {
  const address = settings.get(admin);
  if (address === null) return undefined;
  return fetchState(address, ANSWER_TIMEOUT_MS).catch(() => undefined);
}

async function checkStore(settings: LoadedSettings, io: Io): Promise<Finding[]> {
  const setting = "-store";
  const names = settings.get(application);
  try {
    return await withStore(settings, io, async (store, signal) => {
      const findings: Finding[] = [];
      for (const name of names.slice(0, APPLICATIONS_READ_MAX)) {
        const { size } = await store.read(name, signal);
        findings.push(
          size > 0
            ? { level: "ok", setting, text: `${name} can be read from ${store.address}` }
            : {
                level: "warning",
                setting,
                text: `${store.address} has no record of ${name}: everyone goes to master; is the name right?`,
              },
        );
      }
      return findings;
    });
  } catch (error) {
    return [{ level: "problem", setting, text: (error as Error).message }];
  }
}

async function checkListener(kind: string, address: Address, running: State | undefined): Promise<Finding[]> {
  const setting = `${kind} ${addressText(address)}`;
  if (address.kind === "fd") {
    return [{ level: "ok", setting, text: "is passed by the process that starts the daemon; not tried" }];
  }
  if (address.kind === "tcp") {
    const place = hostPortText(address);
    const isOurs =
      running?.servers.some(({ name }) => name.startsWith(kind) && name.includes(place)) ?? false;
    return [await checkPort(setting, address.host, address.port, isOurs)];
  }
  return [await checkSocketFile(setting, address.path, kind)];
}

async function checkAdmin(settings: LoadedSettings, running: State | undefined): Promise<Finding[]> {
  const address = settings.get(admin);
  if (address === null) return [];
  const finding = await checkPort("-admin", address.host, address.port, running !== undefined);
  // What is only a default may be missing: the daemon starts without it.
  return [softened(finding, settings.isNamed(admin))];
}

/** Binds and lets go. */
async function checkPort(setting: string, host: string, port: number, isOurs: boolean): Promise<Finding> {
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

async function checkSocketFile(setting: string, path: string, kind: string): Promise<Finding> {
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
      text: "is there and no socket; move it away, or choose another path",
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

async function checkHaproxy(socket: Address, map: string): Promise<Finding[]> {
  const setting = "-haproxy-map";
  const place = addressText(socket);
  try {
    const api = await RuntimeApi.open(socket, ANSWER_TIMEOUT_MS);
    try {
      const reply = await api.ask(`show map ${map}`);
      if (!/^Unknown map/i.test(reply)) {
        return [{ level: "ok", setting, text: `HAProxy answers at ${place}, and has the map ${map}` }];
      }
      const remedy = "name the file as HAProxy's configuration does: -haproxy-map SOCKET,MAP";
      return [{ level: "warning", setting, text: `HAProxy at ${place} has no map ${map}; ${remedy}` }];
    } finally {
      api.close();
    }
  } catch (error) {
    const follows = "until it does, HAProxy sends everyone to master; the daemon tries again";
    return [
      {
        level: "warning",
        setting,
        text: `HAProxy does not answer at ${place}: ${(error as Error).message}; ${follows}`,
      },
    ];
  }
}

function checkFiles(settings: LoadedSettings): Finding[] {
  const findings: Finding[] = [];
  const log = settings.get(logfile);
  if (log !== null) {
    const refused = existsSync(log) ? whyNotWritable(log) : whyNoFilesIn(dirname(resolve(log)));
    findings.push(
      fileFinding(
        settings,
        logfile,
        refused,
        `${log} can be written`,
        "make it writable for this user, or -logfile none",
      ),
    );
  }
  const state = settings.get(stateDir);
  if (state !== null) {
    const refused = whyNoFilesIn(nearestThere(resolve(state)));
    findings.push(
      fileFinding(
        settings,
        stateDir,
        refused,
        `${state} can be written`,
        "make it writable for this user, or -state-dir none",
      ),
    );
  }
  for (const path of settings.get(apacheMap)) {
    const refused = whyNoFilesIn(dirname(path));
    findings.push(
      fileFinding(
        settings,
        apacheMap,
        refused,
        `${path} can be written`,
        "make its directory, writable for this user",
      ),
    );
  }
  return findings;
}

function fileFinding(
  settings: LoadedSettings,
  option: Option<unknown>,
  refused: string | undefined,
  well: string,
  remedy: string,
): Finding {
  const setting = `-${option.name}`;
  if (refused === undefined) return { level: "ok", setting, text: well };
  return softened({ level: "problem", setting, text: `${refused}; ${remedy}` }, settings.isNamed(option));
}

/** The daemon starts without what is only a default, and warns. */
function softened(finding: Finding, isNamed: boolean): Finding {
  return finding.level === "problem" && !isNamed ? { ...finding, level: "warning" } : finding;
}

/** Undefined if this user may write the file. */
function whyNotWritable(path: string): string | undefined {
  return refusal(path, constants.W_OK, () => undefined);
}

/** Undefined if this user may make files in the directory. */
function whyNoFilesIn(directory: string): string | undefined {
  return refusal(directory, constants.W_OK | constants.X_OK, () =>
    statSync(directory).isDirectory() ? undefined : `${directory} is no directory`,
  );
}

function refusal(path: string, mode: number, more: () => string | undefined): string | undefined {
  try {
    accessSync(path, mode);
    return more();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? `${path} is not there` : `${path} cannot be written (${code ?? "?"})`;
  }
}

/** The path itself, or the first directory above it that is there: the daemon makes the rest. */
function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}
