/**
 * A simulated machine with a daemon: the real feed, the real table, and the real controller, on the clocks,
 * the disk and the network of that machine. It may be killed and started again at any moment.
 */

import type { Harm } from "../../src/checks/runner.ts";
import type { Arc } from "../../src/circle.ts";
import { Controller, type ControllerOptions } from "../../src/controller/controller.ts";
import type { Checks } from "../../src/controller/facts.ts";
import { Highest } from "../../src/controller/highest.ts";
import type { Impure } from "../../src/controller/impure.ts";
import { Overrides, type OverridesOptions } from "../../src/controller/overrides.ts";
import { StoreLink } from "../../src/exchange/store-link.ts";
import { Feed } from "../../src/feed/feed.ts";
import type { LastGood, Reading } from "../../src/feed/reading.ts";
import { Hearings } from "../../src/hearing/hearings.ts";
import type { Fields, Log } from "../../src/log/log.ts";
import { Metrics } from "../../src/metrics.ts";
import { NoticeSender } from "../../src/notices/sender.ts";
import { ToldLog } from "../../src/notices/told-log.ts";
import { Rollout } from "../../src/rollout.ts";
import type { Override } from "../../src/saved/override-file.ts";
import type { StoreRecord } from "../../src/stores/store.ts";
import { nowIn } from "../../src/verbs/look.ts";
import { Random } from "../support/random.ts";
import { type Abilities, Client, type Seen } from "./client.ts";
import { Disk } from "./disk.ts";
import type { Engine } from "./engine.ts";
import { FAIR, type Weather } from "./network.ts";
import { DESTINATION, type Receiver } from "./receiver.ts";
import { Process, type Scheduler } from "./scheduler.ts";
import type { Timeline } from "./timeline.ts";

/** A machine of the scenario. */
export interface MachineOptions {
  readonly name: string;
  /** Whether its daemon leads releases. */
  readonly leads: boolean;
  readonly wallSkewMs: number;
  readonly seed: number;
}

export interface World {
  readonly scheduler: Scheduler;
  readonly engine: Engine;
  readonly timeline: Timeline;
  readonly abilities: Abilities;
  readonly application: string;
  readonly delayMs: number;
  readonly unhealthyMs: number;
  readonly laws: DaemonLaws;
  readonly receiver: Receiver;
  /** The last word of each check, which all daemons see at once. */
  readonly answers: ReadonlyMap<string, boolean>;
  /** Whether visitors come, so that daemons hear of outcomes. */
  readonly hasVisitors: boolean;
}

/** The part of the laws that looks at daemons. */
export interface DaemonLaws {
  saw(process: Process, application: string, seen: Seen): void;
  wrote(process: Process, application: string, version: string, record: StoreRecord): void;
  read(machine: Machine, reading: Reading): void;
  /** @param before the last life with this disk; undefined if there is none, or if the disk is empty */
  began(machine: Machine, process: Process, before: Process | undefined): void;
  died(machine: Machine): void;
  /** The disk of the machine is empty, or cannot be read for a time. */
  lostDisk(machine: Machine): void;
  /** A verdict has begun an override. */
  overrode(machine: Machine, override: Override): void;
  logged(machine: Machine, level: string, message: string, fields: Fields): void;
}

/** One life of a daemon. */
export interface Life {
  readonly process: Process;
  readonly client: Client;
  readonly rollout: Rollout;
  readonly feed: Feed;
  /** Undefined if there are no visitors. */
  readonly hearings: Hearings | undefined;
  readonly controller: Controller | undefined;
  readonly overrides: Overrides | undefined;
}

/** A saved snapshot, on the disk. */
interface Saved {
  readonly arcs: readonly Arc[];
  readonly readAtMs: number;
}

const SAVED = "snapshots";

/** A daemon that does not end on SIGTERM is killed after this time. */
const KILL_MS = 10_000;
const RESTART_MS = 100;

export class Machine {
  readonly options: MachineOptions;
  readonly disk = new Disk();
  weather: Weather = FAIR;
  wallSkewMs: number;
  life: Life | undefined;
  /** The last life that was asked to end. */
  #closing: Process | undefined;
  /** The last life that wrote the disk. */
  #lastProcess: Process | undefined;
  readonly #world: World;
  readonly #random: Random;

