/**
 * The door for datagrams: lines, syslog, lines of Caddy.
 *
 * It looks for datagrams at its own pace, and reads for short slices of time. Between two slices the event
 * loop answers visitors. After `READ_MS` of reading, or when there is nothing more, the door waits for
 * `BUSY_MS` at least. So a flood takes less than half of the processor, and the kernel drops and counts what
 * is more. While nothing comes, the door looks ever more rarely.
 *
 * Without a release under way it sleeps: it looks once a second, for one slice, so that an operator sees in
 * the metrics that proxies report. It does not count what the kernel drops meanwhile. Doctor wakes it.
 */

import { type Door, type DoorContext, SLICE_MS } from "./door.ts";
import { Opening } from "./opening.ts";
import { reportsIn } from "./report.ts";
import { UdpSocket } from "./udp-socket.ts";

/** The slices between two waits have this time together, in milliseconds. */
export const READ_MS = 0.8;

/** Time to the next look while datagrams come. */
const BUSY_MS = 1;

/** The longest time between two looks. The kernel's memory has room for a flood of this length. */
const IDLE_MS_MAX = 16;

/** After this much work the door reads the clock: a datagram, and each `WORK_LENGTH` of a report. */
const WORK_PER_LOOK = 8;
const WORK_LENGTH = 256;

/** The time between two looks while it sleeps. A new step does not count for longer than that. */
const ASLEEP_MS = 1_000;

/** The reports of no datagram. */
const NOTHING: Iterator<string> = { next: () => ({ value: undefined, done: true }) };

/** Time between two reads of the kernel's count of dropped datagrams. */
const DROPS_MS = 1_000;

export class UdpDoor implements Door {
  readonly name = "udp";
  readonly #context: DoorContext;
  readonly #opening: Opening;
  #socket: UdpSocket | undefined;
  #timer: unknown;
  #isAsleep = false;
  #waitMs = BUSY_MS;
  /** The time of the slices since the last wait. */
  #readMs = 0;
  /** Whether the last slice ended before all was read. */
  #hasMore = false;
  readonly #nextSlice = () => this.#turn();
  /** The reports of the last datagram that are not read yet. A long datagram may have thousands of them. */
  #reports: Iterator<string> = NOTHING;
  /** The kernel's count that is in the counters already. */
  #drops = 0;
  #dropsReadAtMs = 0;

  constructor(context: DoorContext) {
    this.#context = context;
    this.#opening = new Opening(context, this.name, async () => {
      this.#socket = UdpSocket.open(context.address);
      this.#readLater();
    });
  }

  /** The port at which it listens; undefined while it does not. */
  get port(): number | undefined {
    return this.#socket?.port;
  }

  start(): void {
    void this.#opening.begin();
  }

  wake(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#isAsleep) return;
    this.#isAsleep = false;
    this.#drops = socket.drops ?? this.#drops;
    this.#context.timers.clear(this.#timer);
    this.#readLater();
  }

  async close(): Promise<void> {
    await this.#opening.end();
    this.#context.timers.clear(this.#timer);
    if (this.#socket === undefined) return;
    this.#read(this.#socket);
    this.#countDrops(this.#socket);
    this.#socket.close();
    this.#socket = undefined;
  }

  #readLater(): void {
    this.#timer = this.#context.timers.set(() => this.#turn(), this.#waitMs);
  }

  #turn(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (!this.#context.isAwake()) {
      this.#sleep(socket);
      return;
    }
    this.#isAsleep = false;
    const { clock, soon } = this.#context;
    const beganAtMs = clock();
    this.#waitMs = this.#read(socket) > 0 ? BUSY_MS : Math.min(2 * this.#waitMs, IDLE_MS_MAX);
    const nowMs = clock();
    this.#readMs += nowMs - beganAtMs;
    if (nowMs - this.#dropsReadAtMs >= DROPS_MS) {
      this.#dropsReadAtMs = nowMs;
      this.#countDrops(socket);
    }
    if (this.#hasMore && this.#readMs < READ_MS) {
      soon(this.#nextSlice);
      return;
    }
    this.#readMs = 0;
    this.#readLater();
  }

  #sleep(socket: UdpSocket): void {
    this.#isAsleep = true;
    this.#readMs = 0;
    this.#read(socket);
    this.#drops = socket.drops ?? this.#drops;
    this.#waitMs = ASLEEP_MS;
    this.#readLater();
    this.#waitMs = BUSY_MS;
  }

  /** Reads for a slice of time. Returns the number of reports and datagrams. */
  #read(socket: UdpSocket): number {
    const { clock, intake } = this.#context;
    const endsAtMs = clock() + SLICE_MS;
    let count = 0;
    let work = 0;
    for (;;) {
      const { value, done } = this.#reports.next();
      if (done !== true) {
        intake.report(value, this.name);
        work += Math.ceil(value.length / WORK_LENGTH);
      } else if (socket.receive()) {
        this.#reports = this.#reportsOf(socket);
        work++;
      } else {
        this.#hasMore = false;
        return count;
      }
      count++;
      if (work < WORK_PER_LOOK) continue;
      if (clock() >= endsAtMs) {
        this.#hasMore = true;
        return count;
      }
      work = 0;
    }
  }

  #reportsOf(socket: UdpSocket): Iterator<string> {
    // The text of an address costs more than the look at its first byte.
    const isOpen = socket.isFromLoopback || this.#context.intake.isOpenTo(socket.source, this.name);
    return isOpen ? reportsIn(socket.text) : NOTHING;
  }

  /** Counts the datagrams for which the kernel had no room. */
  #countDrops(socket: UdpSocket): void {
    const drops = socket.drops;
    if (drops === undefined || drops === this.#drops) return;
    // The kernel counts in 32 bits.
    this.#context.intake.counts.dropped(this.name, "kernel", (drops - this.#drops) >>> 0);
    this.#drops = drops;
  }
}
