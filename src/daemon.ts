/**
 * The composition root: settings → store, rollout, feed, handler, servers, leases, monitors, admin. The one file that knows
 * every part, and the one to edit to swap a part.
 *
 * Composing opens nothing but the store; `start` opens what listens; `close` releases in reverse order, and the first
 * error wins.
 */

import { createHash } from "node:crypto";
import { ADMIN_CONNECTIONS_MAX, Admin, adminHost, admin as adminOption } from "./admin/admin.ts";
import { findPredecessor, readListeners } from "./admin/predecessor.ts";
import { readState, type State, writeState } from "./admin/state.ts";
import { isMaintenanceOn } from "./circle.ts";
import { ClientTrouble } from "./client-trouble.ts";
import { configFile } from "./config/config-file.ts";
import type { Settings } from "./config/option.ts";
import {
  allowForce,
  application,
  delay,
  region,
  stateDir,
  store,
  table,
  unhealthyMs,
} from "./config/options.ts";
import { redactAddress } from "./config/redact.ts";
import { type Address, hostPortText } from "./config/values.ts";
import type { Reading, ReadingFollower } from "./feed/reading.ts";
import { Feed } from "./feed.ts";
import { Handler } from "./handler.ts";
import { isServer, type MaintenanceView, type Publisher } from "./leases/lease.ts";
import { LEASES } from "./leases/list.ts";
import type { Log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { MONITORS } from "./monitors/list.ts";
import type { Monitor } from "./monitors/monitor.ts";
import { whyNotReady } from "./readiness.ts";
import { releaseAll } from "./release.ts";
import { Rollout } from "./rollout.ts";
import { Connections } from "./servers/connections.ts";
import { exposuresOf } from "./servers/exposure.ts";
import { SERVERS } from "./servers/list.ts";
import type { Server } from "./servers/server.ts";
import { cannotListen, insistOrWarn } from "./start-error.ts";
import { LastGoodSnapshots } from "./state/last-good.ts";
import { MaintenanceMode } from "./state/maintenance.ts";
import { openStore } from "./stores/list.ts";

/**
 * Visitors are answered once the store was read, or after this time without it: until then a daemon that listened before goes
 * on, and without one the proxy's own patience is as good an answer as a daemon that knows nothing.
 */
const FIRST_READ_MS = 1_000;

/** Without a state directory: the daemon warns of maintenance, and nothing changes for visitors. */
const NO_MAINTENANCE: MaintenanceView = { isOn: () => false };

export interface Daemon {
  /** Servers, and leases. */
  readonly servers: readonly (Server | Publisher)[];
  /** Where the admin listener is, once it listens; undefined where there is none. */
  readonly adminUrl: string | undefined;
  readonly state: () => State;
  /** The store's address, without secrets. To make the whole state of ten thousand applications takes 70 ms. */
  readonly store: string;
  /** Opens all listeners and begins to read the store; resolves when visitors are answered. */
  start(): Promise<void>;
  /** Answers what has been asked, and gives everything back. */
  close(): Promise<void>;
}

/** Puts a daemon together; rejects where the store cannot be opened, or what was asked for by name cannot be had. */
export async function createDaemon(settings: Settings, log: Log): Promise<Daemon> {
  const clock = () => performance.now();
  const started = { startedAt: new Date(), startedAtMs: clock() };
  const processStartedAt = new Date(Date.now() - process.uptime() * 1_000);
  const directory = openStateDirectory(settings, log);
  const opened = await openStore(settings.get(store), {
    table: settings.get(table),
    region: settings.get(region),
    environment: process.env,
    warn: (message) => log.warn(message, { store: redactAddress(settings.get(store)) }),
  });

  warnOfVisibleSecret(settings, log);
  warnOfUncheckedTls(process.env, log);

  const rollout = new Rollout(settings.get(application), unhealthyMs(settings), settings.get(delay));
  const metrics = new Metrics(rollout.placements);
  const feed = new Feed({
    store: opened,
    rollout,
    delayMs: settings.get(delay),
    metrics,
    log,
    clock,
    followers: followersOf(directory, log),
    lastGood: async (name) => directory?.lastGood.load(name),
  });
  const handler = new Handler({ rollout, allowForce: settings.get(allowForce) });
  const adminAddress = settings.get(adminOption);
  const connections = new Connections({ reserved: adminAddress === null ? 0 : ADMIN_CONNECTIONS_MAX });
  const context = { handler, rollout, metrics, log, clock, connections };
  const maintenance = directory?.maintenance ?? NO_MAINTENANCE;
  const servers: readonly (Server | Publisher)[] = [
    ...SERVERS.flatMap((kind) => kind.create(settings, context)),
    ...LEASES.flatMap((kind) => kind.create(settings, { ...context, maintenance })),
  ];
  const listeners = servers.filter(isServer);
  const notReady = () => whyNotReady({ rollout, isRead: () => feed.isReady, servers: listeners, clock });
  const monitors = MONITORS.map((kind) =>
    kind.create(settings, { metrics, rollout, feed, notReady, log, clock, processStartedAt }),
  ).filter((monitor): monitor is Monitor => monitor !== undefined);
  const trouble = new ClientTrouble(metrics, log, rollout.first.application);
  const config = settings.get(configFile);
  const sources = { rollout, feed, metrics, store: opened, config, notReady, clock, ...started };
  const admin: Admin | null =
    adminAddress &&
    new Admin(context, {
      address: adminAddress,
      hosts: settings.get(adminHost),
      notReady,
      metrics: monitors.find((monitor) => monitor.page !== undefined)?.page,
      state: () => writeState(sources),
      listeners: () =>
        JSON.stringify({
          pid: process.pid,
          applications: rollout.applications,
          listeners: names(),
          servers: metrics.servers.map(({ protocol, address }) => ({ protocol, address })),
        }),
    });
  const names = () => [...servers, ...(admin === null ? [] : [admin])].map(({ name }) => name);

  const releases: (() => Promise<void>)[] = [];
  const closing = Promise.withResolvers<void>();
  let isClosing = false;
  let starting: Promise<void> = Promise.resolve();
  let adminUrl: string | undefined;

  const predecessor = once(async () => {
    const asked = servers.map(({ name }) => name);
    return adminAddress && findPredecessor(adminAddress, rollout.applications, asked);
  });
  const predecessorHas = async (name: string) => (await predecessor())?.listeners.includes(name) ?? false;

  /** Nothing is taken from anybody before everything can be had. */
  async function prepareServers(): Promise<void> {
    for (const server of listeners) {
      await server.prepare(predecessorHas).catch((error: Error) => {
        throw cannotListen(server, error);
      });
    }
  }

  async function prepareAdmin(): Promise<boolean> {
    if (admin === null) return false;
    try {
      await admin.prepare(predecessorHas);
      return true;
    } catch (error) {
      complainOfAdmin(error);
      return false;
    }
  }

  async function startAdmin(): Promise<void> {
    if (admin === null) return;
    try {
      await admin.start();
      releases.push(() => admin.close());
      adminUrl = admin.url;
    } catch (error) {
      complainOfAdmin(error);
    }
  }

  function complainOfAdmin(error: unknown): void {
    const problem = {
      message: `the admin listener cannot have ${adminAddress && hostPortText(adminAddress)}`,
      consequence: "there are no /metrics, no /state and no readiness",
      remedy: "choose another -admin HOST:PORT, or -admin none",
    };
    insistOrWarn(settings.isNamed(adminOption), problem, error, log);
  }

  /** All of them close at once, so that the last one does not accept while the first one drains. */
  async function startServers(): Promise<void> {
    const running: (Server | Publisher)[] = [];
    releases.push(async () => {
      const isReplaced = await hasSuccessor(running.filter(isServer));
      await Promise.all(running.map((server) => server.close(isReplaced)));
    });
    for (const server of servers) {
      await server.start().catch((error: Error) => {
        throw cannotListen(server, error);
      });
      running.push(server);
    }
  }

  async function startAll(): Promise<void> {
    releases.push(() => opened.close());
    if (directory !== undefined)
      releases.push(
        () => directory.lastGood.close(),
        () => directory.maintenance.close(),
      );
    try {
      await prepareServers();
      const hasAdmin = await prepareAdmin();
      const takesAdmin = hasAdmin && admin?.joins;
      feed.start();
      releases.push(() => feed.close());
      if (hasAdmin && !takesAdmin) await startAdmin();
      for (const monitor of monitors) {
        monitor.start();
        releases.push(() => monitor.close());
      }
      trouble.start();
      releases.push(async () => trouble.close());
      await Promise.race([feed.begun(), Bun.sleep(FIRST_READ_MS), closing.promise]);
      // Who is told to end before it listens takes no socket over: its end would leave nobody there.
      if (isClosing) return;
      await startServers();
      // Until now the daemon before this one has told who is ready.
      if (takesAdmin) await startAdmin();
      warnOfExposure();
    } catch (error) {
      await releaseAll(releases, log).catch(() => {});
      throw error;
    }
  }

  /** Unix sockets tell for all; without one, the daemon that answers at this one's admin address does. */
  async function hasSuccessor(listening: readonly Server[]): Promise<boolean> {
    if (listening.some(({ isReplaced }) => isReplaced)) return true;
    const isUnix = addressesOf(settings).some(({ kind }) => kind === "unix");
    if (isUnix || adminUrl === undefined || adminAddress === null || adminAddress.port === 0) return false;
    const said = await readListeners(adminAddress);
    return said !== undefined && said.pid !== process.pid;
  }

  function warnOfExposure(): void {
    const addresses = addressesOf(settings);
    const own =
      adminUrl === undefined || adminAddress === null ? undefined : { kind: "tcp" as const, ...adminAddress };
    for (const { message, fields } of exposuresOf(addresses, own)) log.warn(message, fields);
  }

  function start(): Promise<void> {
    starting = startAll();
    return starting;
  }

  async function close(): Promise<void> {
    isClosing = true;
    closing.resolve();
    // The caller of `start` hears of its failure; what was opened until then has been given back.
    await starting.catch(() => {});
    await releaseAll(releases, log);
  }

  return {
    servers,
    get adminUrl() {
      return adminUrl;
    },
    state: () => readState(sources),
    store: opened.address,
    start,
    close,
  };
}

/** Where this daemon listens for proxies. */
function addressesOf(settings: Settings): readonly Address[] {
  return [...SERVERS, ...LEASES].flatMap((kind) => kind.addresses(settings));
}

/** The same promise for each call. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Flags are in the process's title, which every user of the machine can read. */
function warnOfVisibleSecret(settings: Settings, log: Log): void {
  const address = settings.get(store);
  const shown = redactAddress(address);
  if (settings.origin(store).source !== "flag" || shown === address) return;
  log.warn("the flag -store may hold a secret, which every user of this machine can read, as with ps", {
    store: shown,
    remedy: "give the address by MAXWELLS_DAEMON_STORE or in the file of -config",
  });
}

/** For a trial, and easily forgotten: from then on anybody on the way to the store can write the rollouts. */
function warnOfUncheckedTls(environment: Readonly<Record<string, string | undefined>>, log: Log): void {
  if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  log.warn("certificates are not checked, because NODE_TLS_REJECT_UNAUTHORIZED is 0 in the environment", {
    danger: "anybody between this daemon and its store can write the rollouts",
    remedy: "unset it; to trust a certificate of your own, set NODE_EXTRA_CA_CERTS to its file",
  });
}

/** They hear of each reading, in this order. */
function followersOf(directory: StateDirectory | undefined, log: Log): ReadingFollower[] {
  if (directory === undefined) return [(reading) => warnOfMaintenance(reading, log)];
  return [(reading) => directory.maintenance.follow(reading), (reading) => directory.lastGood.save(reading)];
}

function warnOfMaintenance({ application, arcs }: Reading, log: Log): void {
  if (!isMaintenanceOn(arcs)) return;
  log.warn("maintenance is on, and there is no state directory to tell the proxy: nothing changes", {
    application,
    remedy: "start the daemon with a -state-dir that it may write to",
  });
}

/**
 * The address of a store for the file of a snapshot. The values of its query are not in it, so a few bits of a hash tell
 * `?branch=main` from `?branch=test`: enough for that, and too few to find a secret by.
 */
function sourceOf(address: string): string {
  const query = address.indexOf("?");
  const shown = redactAddress(address);
  if (query < 0) return shown;
  return `${shown} ${createHash("sha256").update(address.slice(query)).digest("hex").slice(0, 4)}`;
}

/** What the state directory holds. */
interface StateDirectory {
  readonly maintenance: MaintenanceMode;
  readonly lastGood: LastGoodSnapshots;
}

/** Undefined if there is none, or if it cannot be used and no flag names it. */
function openStateDirectory(settings: Settings, log: Log): StateDirectory | undefined {
  const path = settings.get(stateDir);
  if (path === null) return undefined;
  try {
    const from = [sourceOf(settings.get(store)), settings.get(table), settings.get(region)].join(" ");
    const lastGood = new LastGoodSnapshots({
      ...{ stateDirectory: path, store: from, log, unhealthyMs: unhealthyMs(settings) },
      application: settings.get(application)[0] ?? "",
    });
    return { maintenance: new MaintenanceMode(path, settings.get(application), log), lastGood };
  } catch (error) {
    const wrong = {
      message: `the state directory ${path} cannot be used`,
      consequence: "there are no maintenance files and no saved snapshot",
      remedy: "make it writable for this user, choose another -state-dir, or -state-dir none",
    };
    insistOrWarn(settings.isNamed(stateDir), wrong, error, log);
    return undefined;
  }
}
