/**
 * Puts the parts together: settings → store, rollout, feed, handler, servers, leases, monitors, admin. This
 * is the only file that knows every part; edit it to replace a part. Nothing is opened here except the store.
 * The parts start and end in the order of `daemon/lifecycle.ts`.
 */

import { Admin, adminConnectionsMax, adminHost, admin as adminOption } from "../admin/admin.ts";
import { listenersText } from "../admin/listeners.ts";
import { probesText } from "../admin/probes.ts";
import { type StateSources, writeState } from "../admin/state.ts";
import { configFile } from "../config/config-file.ts";
import type { Settings } from "../config/option.ts";
import { StoreLink, type StoreLinkParts } from "../exchange/store-link.ts";
import { Feed } from "../feed/feed.ts";
import { Handler } from "../handler.ts";
import { outcomes as outcomesAddress } from "../intake/options.ts";
import type { Outcome } from "../intake/outcome.ts";
import { isServer, type MaintenanceView, type Publisher } from "../leases/lease.ts";
import { LEASES } from "../leases/list.ts";
import type { Log } from "../log/log.ts";
import { Metrics } from "../metrics.ts";
import { MONITORS } from "../monitors/list.ts";
import type { Monitor, MonitorContext } from "../monitors/monitor.ts";
import { Overview } from "../overview/overview.ts";
import { Placements } from "../placement.ts";
import { Rollout } from "../rollout.ts";
import { ClientTrouble } from "../servers/client-trouble.ts";
import { SERVERS, TAIL_ENCODERS } from "../servers/list.ts";
import type { Server, ServerContext } from "../servers/server.ts";
import { application } from "../settings/application.ts";
import { allowForce, delay, region, store, table, unhealthyMs } from "../settings/options.ts";
import { daemonStoreFlags } from "../settings/store-flags.ts";
import { openStore } from "../stores/list.ts";
import { Connections } from "../stream/connections.ts";
import { redactAddress } from "../text/redact.ts";
import { SYSTEM_TIMERS } from "../timers.ts";
import { openController, openHearings } from "./controller.ts";
import { openIntake } from "./intake.ts";
import { type AdminPart, Lifecycle } from "./lifecycle.ts";
import { openPage, type Page, type PageSources } from "./page.ts";
import { whyNotReady } from "./readiness.ts";
import { warnOfSettings } from "./start-warnings.ts";
import { keepersOf, openStateDirectory } from "./state-directory.ts";

/**
 * Used with `-state-dir none`. The daemon then warns if maintenance is on, and visitors notice no change.
 */
const NO_MAINTENANCE: MaintenanceView = { isOn: () => false };

export interface Daemon {
  /** All that proxies connect to: servers, and leases that listen. */
  readonly listeners: readonly Server[];
  /** The leases that the daemon writes, and that listen nowhere. */
  readonly publishers: readonly Publisher[];
  /** The address of the admin listener, once it listens; undefined if there is none. */
  readonly adminUrl: string | undefined;
  /** The store's address, without secrets. */
  readonly store: string;
  /** Opens all listeners and begins to read the store. Resolves when visitors are answered. */
  start(): Promise<void>;
  /** Answers the requests that have arrived, and releases everything. */
  close(): Promise<void>;
}

/**
 * Puts a daemon together. Rejects if the store cannot be opened, or if a setting that the operator named
 * cannot be used.
 */
