/**
 * An integration at work for the conformance suite: real upstreams, a daemon of its own, the proxy, and its
 * visitors.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess, type Records } from "../../support/daemon-process.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/port.ts";
import { type Seen, startUpstream, type Upstream } from "../../support/upstream.ts";
import { type Reply, type Visit, Visitors } from "../../support/visitors.ts";
import type { Integration, OperatorChanges, Places, Running } from "./integration.ts";

/**
 * A change reaches the daemon's table by the store's watch. A proxy with a lease may be in the middle of a
 * renewal.
 */
const SLACK_MS = 250;

/**
 * No answer is late this often in a row by chance. And no proxy stops asking for this long after late
 * answers: it pauses for a second.
 */
const UNDECIDED_MAX = 15;
const ASK_AGAIN_MS = 150;

/** A visit, as the upstream and the visitor itself saw it. */
export interface Served extends Reply {
  /** The version that served, or empty if none did. */
  readonly name: string;
  /** The location that the upstream got, or empty if it got none. */
  readonly assignment: string;
  readonly location: string;
  readonly seen: Seen | undefined;
}

export interface RigOptions {
  readonly allowForce?: boolean;
  readonly areOptionsOn?: boolean;
  readonly isTls?: boolean;
  /** Beside those of the integration. */
  readonly daemonFlags?: readonly string[];
  /** The port at which a test listens for outcomes. */
  readonly outcomesPort?: number;
  /** Puts another socket before the daemon's, for the proxy, and returns its path. */
  readonly socketFor?: (socket: string, directory: string) => string;
  readonly changes?: OperatorChanges;
}

export class Rig {
  readonly integration: Integration;
  readonly home: DaemonHome;
  /** The address for visitors. */
  readonly url: string;
  daemon: DaemonProcess;
  readonly #places: Places;
  #masters: readonly Upstream[];
  readonly #canaries: readonly Upstream[];
  #visitors: Visitors;
  #running: Running;

  private constructor(
    integration: Integration,
    places: Places,
    daemon: DaemonProcess,
    masters: readonly Upstream[],
    canaries: readonly Upstream[],
    running: Running,
  ) {
    this.integration = integration;
    this.#places = places;
    this.home = places.home;
    this.daemon = daemon;
    this.#masters = masters;
    this.#canaries = canaries;
    this.#running = running;
    this.url = `${places.tls ? "https" : "http"}://127.0.0.1:${places.port}`;
    this.#visitors = this.#newVisitors();
  }

  /** Starts everything. Resolves when the canary serves its visitors. */
  static async start(integration: Integration, options: RigOptions = {}): Promise<Rig> {
    const { allowForce = false, areOptionsOn = false, isTls = false, daemonFlags = [] } = options;
    const directory = mkdtempSync(join(tmpdir(), "conformance-"));
    const [daemonPort, adminPort] = [await freePort(), await freePort()];
    const [insidePort, pagePort] = [await freePort(), await freePort()];
    const outcomesPort = options.outcomesPort ?? (await freePort());
    const daemonPlaces = { directory, daemonPort, adminPort, insidePort, pagePort, outcomesPort, isTls };
    const force = allowForce ? ["-allow-force"] : [];
    const home = new DaemonHome({
      records: { canary: 0.25, maintenance: 0 },
      flags: [...integration.daemonFlags(daemonPlaces), ...force, ...daemonFlags],
    });
    const daemon = await home.start();
    const [master, canary] = [join(directory, "master.sock"), join(directory, "canary.sock")];
    const [port, masterPort, canaryPort] = [await freePort(), await freePort(), await freePort()];
    const masters = startBoth("master", master, masterPort);
    const canaries = startBoth("canary", canary, canaryPort);
    const tls = isTls ? await certificate(directory) : undefined;
    const ports = { port, masterPort, canaryPort };
    const socket = options.socketFor?.(home.socket, directory) ?? home.socket;
    const sockets = { master, canary, home, socket };
    const changes = options.changes === undefined ? {} : { changes: options.changes };
    const places = { ...daemonPlaces, ...ports, ...sockets, allowForce, areOptionsOn, tls, ...changes };
    const running = await integration.start(places);
    const rig = new Rig(integration, places, daemon, masters, canaries, running);
    await rig.becomes(0.1, "canary");
    await rig.settles();
    return rig;
  }