  constructor(options: MachineOptions, world: World) {
    this.options = options;
    this.#world = world;
    this.#random = new Random(options.seed);
    this.wallSkewMs = options.wallSkewMs;
  }

  get name(): string {
    return this.options.name;
  }

  /** Whether nothing keeps the daemon from the store. */
  get isFair(): boolean {
    return this.life !== undefined && !this.life.process.isStopped && this.weather === FAIR;
  }

  /** When the present life began, in true time; Infinity if there is none. */
  get bornAtMs(): number {
    return this.life?.process.bornAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** Starts the daemon, unless it runs. */
  start(): void {
    if (this.life !== undefined) return;
    const { scheduler, timeline, laws } = this.#world;
    if (this.#closing?.isDead === false) {
      // systemd starts it again when it has ended.
      scheduler.after(RESTART_MS, () => this.start());
      return;
    }
    const process = new Process(scheduler, this.name, {
      wallSkewMs: this.wallSkewMs,
      monotonicMs: 1_000 + 1e6 * this.#random.fraction(),
    });
    timeline.tell(this.name, "starts");
    laws.began(this, process, this.#lastProcess);
    this.#lastProcess = process;
    this.life = this.#make(process);
    this.#run(this.life, process);
  }

  /** Ends the daemon, in the middle of whatever it does, or as on SIGTERM. */
  end({ isGentle, isWiped }: { readonly isGentle: boolean; readonly isWiped: boolean }): void {
    const { life } = this;
    if (isWiped) this.#lastProcess = undefined;
    if (life !== undefined) {
      this.#world.timeline.tell(this.name, isGentle ? "is ended" : "is killed");
      this.life = undefined;
      if (isGentle) this.#close(life);
      else life.process.kill();
      this.#world.laws.died(this);
    }
    if (!isWiped) return;
    this.disk.wipe();
    this.#world.laws.lostDisk(this);
  }

  breakDisk(): void {
    this.disk.break();
    this.#world.laws.lostDisk(this);
  }

  jump(byMs: number): void {
    this.wallSkewMs += byMs;
    if (this.life !== undefined) this.life.process.wallSkewMs += byMs;
  }

  #close({ hearings, controller, feed, process }: Life): void {
    this.#closing = process;
    const close = async () => {
      await hearings?.close();
      await controller?.close();
      await feed.close();
      process.kill();
    };
    close();
    // systemd kills what does not end.
    process.after(KILL_MS, () => process.kill());
  }

  #make(process: Process): Life {
    const { engine, abilities, application, delayMs, unhealthyMs, timeline, laws } = this.#world;
    const random = new Random(this.#random.bits());
    const client = new Client({
      ...{ engine, process, abilities, random, timeline },
      author: { kind: "controller", name: this.name },
      weather: () => this.weather,
      saw: (application, seen) => laws.saw(process, application, seen),
      wrote: (application, version, record) => laws.wrote(process, application, version, record),
    });
    const rollout = new Rollout([application], unhealthyMs, delayMs);
    const log = this.#log();
    const { clock, timers } = process;
    const impure = {
      ...{ store: client, clock, wallClock: process.wallClock, timers, log },
      random: () => random.fraction(),
      drawKey: () => keyOf(random),
    };
    const metrics = new Metrics(rollout.placements);
    const link = new StoreLink({ ...impure, dropped: () => 0 });
    const hearings = this.#world.hasVisitors
      ? new Hearings({
          ...{ link, hasStoreClock: client.clock !== undefined, clock, wallClock: process.wallClock, timers },
          ...{ from: keyOf(random), listens: this.options.leads, name: this.name, log, applications: 1 },
          isServed: ({ application: name, version }, share, offset) =>
            rollout.table(name)?.serves(version, share, offset, clock()) ?? false,
        })
      : undefined;
    const leading = this.options.leads
      ? this.#lead(process, random, { ...impure, link, hearings }, metrics, () => feed)
      : undefined;
    const feed: Feed = new Feed({
      ...{ store: client, rollout, delayMs, metrics, log, clock, timers },
      ...{ random: impure.random, overrides: leading?.overrides },
      followers: [
        (reading) => this.#save(process, reading),
        (reading) => hearings?.follow(reading),
        (reading) => leading?.controller.follow(reading),
        (reading) => laws.read(this, reading),
      ],
      failed: (application, error) => leading?.controller.failed(application, error),
      lastGood: async (application) => this.#lastGood(process, application),
    });
    return {
      ...{ process, client, rollout, feed, hearings },
      ...{ controller: leading?.controller, overrides: leading?.overrides },
    };
  }

  #lead(
    process: Process,
    random: Random,
    impure: Impure & Pick<ControllerOptions, "link" | "hearings">,
    metrics: Metrics,
    feed: () => Feed,
  ): { readonly controller: Controller; readonly overrides: Overrides } {
    const { log, store, timers } = impure;
    const kept = { store: "sim:", log };
    const files = this.disk.folder("overrides", process, random);
    const overrides = new ToldOverrides({ files, serves: () => true, ...kept }, (override) =>
      this.#world.laws.overrode(this, override),
    );
    const { evidence } = store;
    const options: ControllerOptions = {
      ...{
        ...impure,
        name: this.name,
        unhealthyMs: this.#world.unhealthyMs,
        storeFlags: [],
        overrides,
      },
      highest: new Highest({ files: this.disk.folder("releases", process, random), ...kept }),
      reapply: (application) => feed().reapply(application),
      checks: (onHarm) => this.#checks(onHarm),
      notices: new NoticeSender({
        ...{ ...impure, destinations: [DESTINATION], keys: [], own: this.name, metrics },
        ...{ now: impure.wallClock, transport: this.#world.receiver.transport(process, random) },
        told: evidence === undefined ? undefined : new ToldLog({ evidence, timers, log }),
        async reread(application, version, signal) {
          const { found } = nowIn(await store.read(application, signal), version);
          return found.kind === "release" ? found.release : undefined;
        },
      }),
    };
    return { controller: new Controller(options), overrides };
  }

  #checks(_onHarm: (harm: Harm) => void): Checks {
    const { answers } = this.#world;
    return {
      ...{ follow() {}, forget() {}, answers: () => answers, told: () => [], close() {} },
    };
  }

