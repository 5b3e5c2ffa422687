/**
 * Controllers over one store in memory, with a clock and timers that the test drives. Each has a small feed:
 * it reads every few seconds, and at once after a change.
 */

import { Controller, type ControllerOptions } from "../../src/controller/controller.ts";
import type { Checks } from "../../src/controller/facts.ts";
import { Highest } from "../../src/controller/highest.ts";
import { Overrides } from "../../src/controller/overrides.ts";
import type { Notices } from "../../src/controller/standing.ts";
import { StoreLink } from "../../src/exchange/store-link.ts";
import type { StateFiles } from "../../src/files/small-files.ts";
import { Hearings } from "../../src/hearing/hearings.ts";
import { move } from "../../src/releases/machine.ts";
import { readRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Request, Start } from "../../src/releases/request.ts";
import type { Store } from "../../src/stores/store.ts";
import { rolloutText } from "../../src/text/amounts.ts";
import { nowIn, type Target } from "../../src/verbs/look.ts";
import { BEGAN_MS, planOf, START } from "../releases/world.ts";
import { HandTime, settle } from "../support/hand-time.ts";
import { KeptLog } from "../support/logged.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { Random } from "../support/random.ts";

export const DELAY_MS = 4_000;
export const UNHEALTHY_MS = 8_000;
export const KEY = START.key;
const AT: Target = { application: "website", version: "canary" };

/** A state directory in memory. It outlasts a daemon. */
export class MemoryFiles implements StateFiles {
  readonly texts = new Map<string, string>();
  error: Error | undefined;
  writes = 0;

  async list(): Promise<readonly string[]> {
    this.#fail();
    return [...this.texts.keys()];
  }

  async read(name: string): Promise<string | undefined> {
    this.#fail();
    return this.texts.get(name);
  }

  async write(name: string, text: string): Promise<void> {
    this.#fail();
    this.writes++;
    this.texts.set(name, text);
  }

  async remove(name: string): Promise<void> {
    this.#fail();
    this.texts.delete(name);
  }

  #fail(): void {
    if (this.error !== undefined) throw this.error;
  }
}

const NO_CHECKS: Checks = { follow() {}, forget() {}, answers: () => new Map(), told: () => [], close() {} };

const NO_NOTICES: Notices = { look() {}, extra() {}, close: async () => {} };

/** One daemon with a controller. */
export interface Daemon {
  readonly controller: Controller;
  readonly hearings: Hearings;
  readonly overrides: Overrides;
  readonly log: KeptLog;
  readonly reapplied: string[];
  /** Reads the store once, and hands the reading to the controller. Its feed does the same. */
  read(application?: string): Promise<void>;
  /** Ends its reads: it lives on, but sees nothing. */
  blind(): void;
  stop(): Promise<void>;
}

export interface Home {
  readonly highest: MemoryFiles;
  readonly overrides: MemoryFiles;
}

export const homeOf = (): Home => ({ highest: new MemoryFiles(), overrides: new MemoryFiles() });

export class Fleet {
  readonly time: HandTime;
  readonly store: MemoryStore;
  readonly random: Random;
  /** True time less the monotonic clock. */
  readonly epochMs: number;
  /** How far the store's clock is ahead of true time. */
  storeSkewMs = 0;
  /** The reports that each daemon could not take. */
  dropped = 0;
  /** Whether the daemons serve visitors by the record. */
  isServed = true;
  /** Whether reads of the daemons' feeds fail. */
  isLost = false;
  #keys = 0;

  /** @param seed of all random draws; another one each time by default */
  constructor({
    hasClock = true,
    time = new HandTime(),
    seed,
  }: {
    readonly hasClock?: boolean;
    readonly time?: HandTime;
    readonly seed?: number;
  } = {}) {
    this.time = time;
    this.epochMs = BEGAN_MS - time.nowMs;
    this.random = new Random(seed);
    this.store = new MemoryStore(
      hasClock ? () => this.epochMs + this.time.nowMs + this.storeSkewMs : undefined,
    );
  }

  get nowMs(): number {
    return this.epochMs + this.time.nowMs;
  }

