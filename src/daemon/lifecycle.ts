/**
 * The order in which a daemon's parts start, and in which they are released.
 *
 *     prepare listeners ─▶ feed ─▶ admin ─▶ monitors ─▶ first read, or FIRST_READ_MS ─▶ listeners ─▶ publishers
 *
 * The controller starts right before the feed, because it follows the first reading too. The doors for
 * outcomes open right behind the feed. They wait for an address that another program has.
 *
 * The daemon takes nothing from another process before it is sure to get everything. `close` releases the
 * parts in reverse order, and rejects with the first error. If a predecessor has the admin address, the
 * daemon takes it last, because until then the predecessor answers `/readyz`.
 */

import { type Address, type HostPort, hostPortText } from "../address.ts";
import type { Admin } from "../admin/admin.ts";
import { fetchListeners } from "../admin/client/fetch-listeners.ts";
import { findPredecessor } from "../admin/client/predecessor.ts";
import type { ListenersPage } from "../admin/listeners.ts";
import type { Controller } from "../controller/controller.ts";
import type { Feed } from "../feed/feed.ts";
import type { Hearings } from "../hearing/hearings.ts";
import type { Publisher } from "../leases/lease.ts";
import type { Log } from "../log/log.ts";
import type { Monitor } from "../monitors/monitor.ts";
import type { ClientTrouble } from "../servers/client-trouble.ts";
import type { Server } from "../servers/server.ts";
import type { Store } from "../stores/store.ts";
import { exposuresOf } from "../stream/exposure.ts";
import type { Doors } from "./intake.ts";
import { releaseAll } from "./release.ts";
import { cannotListen, insistOrWarn } from "./start-error.ts";
import type { StateDirectory } from "./state-directory.ts";

/**
 * The daemon answers visitors once it has read the store, or after this time without a read. Until then an
 * earlier daemon goes on answering. If there is none, visitors go to master, as they would with a daemon that
 * knows nothing.
 */
const FIRST_READ_MS = 1_000;

export interface Parts {
  readonly log: Log;
  readonly store: Store;
  /** Undefined without a state directory. */
  readonly directory: StateDirectory | undefined;
  readonly feed: Feed;
  /** Undefined with `-releases off`. */
  readonly controller: Controller | undefined;
  readonly doors: Doors;
  /** Undefined if nothing can become of outcomes. */
  readonly hearings: Hearings | undefined;
  readonly monitors: readonly Monitor[];
  readonly trouble: ClientTrouble;
  /** Servers, and leases that listen. */
  readonly listeners: readonly Server[];
  /** Leases that the daemon writes. */
  readonly publishers: readonly Publisher[];
  /** The addresses at which the daemon listens for proxies. */
  readonly addresses: readonly Address[];
  readonly applications: readonly string[];
  /** Null: `-admin none`. */
  readonly admin: AdminPart | null;
}

export interface AdminPart {
  readonly listener: Admin;
  readonly address: HostPort;
  /** Whether the operator named this address. */
  readonly isNamed: boolean;
}

export class Lifecycle {
  readonly #parts: Parts;
  readonly #releases: (() => Promise<void>)[] = [];
  readonly #closing = Promise.withResolvers<void>();
  #isClosing = false;
  #starting: Promise<void> = Promise.resolve();
  #predecessor: Promise<ListenersPage | undefined> | undefined;
  #adminUrl: string | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The address of the admin listener, once it listens; undefined if there is none. */
  get adminUrl(): string | undefined {
    return this.#adminUrl;
  }

