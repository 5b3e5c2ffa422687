/**
 * A site with a canary: real versions behind a real nginx with the shipped files, and beside it a daemon that
 * only follows the store. All that leads a release runs elsewhere.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import { fillExample, installPage, type Nginx, startNginx } from "../../support/nginx.ts";
import { freePort } from "../../support/port.ts";
import { type Seen, startUpstream, type Upstream } from "../../support/upstream.ts";
import { Visitors } from "../../support/visitors.ts";
import type { SharedStore } from "./stores.ts";

/** How nginx decides: it asks for each request, or has a lease. */
export type Way = "ask" | "lease";

/** A visit as the visitor saw it. */
export interface Served {
  readonly status: number;
  /** The version that served; empty with any other status than 200. */
  readonly name: string;
  /** The new cookie of the visitor; undefined if it got none. */
  readonly cookie: string | undefined;
}

export interface SiteOptions {
  readonly store: SharedStore;
  readonly way: Way;
  /** The daemon's `-delay`. */
  readonly delay: string;
}

export class Site {
  readonly way: Way;
  readonly daemon: DaemonProcess;
  readonly #home: DaemonHome;
  readonly #directory: string;
  readonly #nginx: Nginx;
  readonly #upstreams: readonly Upstream[];
  readonly #visitors: Visitors;

  private constructor(way: Way, daemon: DaemonProcess, home: DaemonHome, parts: Parts) {
    this.way = way;
    this.daemon = daemon;
    this.#home = home;
    this.#directory = parts.directory;
    this.#nginx = parts.nginx;
    this.#upstreams = parts.upstreams;
    this.#visitors = new Visitors(parts.port);
  }

  static async start({ store: { address, env }, way, delay }: SiteOptions): Promise<Site> {
    // A busy machine may hold up its reads for a while. That is not what these tests are about.
    const flags = ["-delay", delay, "-unhealthy", "10m"];
    const home = new DaemonHome({ store: address, env, flags });
    const daemon = await home.start();
    const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-site-"));
    const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
    const upstreams = [startUpstream("master", master), startUpstream("canary", canary)];
    installPage(directory);
    const port = await freePort();
    const { socket, maintenanceFile } = home;
    const page = join(directory, "share");
    const places = { daemon: socket, master, canary, maintenanceFile, page };
    // One worker: each worker has a lease of its own, and they are renewed at different moments.
    const nginx = await startNginx(directory, port, fillExample(way, port, places), 1);
    return new Site(way, daemon, home, { directory, nginx, upstreams, port });
  }

  /**
   * Rejects if the visitor would see a broken connection.
   *
   * @param cookie of the visitor; undefined for one that comes for the first time
   */
  async visit(cookie: string | undefined): Promise<Served> {
    const headers = cookie === undefined ? [] : [["cookie", `maxwellsdaemon=${cookie}`] as const];
    const { status, body, cookies } = await this.#visitors.visit({ headers });
    const [, given] = /^maxwellsdaemon=([^;]+);/.exec(cookies.join()) ?? [];
    return { status, name: status === 200 ? (JSON.parse(body) as Seen).name : "", cookie: given };
  }

  /** Whether nginx had no lease for a while, because the machine was too busy for the daemon's answers. */
  get hasLostLease(): boolean {
    return this.#nginx.errorLog().includes("gives no lease");
  }

  async stop(): Promise<void> {
    this.#visitors.close();
    await this.#nginx.stop();
    await this.daemon.end("SIGKILL");
    for (const upstream of this.#upstreams) upstream.stop();
    this.#home.remove();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

interface Parts {
  readonly directory: string;
  readonly nginx: Nginx;
  readonly upstreams: readonly Upstream[];
  readonly port: number;
}
