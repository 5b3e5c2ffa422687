/** A site behind nginx with a lease, for a daemon in another place, and visitors who never stop. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { fillExample, installPage, startNginx } from "./nginx.ts";
import { freePort } from "./port.ts";
import { startUpstream } from "./upstream.ts";

/** With a canary of 25 %, one visitor of each version. */
const VISITORS = [
  ["0.1", "canary"],
  ["0.9", "master"],
] as const;

const VISITS_MS_MAX = 60_000;

export class Site {
  #visits = 0;
  /** The visits that ended in an error, or at another version than before: the visitor, and what came. */
  readonly wrong: string[] = [];
  readonly #url: string;
  readonly #stops: readonly (() => Promise<void> | void)[];

  private constructor(url: string, stops: readonly (() => Promise<void> | void)[]) {
    this.#url = url;
    this.#stops = stops;
  }

  /**
   * Resolves when nginx has a lease.
   *
   * @param socket the daemon's, whose canary of `website` has 25 %
   * @param directory is made, for nginx and the upstreams
   */
  static async start(socket: string, directory: string): Promise<Site> {
    mkdirSync(directory, { mode: 0o755 });
    installPage(directory);
    const upstreams = ["master", "canary"].map((name) =>
      startUpstream(name, join(directory, `${name}.sock`)),
    );
    const port = await freePort();
    const example = fillExample("lease", port, {
      daemon: socket,
      master: join(directory, "master.sock"),
      canary: join(directory, "canary.sock"),
      maintenanceFile: join(directory, "maintenance"),
      page: join(directory, "share"),
    });
    const nginx = await startNginx(directory, port, example);
    const stops = [() => nginx.stop(), ...upstreams.map((upstream) => () => upstream.stop())];
    const site = new Site(`http://127.0.0.1:${port}/`, stops);
    await eventually(async () => (await site.served("0.1")) === "canary", "nginx has a lease");
    return site;
  }

  get visits(): number {
    return this.#visits;
  }

  /** The name of the version that serves a visitor, or the error. */
  async served(assignment: string): Promise<string> {
    const headers = { cookie: `maxwellsdaemon=${assignment}` };
    try {
      const response = await fetch(this.#url, { headers });
      const body = await response.text();
      return response.ok ? (JSON.parse(body) as { name: string }).name : `status ${response.status}`;
    } catch (error) {
      return String(error);
    }
  }

  /** Visits until the signal, and notes each visit that went wrong. */
  async visit(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [assignment, expected] of VISITORS) {
        const name = await this.served(assignment);
        if (name !== expected) this.wrong.push(`${assignment} ${name}`);
        this.#visits++;
      }
      await Bun.sleep(2);
    }
  }

  async waitForVisits(count: number): Promise<void> {
    await eventually(() => this.#visits >= count, `${count} visits`, VISITS_MS_MAX);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop();
  }
}