  async stop(): Promise<void> {
    this.#visitors.close();
    await this.#running.stop();
    await this.daemon.end("SIGKILL");
    for (const upstream of [...this.#masters, ...this.#canaries]) upstream.stop();
    this.home.remove();
    rmSync(this.#places.directory, { recursive: true, force: true });
  }

  /**
   * Ends the proxy and starts another one, which knows nothing of the first one's state.
   *
   * @param changes for the new one
   */
  async restart(changes: OperatorChanges | undefined = this.#places.changes): Promise<void> {
    this.#visitors.close();
    await this.#running.stop();
    const places = changes === undefined ? this.#places : { ...this.#places, changes };
    this.#running = await this.integration.start(places);
    this.#visitors = this.#newVisitors();
  }

  /** Ends master's servers: from now on a visitor at master sees an error. */
  stopMaster(): void {
    for (const upstream of this.#masters) upstream.stop();
    this.#masters = [];
  }

  startMaster(): void {
    this.stopMaster();
    this.#masters = startBoth("master", this.#places.master, this.#places.masterPort);
  }

  /** The addresses of master's servers. */
  get masterAt(): readonly [socket: string, port: number] {
    return [this.#places.master, this.#places.masterPort];
  }

  #newVisitors(): Visitors {
    return new Visitors(this.#places.port, this.#places.tls !== undefined);
  }

  /** The directory of the integration's own. */
  get directory(): string {
    return this.#places.directory;
  }

  /** The proxy's output. */
  get log(): string {
    return this.#running.log();
  }

  async visit(visit: Visit = {}): Promise<Served> {
    const reply = await this.#visitors.visit(visit);
    const seen = reply.status === 200 ? (JSON.parse(reply.body) as Seen) : undefined;
    return {
      ...reply,
      seen,
      name: seen?.name ?? "",
      assignment: seen?.headers["maxwellsdaemon"] ?? "",
      location: seen?.headers["maxwellsdaemon-location"] ?? "",
    };
  }

  /** The cookie in which visitors keep their place. */
  get cookieName(): string {
    return this.integration.sliceCookie?.name ?? "maxwellsdaemon";
  }

  /** That cookie, of a visitor with this assignment, or with the slice that contains it. */
  cookieOf(assignment: number | string): string {
    const { sliceCookie } = this.integration;
    // A slice begins where its decimal says, which may be a bit below.
    const slice = (slices: number) => Math.floor(Number(assignment) * slices + 1e-9);
    const value = sliceCookie === undefined ? assignment : sliceCookie.valueOf(slice(sliceCookie.slices));
    return `${this.cookieName}=${value}`;
  }

  /** The assignment in the headers that upstreams get. */
  told(assignment: number | string): string {
    return this.tells ? String(assignment) : "";
  }

  /** True if upstreams get assignments at all. */
  get tells(): boolean {
    return this.integration.sliceCookie === undefined;
  }

  /** A visitor with this cookie header. */
  withCookie(cookie: string, more: readonly (readonly [string, string])[] = []): Promise<Served> {
    return this.visit({ headers: [["cookie", cookie], ...more] });
  }

  /** A visitor with this assignment. */
  known(assignment: number | string): Promise<Served> {
    return this.withCookie(this.cookieOf(assignment));
  }

  /**
   * The same, but repeated if no daemon decided: on a busy machine an answer may be later than the proxy's
   * time-out. Then master serves, and a proxy that asks does not tell it the assignment. A wrong decision
   * would show in the first answer, so the repetition cannot hide it.
   */
  decided(assignment: number | string, wanted: string): Promise<Served> {
    return this.#again(
      () => this.known(assignment),
      (served) =>
        served.name === "master" && (wanted !== "master" || (this.tells && served.assignment === "")),
    );
  }

  /** Any visit, but repeated if master served in place of the wanted version. */
  visitAt(wanted: string, visit: Visit): Promise<Served> {
    return this.#again(
      () => this.visit(visit),
      ({ name }) => wanted !== "master" && name === "master",
    );
  }

  /**
   * Any visit that a daemon decides, for any version. It is repeated if the upstream did not get the
   * assignment. (Some proxies always pass on a visitor's assignment: then there is no repetition.)
   */
  placed(visit: Visit): Promise<Served> {
    return this.#again(
      () => this.visit(visit),
      ({ status, assignment }) => this.tells && status === 200 && assignment === "",
    );
  }

  /**
   * A visitor without a usable assignment, which has to get a cookie. The visit is repeated if no daemon
   * decided, as in `decided`.
   */
  fresh(visit: Visit = {}): Promise<Served> {
    return this.#again(
      () => this.visit(visit),
      ({ cookies }) => !cookies.some((cookie) => cookie.startsWith(`${this.cookieName}=`)),
    );
  }

  async #again(visit: () => Promise<Served>, isUndecided: (served: Served) => boolean): Promise<Served> {
    let served = await visit();
    for (let again = 0; again < UNDECIDED_MAX && isUndecided(served); again++) {
      await Bun.sleep(ASK_AGAIN_MS);
      served = await visit();
    }
    return served;
  }

