/**
 * Five daemons that lead releases, as processes. Each has a name and a state directory of its own. They have
 * trouble: each is killed, stopped for some seconds, and restarted at random moments.
 */

import { constants } from "node:os";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import { Random } from "../../support/random.ts";
import type { SharedStore } from "./stores.ts";

export const NAMES: readonly string[] = ["web-1", "web-2", "web-3", "web-4", "web-5"];

/** A daemon is left alone for this long at most, then it has its next trouble. */
const PEACE_MS = [1_000, 8_000] as const;
/** From a kill to the next start. */
const DOWN_MS = [0, 2_000] as const;
/** From SIGSTOP to SIGCONT: shorter and longer than `-unhealthy`. */
const STOPPED_MS = [200, 4_000] as const;

const FLAGS = ["-releases", "on", "-delay", "250ms", "-unhealthy", "2s"];

export class Fleet {
  readonly #members: readonly Member[];

  constructor({ address, env }: SharedStore, seed: number) {
    this.#members = NAMES.map((name, index) => {
      const home = new DaemonHome({ store: address, env, flags: [...FLAGS, "-name", name] });
      // The draws of one daemon do not depend on how quick the others are.
      return new Member(home, new Random(seed + index));
    });
  }

  /** Resolves when all of them have read the store. */
  async start(): Promise<void> {
    await settled(this.#members.map((member) => member.start()));
  }

  /** The daemons, which run only after the end of their trouble. */
  get daemons(): DaemonProcess[] {
    return this.#members.flatMap(({ daemon }) => daemon ?? []);
  }

  /** Makes trouble until `over` resolves; then all of them run again. Rejects if `over` does. */
  async trouble(over: Promise<unknown>): Promise<void> {
    await settled(this.#members.map((member) => member.trouble(over)));
  }

  async end(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.end()));
  }
}

/** Rejects as one of these does, but not before all of them are at their end. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

type Pause = (range: readonly [low: number, high: number]) => Promise<unknown>;

/** One of the daemons. */
class Member {
  daemon: DaemonProcess | undefined;
  readonly #home: DaemonHome;
  readonly #random: Random;

  constructor(home: DaemonHome, random: Random) {
    this.#home = home;
    this.#random = random;
  }

  async start(): Promise<void> {
    this.daemon = await this.#home.start();
  }

  async trouble(over: Promise<unknown>): Promise<void> {
    let isOver = false;
    const end = over.then(() => {
      isOver = true;
    });
    const pause: Pause = ([low, high]) => Promise.race([end, Bun.sleep(this.#random.whole(low, high))]);
    await pause(PEACE_MS);
    while (!isOver) {
      await this.#random.pick([this.#kill, this.#stop, this.#restart]).call(this, pause);
      await pause(PEACE_MS);
    }
  }

  async end(): Promise<void> {
    await this.daemon?.end("SIGKILL");
    this.#home.remove();
  }

  async #kill(pause: Pause): Promise<void> {
    await this.#ends("SIGKILL", 128 + constants.signals.SIGKILL);
    await pause(DOWN_MS);
    await this.start();
  }

  async #stop(pause: Pause): Promise<void> {
    this.daemon?.signal("SIGSTOP");
    await pause(STOPPED_MS);
    this.daemon?.signal("SIGCONT");
  }

  async #restart(): Promise<void> {
    await this.#ends("SIGTERM", 0);
    await this.start();
  }

  /** Any other status would say that it had ended before by itself. */
  async #ends(signal: NodeJS.Signals, wanted: number): Promise<void> {
    const status = await this.daemon?.end(signal);
    if (status !== wanted) throw new Error(`a daemon ended with ${status}:\n${this.daemon?.log}`);
  }
}