  /** In the order of `createDaemon`: the overrides are loaded before visitors are served. */
  async #run({ overrides, controller, feed }: Life, process: Process): Promise<void> {
    await overrides?.load();
    if (process.isDead) return;
    controller?.start();
    feed.start();
  }

  #save(process: Process, { application, arcs, ageMs, isSame }: Reading): void {
    const saved = this.disk.files.get(`${SAVED}/${application}`);
    const readAtMs = process.wallClock() - ageMs;
    if (isSame && saved !== undefined && readAtMs - (JSON.parse(saved) as Saved).readAtMs < 1_000) return;
    if (!this.disk.isBroken)
      this.disk.files.set(`${SAVED}/${application}`, JSON.stringify({ arcs, readAtMs }));
  }

  #lastGood(process: Process, application: string): LastGood | undefined {
    const text = this.disk.files.get(`${SAVED}/${application}`);
    if (text === undefined) return undefined;
    const { arcs, readAtMs } = JSON.parse(text) as Saved;
    const ageMs = process.wallClock() - readAtMs;
    return { arcs, ageMs: ageMs >= 0 ? ageMs : Number.POSITIVE_INFINITY };
  }

  #log(): Log {
    const { laws } = this.#world;
    const at =
      (level: string) =>
      (message: string, fields: Fields = {}) =>
        laws.logged(this, level, message, fields);
    return { info: at("info"), warn: at("warn"), error: at("error") };
  }
}

/** Overrides that tell the laws when one begins. */
class ToldOverrides extends Overrides {
  readonly #began: (override: Override) => void;

  constructor(options: OverridesOptions, began: (override: Override) => void) {
    super(options);
    this.#began = began;
  }

  override set(override: Override): boolean {
    const isNew = super.set(override);
    if (isNew) this.#began(override);
    return isNew;
  }
}

/** 96 random bits as 24 hexadecimal digits. */
export function keyOf(random: Random): string {
  return [0, 1, 2].map(() => random.bits().toString(16).padStart(8, "0")).join("");
}