  readonly drawKey = (): string => (++this.#keys).toString(16).padStart(24, "0");

  /** Starts a daemon. */
  async daemon(
    name: string,
    home: Home | undefined = undefined,
    options: Partial<ControllerOptions> = {},
    serves: (application: string) => boolean = () => true,
  ): Promise<Daemon> {
    const { time, store } = this;
    const log = new KeptLog();
    const overrides = new Overrides({ files: home?.overrides, store: "memory:", serves, log });
    await overrides.load();
    const reapplied: string[] = [];
    const link = new StoreLink({
      ...{ store: options.store ?? store, log, clock: time.clock, timers: time.timers },
      ...{ random: () => this.random.fraction(), wallClock: options.wallClock ?? (() => this.nowMs) },
      dropped: () => this.dropped,
    });
    const hearings = new Hearings({
      ...{ link, hasStoreClock: (options.store ?? store).clock !== undefined, clock: time.clock, log },
      ...{ timers: time.timers, from: this.drawKey(), listens: true, name },
      wallClock: options.wallClock ?? (() => this.nowMs),
      applications: 1,
      isServed: () => this.isServed,
    });
    const controller = new Controller({
      ...{
        store,
        link,
        hearings,
        name,
        unhealthyMs: UNHEALTHY_MS,
        storeFlags: [],
        log,
        clock: time.clock,
        timers: time.timers,
      },
      ...{ wallClock: () => this.nowMs, random: () => this.random.fraction(), drawKey: this.drawKey },
      highest: new Highest({ files: home?.highest, store: "memory:", log }),
      overrides,
      reapply: (application) => reapplied.push(application),
      checks: () => NO_CHECKS,
      notices: NO_NOTICES,
      ...options,
    });
    controller.start();
    return this.#feed(controller, options.store ?? store, { hearings, log, overrides, reapplied });
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return this.time.pass(ms);
  }

  /** A person starts a release. */
  start(plan: string, changes: Partial<Start> = {}, target: Target = AT): Release {
    const start = this.startOf(plan, changes);
    return this.ask({ verb: "release", start, replace: false, seenKey: null, reason: undefined }, target);
  }

  startOf(plan: string, changes: Partial<Start> = {}): Start {
    return { ...START, plan: planOf(plan), ...changes };
  }

  /** Writes fields of the record, as a person with the engine's own tools does. */
  put(fields: Readonly<Record<string, unknown>>, { application, version }: Target = AT): void {
    this.store.put(application, version, { ...this.store.value(application, version), ...fields });
  }

  /** Writes another release, as another program could. */
  edit(change: (release: Release) => Release): void {
    this.put({ release: releaseField(change(this.release())) });
  }

  /** A person's verb, written at once. */
  ask(request: Request, { application, version }: Target = AT): Release {
    const value = this.store.value(application, version) ?? { rollout: 0 };
    const snapshot = new Map([[version, { value, revision: "" }]]);
    const now = nowIn(snapshot, version);
    const seenKey = now.found.kind === "release" ? now.found.release.key : null;
    const outcome = move(now, request.verb === "release" ? { ...request, seenKey } : request, {
      ...{ nowMs: this.nowMs + this.storeSkewMs, tx: this.drawKey(), author: "ada@web-1" },
    });
    if (outcome.kind !== "write" || outcome.release === null) throw new Error(JSON.stringify(outcome));
    const { rollout, offset, release } = outcome;
    this.store.put(application, version, { ...value, rollout, offset, release: releaseField(release) });
    return release;
  }

  /** The release in the record. */
  release(application: string = AT.application, version: string = AT.version): Release {
    const found = readRelease(this.store.value(application, version)?.["release"]);
    if (found.kind !== "release") throw new Error(JSON.stringify(found));
    return found.release;
  }

  rollout(application: string = AT.application, version: string = AT.version): unknown {
    return this.store.value(application, version)?.["rollout"];
  }

  /** The state in short: `running 2 5%`. */
  short(application?: string, version?: string): string {
    const { state, step } = this.release(application, version);
    return `${state} ${step} ${rolloutText(Number(this.rollout(application, version)))}`;
  }

  /** A read that has begun; its answer comes to a daemon when the test says so. */
  slowReading(): (daemon: Daemon) => void {
    const { clock } = this.time;
    const askedAtMs = clock();
    const reading = { arcs: [], malformed: new Set<string>(), application: AT.application, isSame: false };
    const snapshot = this.store.snapshot(AT.application);
    return ({ controller }) => controller.follow({ ...reading, snapshot, ageMs: clock() - askedAtMs });
  }

  #feed(
    controller: Controller,
    store: Store,
    rest: Pick<Daemon, "hearings" | "log" | "overrides" | "reapplied">,
    application: string = AT.application,
  ): Daemon {
    const { timers, clock } = this.time;
    let timer: unknown;
    let isBlind = false;
    const read = async (of = application) => {
      const askedAtMs = clock();
      if (this.isLost) throw new Error("the store is lost");
      const snapshot = await store.read(of, AbortSignal.timeout(5_000));
      const reading = { arcs: [], malformed: new Set<string>(), application: of, isSame: false };
      // A daemon that may write nothing hears of no release.
      if (store.write !== undefined)
        rest.hearings.follow({ ...reading, snapshot, ageMs: clock() - askedAtMs });
      controller.follow({ ...reading, snapshot, ageMs: clock() - askedAtMs });
    };
    const readOn = () => {
      timers.clear(timer);
      if (isBlind) return;
      timer = timers.set(readOn, DELAY_MS);
      read().catch(() => {});
    };
    const unwatch = store.watch?.(application, readOn);
    readOn();
    const blind = () => {
      isBlind = true;
      timers.clear(timer);
      unwatch?.();
    };
    return {
      ...{ controller, ...rest, read, blind },
      stop: async () => {
        blind();
        let isClosed = false;
        const closing = Promise.all([rest.hearings.close(), controller.close()]).then(() => {
          isClosed = true;
        });
        await settle();
        // A write that is under way may need time to end.
        if (!isClosed) await this.pass(2_000);
        await closing;
      },
    };
  }
}