  /** Waits until that version serves this visitor. Every visit on the way has to be a success. */
  async becomes(assignment: number, name: string): Promise<void> {
    await eventually(async () => {
      const served = await this.known(assignment);
      if (served.status !== 200) throw new Error(`status ${served.status}: ${served.body}\n${this.log}`);
      return served.name === name;
    }, `${this.integration.name}: ${assignment} at ${name}`);
  }

  write(records: Records): void {
    this.home.write({ maintenance: 0, ...records });
  }

  /** Writes the store. Resolves when every visitor's decision follows it. */
  async rollOut(rollout: number, offset = 0): Promise<void> {
    this.write({ canary: { rollout, offset } as { rollout: number } });
    await this.daemon.follows("canary", rollout, offset);
    await this.settles();
  }

  /**
   * Resolves when all of a proxy's workers know what the daemon or one of them knows. No event marks that
   * moment.
   */
  async settles(): Promise<void> {
    if (this.integration.changeMs > 0) await Bun.sleep(this.integration.changeMs + SLACK_MS);
  }

  /**
   * Starts another daemon in place of this one, with more flags. Resolves when `wanted` serves visitors of
   * the canary's usual arc.
   */
  async restartDaemon(flags: readonly string[] = [], wanted = "canary"): Promise<void> {
    await this.daemon.end("SIGTERM");
    await this.startDaemon(flags, wanted);
  }

  /** The daemon's flags if it is to hear the proxy's outcomes. */
  get outcomesFlags(): readonly string[] {
    return ["-outcomes", `127.0.0.1:${this.#places.outcomesPort}`];
  }

  /** Starts a daemon in place of one that was ended. Resolves as `restartDaemon` does. */
  async startDaemon(flags: readonly string[] = [], wanted = "canary"): Promise<void> {
    this.daemon = await this.home.start(flags);
    await this.becomes(0.1, wanted);
    await this.settles();
  }
}

/** A version as a unix socket and as a port. */
function startBoth(name: string, socket: string, port: number): readonly Upstream[] {
  return [startUpstream(name, socket), startUpstream(name, port)];
}

/** A certificate for 127.0.0.1, signed by itself. */
async function certificate(directory: string): Promise<{ key: string; certificate: string }> {
  const [key, path] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout ${key} -out ${path}`.quiet();
  return { key, certificate: path };
}

/** Runs `each` for all items, some at a time. */
export async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  each: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await each(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
