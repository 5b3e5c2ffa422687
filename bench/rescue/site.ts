/**
 * A machine of a fleet: a daemon that leads releases, with a real nginx and a real HAProxy before it. Both
 * proxies decide by themselves, under a lease, and report all outcomes, as they are shipped. Each has
 * applications of its own, so that several releases are measured at once.
 */

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { DaemonHome } from "../../test/support/daemon-process.ts";
import { addApplication, fillHaproxy, haproxyFlags, startHaproxy } from "../../test/support/haproxy.ts";
import {
  fillHttp,
  fillSite,
  installPage,
  type Places,
  startNginx,
  withSetup,
} from "../../test/support/nginx.ts";
import { freePort } from "../../test/support/port.ts";
import type { RunningEngine } from "../stores/engines.ts";
import { directoryOf, type Stops } from "../ways.ts";

export const PROXIES = ["nginx", "HAProxy"] as const;
export type ProxyName = (typeof PROXIES)[number];

export interface SiteOptions {
  readonly store: Pick<RunningEngine, "address" | "env">;
  /** The daemon's name in its fleet. */
  readonly name: string;
  readonly applications: Readonly<Record<ProxyName, readonly string[]>>;
  /** The daemon's `-delay`. */
  readonly delayMs: number;
  /** The directory of the versions' sockets. */
  readonly versions: string;
}

/** Starts it. Resolves with the address of each application. */
export async function startSite(options: SiteOptions, stops: Stops): Promise<ReadonlyMap<string, string>> {
  const { store, name, applications, delayMs } = options;
  const [directory, outcomesPort] = [directoryOf(stops), await freePort()];
  const [application = "", ...more] = PROXIES.flatMap((proxy) => applications[proxy]);
  const home = new DaemonHome({
    ...{ application, store: store.address, env: store.env ?? {} },
    flags: [
      ...more.flatMap((other) => ["-application", other]),
      ...["-name", name, "-releases", "on", "-delay", `${delayMs}ms`],
      ...["-outcomes", `127.0.0.1:${outcomesPort}`, ...haproxyFlags(directory)],
    ],
  });
  stops.push(async () => home.remove());
  const daemon = await home.start();
  stops.push(() => daemon.end("SIGKILL"));
  const ports = new Map<string, number>();
  for (const other of [application, ...more]) ports.set(other, await freePort());
  await startNginxOf(options, directory, home, ports, stops);
  await startHaproxyOf(options, directory, outcomesPort, ports, stops);
  return new Map(Array.from(ports, ([other, port]) => [other, `http://127.0.0.1:${port}/`]));
}

type Ports = ReadonlyMap<string, number>;

async function startNginxOf(
  { applications, versions }: SiteOptions,
  directory: string,
  home: DaemonHome,
  ports: Ports,
  stops: Stops,
): Promise<void> {
  installPage(directory);
  const placesOf = (application: string): Places => ({
    ...{ application, daemon: home.socket, page: join(directory, "share") },
    ...{ master: join(versions, "master.sock"), canary: join(versions, "canary.sock") },
    maintenanceFile: join(home.stateDirectory, "maintenance", application),
  });
  const [shared = "", ...others] = applications.nginx.map((each) => fillHttp("lease", placesOf(each)));
  const sites = applications.nginx.map((each) => fillSite("lease", portOf(each, ports), placesOf(each)));
  const http = [others.reduce(withSetup, shared), ...sites].join("\n");
  const nginx = await startNginx(directory, portOf(applications.nginx[0], ports), http);
  stops.push(() => nginx.stop());
}

/** The shipped file's own application has no visitors here. The others are added as its page says. */
async function startHaproxyOf(
  { applications, versions }: SiteOptions,
  directory: string,
  outcomesPort: number,
  ports: Ports,
  stops: Stops,
): Promise<void> {
  const port = await freePort();
  const configuration = fillHaproxy("map", { directory, port, outcomesPort, allowForce: false });
  for (const each of applications.HAProxy) {
    symlinkSync(versions, join(directory, each));
    const places = { directory, port: portOf(each, ports), outcomesPort, allowForce: false };
    addApplication("map", each, places);
  }
  const haproxy = await startHaproxy(configuration, port);
  stops.push(() => haproxy.stop());
}

function portOf(application: string | undefined, ports: Ports): number {
  const port = ports.get(application ?? "");
  if (port === undefined) throw new Error(`${application} has no port`);
  return port;
}
