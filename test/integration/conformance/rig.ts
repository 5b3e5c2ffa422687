/** An integration at work for the conformance suite: real upstreams, a daemon of its own, the proxy, and its visitors. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess, type Records } from "../../support/daemon-process.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/port.ts";
import { type Seen, startUpstream, type Upstream } from "../../support/upstream.ts";
import { type Reply, type Visit, Visitors } from "../../support/visitors.ts";
import type { Integration, Places, Running } from "./integration.ts";

/** A change reaches the daemon's table by the store's watch; a proxy that has a lease may be in the middle of a renewal. */
const SLACK_MS = 250;

/**
 * So often in a row no answer is late by chance, and for so long no proxy leaves the daemon alone after answers that were
 * late: it pauses for a second.
 */
const UNDECIDED_MAX = 15;
const ASK_AGAIN_MS = 150;

/** A visitor, as the upstream and the visitor itself saw it. */
export interface Served extends Reply {
  /** Which version served; empty where none did. */
  readonly name: string;
  /** What the upstream was told; empty where it was told nothing. */
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
}

export class Rig {
  readonly integration: Integration;
  readonly home: DaemonHome;
  /** Where visitors come to. */
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

  /** Starts everything; resolves when the canary serves whom it should. */
  static async start(integration: Integration, options: RigOptions = {}): Promise<Rig> {
    const { allowForce = false, areOptionsOn = false, isTls = false, daemonFlags = [] } = options;
    const directory = mkdtempSync(join(tmpdir(), "conformance-"));
    const [daemonPort, adminPort] = [await freePort(), await freePort()];
    const [insidePort, pagePort] = [await freePort(), await freePort()];
    const daemonPlaces = { directory, daemonPort, adminPort, insidePort, pagePort, isTls };
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
    const places = { ...daemonPlaces, ...ports, master, canary, home, allowForce, areOptionsOn, tls };
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

  /** Ends the proxy and starts another one, which knows nothing of what the first one knew. */
  async restart(): Promise<void> {
    this.#visitors.close();
    await this.#running.stop();
    this.#running = await this.integration.start(this.#places);
    this.#visitors = this.#newVisitors();
  }

  /** Ends master's servers: from now on a visitor who is sent there sees an error. */
  stopMaster(): void {
    for (const upstream of this.#masters) upstream.stop();
    this.#masters = [];
  }

  startMaster(): void {
    this.stopMaster();
    this.#masters = startBoth("master", this.#places.master, this.#places.masterPort);
  }

  #newVisitors(): Visitors {
    return new Visitors(this.#places.port, this.#places.tls !== undefined);
  }

  /** The directory of the integration's own. */
  get directory(): string {
    return this.#places.directory;
  }

  /** What the proxy wrote. */
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

  /** That cookie, of a visitor with this assignment, or with the slice in which it lies. */
  cookieOf(assignment: number | string): string {
    const { sliceCookie } = this.integration;
    // A slice begins where its decimal says, which may be a bit below.
    const slice = (slices: number) => Math.floor(Number(assignment) * slices + 1e-9);
    const value = sliceCookie === undefined ? assignment : sliceCookie.valueOf(slice(sliceCookie.slices));
    return `${this.cookieName}=${value}`;
  }

  /** What upstreams are told of a visitor's assignment. */
  told(assignment: number | string): string {
    return this.tells ? String(assignment) : "";
  }

  /** Whether upstreams are told assignments at all. */
  get tells(): boolean {
    return this.integration.sliceCookie === undefined;
  }

  /** A visitor with this cookie header. */
  withCookie(cookie: string, more: readonly (readonly [string, string])[] = []): Promise<Served> {
    return this.visit({ headers: [["cookie", cookie], ...more] });
  }

  /** A visitor who keeps this assignment. */
  known(assignment: number | string): Promise<Served> {
    return this.withCookie(this.cookieOf(assignment));
  }

  /**
   * The same, asked again where nobody decided: on a busy machine an answer comes later than a proxy's patience. Then
   * master serves, and those that ask do not tell it the assignment. Whom the daemon wants elsewhere is there with the first
   * answer or never.
   */
  decided(assignment: number | string, wanted: string): Promise<Served> {
    return this.#again(
      () => this.known(assignment),
      (served) =>
        served.name === "master" && (wanted !== "master" || (this.tells && served.assignment === "")),
    );
  }

  /** Any visit, asked again where master served but another was wanted. */
  visitAt(wanted: string, visit: Visit): Promise<Served> {
    return this.#again(
      () => this.visit(visit),
      ({ name }) => wanted !== "master" && name === "master",
    );
  }

  /**
   * Any visit for whom somebody decides, wherever that is: asked again where the upstream was not told the assignment. (Who
   * brings one to a proxy that tells it in any case is not asked again.)
   */
  placed(visit: Visit): Promise<Served> {
    return this.#again(
      () => this.visit(visit),
      ({ status, assignment }) => this.tells && status === 200 && assignment === "",
    );
  }

  /** A visitor without a usable assignment, who has to get a cookie; asked again where nobody decided, as `decided` is. */
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

  /** Waits until this visitor is served by that version; every visit on the way has to be a success. */
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

  /** Writes the store; resolves when every visitor is decided by it. */
  async rollOut(rollout: number, offset = 0): Promise<void> {
    this.write({ canary: { rollout, offset } as { rollout: number } });
    await this.daemon.follows("canary", rollout, offset);
    await this.settles();
  }

  /** Resolves when all of a proxy's workers know what one of them knows, or the daemon: nothing tells when. */
  async settles(): Promise<void> {
    if (this.integration.changeMs > 0) await Bun.sleep(this.integration.changeMs + SLACK_MS);
  }

  /** Another daemon in the place of this one, with more flags; resolves when the canary serves again. */
  async restartDaemon(flags: readonly string[] = []): Promise<void> {
    await this.daemon.end("SIGTERM");
    await this.startDaemon(flags);
  }

  /** A daemon in the place of one that was ended; resolves when the canary serves again. */
  async startDaemon(flags: readonly string[] = []): Promise<void> {
    this.daemon = await this.home.start(flags);
    await this.becomes(0.1, "canary");
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
