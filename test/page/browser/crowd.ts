/** A daemon of three hundred applications, whose store is a real Redis that pushes. */

import { openStore } from "../../../src/stores/list.ts";
import type { Store } from "../../../src/stores/store.ts";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import { type RedisServer, startRedis } from "../../support/redis-server.ts";
import { recorded, TIMED } from "./site.ts";

const COUNT = 300;

export const NAMES: readonly string[] = Array.from({ length: COUNT }, (_, n) => `shop-${n + 1}`);
const FIRST = "shop-1";

export class Crowd {
  readonly #engine: RedisServer;
  readonly #store: Store;
  readonly home: DaemonHome;
  readonly daemon: DaemonProcess;
  #revision: string | null = null;

  private constructor(engine: RedisServer, store: Store, home: DaemonHome, daemon: DaemonProcess) {
    this.#engine = engine;
    this.#store = store;
    this.home = home;
    this.daemon = daemon;
  }

  static async start(): Promise<Crowd> {
    const engine = await startRedis("redis-server");
    const address = `redis://127.0.0.1:${engine.port}/0`;
    await engine.pipe(NAMES.map((name, n) => ["HSET", `maxwells-daemon:${name}`, ...fieldsOf(n)]));
    const [, ...others] = NAMES;
    // Without a push, a write would be seen after four seconds.
    const flags = [...others.flatMap((name) => ["-application", name]), "-delay", "4s", "-unhealthy", "20s"];
    const home = new DaemonHome({ application: FIRST, store: address, flags });
    const context = { table: "", region: "", environment: {}, warn: () => {} };
    return new Crowd(engine, await openStore(address, context), home, await home.start());
  }

  get url(): string {
    return `${this.daemon.adminUrl}`;
  }

  /** Writes the first application's release, in its second step with this rollout. */
  async write(rollout: number): Promise<void> {
    const signal = AbortSignal.timeout(5_000);
    this.#revision ??= (await this.#store.read(FIRST, signal)).get("canary")?.revision ?? null;
    const fields = recorded(1, rollout, 60_000, { step: 2, plan: TIMED });
    const written = await this.#store.write?.(FIRST, "canary", fields, this.#revision, signal);
    if (written?.ok !== true) throw new Error("another writer was first");
    this.#revision = written.revision;
  }

  /** Kills the daemon. The store goes on. */
  async kill(): Promise<void> {
    await this.daemon.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.#store.close();
    await this.#engine.stop();
    this.home.remove();
  }
}

/** The fields of the hash of an application. Every third one has a release. */
function fieldsOf(n: number): string[] {
  if (n % 3 > 0) return ["canary", "0.1"];
  const { rollout, ...others } = recorded(n + 1, 0.05, 60_000, { step: 2, plan: TIMED });
  const texts = Object.entries(others).map(([name, value]) => [`canary:${name}`, JSON.stringify(value)]);
  return ["canary", String(rollout), ...texts.flat()];
}