  /** Resolves when visitors are answered. If it rejects, everything that was opened has been released. */
  start(): Promise<void> {
    this.#starting = this.#startAll();
    return this.#starting;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#closing.resolve();
    // The caller of `start` gets its error. Everything that was opened until then has been released.
    await this.#starting.catch(() => {});
    await releaseAll(this.#releases, this.#parts.log);
  }

  async #startAll(): Promise<void> {
    const { log, store, directory, feed, controller, hearings, doors, monitors, trouble, admin } =
      this.#parts;
    this.#releases.push(() => store.close());
    if (directory !== undefined) {
      this.#releases.push(
        async () => directory.lastGood?.close(),
        () => directory.maintenance.close(),
      );
    }
    try {
      await this.#prepareListeners();
      const hasAdmin = await this.#prepareAdmin();
      const takesAdmin = hasAdmin && admin?.listener.joins;
      controller?.start();
      feed.start();
      this.#releases.push(() => feed.close());
      if (controller !== undefined) this.#releases.push(() => controller.close());
      // The controller gives up all calls at its end.
      if (hearings !== undefined) this.#releases.push(() => hearings.close());
      doors.start();
      this.#releases.push(() => doors.close());
      if (hasAdmin && !takesAdmin) await this.#startAdmin();
      for (const monitor of monitors) {
        monitor.start();
        this.#releases.push(() => monitor.close());
      }
      trouble.start();
      this.#releases.push(async () => trouble.close());
      await Promise.race([feed.begun(), Bun.sleep(FIRST_READ_MS), this.#closing.promise]);
      // If the daemon is ended before it listens, it takes over no socket, because then no daemon would
      // listen there.
      if (this.#isClosing) return;
      await this.#startListenersAndPublishers();
      if (takesAdmin) await this.#startAdmin();
      this.#warnOfExposure();
    } catch (error) {
      await releaseAll(this.#releases, log).catch(() => {});
      throw error;
    }
  }

  async #prepareListeners(): Promise<void> {
    for (const server of this.#parts.listeners) {
      await server
        .prepare((name) => this.#predecessorHas(name))
        .catch((error: Error) => {
          throw cannotListen(server, error);
        });
    }
  }

  /**
   * Starts the listeners one by one, and then the publishers. They close all at once, so that the last
   * listener accepts no connection while the first one drains.
   */
  async #startListenersAndPublishers(): Promise<void> {
    const listening: Server[] = [];
    const publishing: Publisher[] = [];
    this.#releases.push(async () => {
      const isReplaced = await this.#hasSuccessor(listening);
      await Promise.all([
        ...listening.map((server) => server.close(isReplaced)),
        ...publishing.map((publisher) => publisher.close()),
      ]);
    });
    for (const server of this.#parts.listeners) {
      await server.start().catch((error: Error) => {
        throw cannotListen(server, error);
      });
      listening.push(server);
    }
    for (const publisher of this.#parts.publishers) {
      await publisher.start();
      publishing.push(publisher);
    }
  }

  /**
   * Whether the admin listener can have its address. Rejects if it cannot and the operator named the
   * address.
   */
  async #prepareAdmin(): Promise<boolean> {
    const { admin } = this.#parts;
    if (admin === null) return false;
    try {
      await admin.listener.prepare((name) => this.#predecessorHas(name));
      return true;
    } catch (error) {
      this.#complainOfAdmin(admin, error);
      return false;
    }
  }

  async #startAdmin(): Promise<void> {
    const { admin } = this.#parts;
    if (admin === null) return;
    try {
      await admin.listener.start();
      this.#releases.push(() => admin.listener.close());
      this.#adminUrl = admin.listener.url;
    } catch (error) {
      this.#complainOfAdmin(admin, error);
    }
  }

  #complainOfAdmin({ address, isNamed }: AdminPart, error: unknown): void {
    const problem = {
      message: `the admin listener cannot have ${hostPortText(address)}`,
      consequence: "there are no /metrics, no /state and no readiness",
      remedy: "choose another -admin HOST:PORT, or -admin none",
    };
    insistOrWarn(isNamed, problem, error, this.#parts.log);
  }

  /** Whether the daemon that this one replaces has a listener with this name. The daemon is asked once. */
  async #predecessorHas(name: string): Promise<boolean> {
    const { admin, applications, listeners, publishers } = this.#parts;
    if (admin === null) return false;
    this.#predecessor ??= findPredecessor(
      admin.address,
      applications,
      [...listeners, ...publishers].map((each) => each.name),
    );
    return (await this.#predecessor)?.listeners.includes(name) ?? false;
  }

  /**
   * Whether another daemon has taken over. A unix socket shows it for all listeners. If there is no unix
   * socket, the process that answers at the admin address shows it. Only the daemon's own listeners count,
   * and not a proxy's socket that the daemon writes to.
   */
  async #hasSuccessor(listening: readonly Server[]): Promise<boolean> {
    const { admin, addresses } = this.#parts;
    if (listening.some(({ isReplaced }) => isReplaced)) return true;
    const isUnix = addresses.some(({ kind }) => kind === "unix");
    if (isUnix || this.#adminUrl === undefined || admin === null || admin.address.port === 0) return false;
    const said = await fetchListeners(admin.address);
    return said !== undefined && said.pid !== process.pid;
  }

  #warnOfExposure(): void {
    const { admin, addresses, log } = this.#parts;
    const own =
      this.#adminUrl === undefined || admin === null ? undefined : { kind: "tcp" as const, ...admin.address };
    for (const { message, fields } of exposuresOf(addresses, own)) log.warn(message, fields);
  }
}