export async function createDaemon(settings: Settings, log: Log): Promise<Daemon> {
  const clock = () => performance.now();
  const started = { startedAt: new Date(), startedAtMs: clock() };
  const directory = openStateDirectory(settings, log);
  const opened = await openStore(settings.get(store), {
    table: settings.get(table),
    region: settings.get(region),
    environment: process.env,
    warn: (message) => log.warn(message, { store: redactAddress(settings.get(store)) }),
  });
  warnOfSettings(settings, process.env, log);

  const placements = new Placements(TAIL_ENCODERS);
  const [applications, delayMs] = [settings.get(application), settings.get(delay)];
  const rollout = new Rollout(applications, unhealthyMs(settings), delayMs, placements);
  const metrics = new Metrics(rollout.placements);
  const link = linkOf({ store: opened, clock, log, dropped: () => doors.intake.counts.droppedInAll() });
  const hearings = openHearings(settings, { store: opened, link, clock, log, rollout });
  const leading = await openController(settings, {
    ...{ store: opened, link, hearings, log, clock, metrics },
    reapply: (name) => feed.reapply(name),
  });
  const overview = new Overview({ leading: leading && (() => leading.controller.view()), log });
  const parts = { store: opened, first: rollout.first.application, log, clock };
  const page = await openPage(settings, { ...parts, sources: () => sources });
  const feed: Feed = new Feed({
    ...{ store: opened, rollout, delayMs, metrics, log, clock, overrides: leading?.overrides },
    followers: [
      ...keepersOf(directory, log),
      (reading) => hearings?.follow(reading),
      (reading) => leading?.controller.follow(reading),
      (reading) => overview.follow(reading),
      (reading) => page.viewers.follow(reading),
    ],
    failed(name, error) {
      directory?.maintenance.failed(name);
      leading?.controller.failed(name, error);
    },
    lastGood: async (name) => directory?.lastGood?.load(name),
  });
  const handler = new Handler({ rollout, allowForce: settings.get(allowForce) });
  const reserved = settings.get(adminOption) === null ? 0 : adminConnectionsMax();
  const follower = hearings && ((outcome: Outcome) => hearings.take(outcome));
  const doors = openIntake(settings, {
    ...{ handler, metrics, log, clock, follower },
    isAwake: () => hearings?.isAwake ?? false,
  });
  const connections = new Connections({ reserved });
  const context = { handler, rollout, intake: doors.intake, metrics, log, clock, connections };
  const leaseContext = { ...context, maintenance: directory?.maintenance ?? NO_MAINTENANCE };
  const servers = SERVERS.flatMap((kind) => kind.create(settings, context));
  const leases = LEASES.flatMap((kind) => kind.create(settings, leaseContext));
  const listeners = [...servers, ...leases.filter(isServer)];
  const publishers = leases.filter((lease) => !isServer(lease));
  const notReady = () => whyNotReady({ rollout, isRead: () => feed.isReady, servers: listeners, clock });
  const counted = { metrics, outcomes: doors.intake.counts, evidence: hearings, listeners: () => listeners };
  const monitors = monitorsOf(settings, { ...counted, rollout, feed, overview, notReady, log, clock });
  const sources: StateSources & PageSources = {
    ...{ rollout, feed, overview, metrics, store: opened, notReady, clock, ...started },
    ...{ config: settings.get(configFile), outcomes: doors.intake.counts },
    storeFlags: daemonStoreFlags(settings),
  };
  const lifecycle = new Lifecycle({
    ...{ log, store: opened, directory, feed, doors, monitors, listeners, publishers },
    controller: leading?.controller,
    hearings,
    trouble: new ClientTrouble(metrics, log, rollout.first.application),
    addresses: [...SERVERS, ...LEASES].flatMap((kind) => kind.addresses(settings)),
    applications,
    admin: adminOf(settings, context, monitors, { ...sources, page }, [...listeners, ...publishers]),
  });
  return {
    ...{ listeners, publishers },
    get adminUrl() {
      return lifecycle.adminUrl;
    },
    store: opened.address,
    start: () => lifecycle.start(),
    close: () => lifecycle.close(),
  };
}

function linkOf(parts: Pick<StoreLinkParts, "store" | "clock" | "log" | "dropped">): StoreLink {
  return new StoreLink({ ...parts, timers: SYSTEM_TIMERS, random: Math.random, wallClock: Date.now });
}

/** The monitors that the settings turn on. */
function monitorsOf(
  settings: Settings,
  context: Omit<MonitorContext, "processStartedAt" | "environment">,
): Monitor[] {
  const processStartedAt = new Date(Date.now() - process.uptime() * 1_000);
  const whole = { ...context, processStartedAt, environment: process.env };
  return MONITORS.flatMap((kind) => kind.create(settings, whole) ?? []);
}

function adminOf(
  settings: Settings,
  context: ServerContext,
  monitors: readonly Monitor[],
  sources: StateSources & { readonly page: Page },
  forProxies: readonly (Server | Publisher)[],
): AdminPart | null {
  const address = settings.get(adminOption);
  if (address === null) return null;
  const listener: Admin = new Admin(context, {
    address,
    hosts: settings.get(adminHost),
    notReady: sources.notReady,
    metrics: monitors.find((monitor) => monitor.page !== undefined)?.page,
    state: () => writeState(sources),
    forBrowsers: sources.page.routes,
    listeners: () =>
      listenersText(
        context,
        [...forProxies, listener].map(({ name }) => name),
      ),
    probes: (query) => probesText(context.intake, settings.get(outcomesAddress), query),
  });
  return { listener, address, isNamed: settings.isNamed(adminOption) };
}
