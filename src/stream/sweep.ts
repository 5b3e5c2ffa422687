/**
 * The search for connections of a listener that are silent, or whose request is not complete in time. Bun's
 * own socket timers are too coarse: they tick every four seconds.
 */

import { Slices } from "../slices.ts";
import { REQUEST_MS_MAX, type StreamConnection, type StreamSocket } from "./stream-connection.ts";
import { DRAIN_MS } from "./stream-context.ts";
import type { StreamShared } from "./stream-shared.ts";

/** The longest and the shortest time between two sweeps. */
const SWEEP_MS_MAX = 1_000;
const SWEEP_MS_MIN = 10;

/**
 * A sweep that is later than this means that the process was stopped. The daemon then first reads what has
 * arrived.
 */
const STOPPED_MS = 1_000;

export interface SweepOptions {
  readonly shared: StreamShared;
  /** A connection that is silent for this long is closed. */
  readonly silenceMs: number;
  readonly sockets: Iterable<StreamSocket>;
  /** The connection of a socket. It is made if there has been nothing to remember so far. */
  readonly connectionOf: (socket: StreamSocket) => StreamConnection;
  /** Called at every sweep. */
  readonly swept: (nowMs: number) => void;
}

export class Sweep {
  readonly #options: SweepOptions;
  readonly #clock: () => number;
  #sweptAtMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isSweeping = false;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#clock = options.shared.context.clock;
  }

  start(): void {
    const { silenceMs, swept } = this.#options;
    const everyMs = Math.min(SWEEP_MS_MAX, Math.max(SWEEP_MS_MIN, silenceMs / 4));
    this.#sweptAtMs = this.#clock();
    this.#timer = setInterval(() => {
      const nowMs = this.#clock();
      const isLate = nowMs - this.#sweptAtMs > everyMs + STOPPED_MS;
      this.#sweptAtMs = nowMs;
      if (!isLate && !this.#isSweeping) void this.#endSilent(nowMs);
      swept(nowMs);
    }, everyMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Works in slices, because thousands may have to go at once, and the end of each takes some ten
   * microseconds. Never rejects.
   */
  async #endSilent(nowMs: number): Promise<void> {
    this.#isSweeping = true;
    const slices = new Slices();
    for (const socket of this.#options.sockets) {
      this.#endIfSilent(socket, nowMs);
      if (slices.isOver()) await slices.next();
      if (this.#options.shared.isClosing) break;
    }
    this.#isSweeping = false;
  }

  #endIfSilent(socket: StreamSocket, nowMs: number): void {
    const { silenceMs, shared } = this.#options;
    // A connection that was not remembered was opened after the last sweep, so it counts as active now.
    const connection = this.#options.connectionOf(socket);
    if (connection.isOverdue(nowMs - REQUEST_MS_MAX)) {
      shared.counts.failure++;
      connection.terminate();
      return;
    }
    // A connection that has been ended and is still there is cut off. So is one whose client does not read
    // its replies.
    const patienceMs = connection.isClosing ? Math.min(silenceMs, DRAIN_MS) : silenceMs;
    if (connection.activeAtMs > nowMs - patienceMs) return;
    if (connection.isPaused) shared.counts.failure++;
    if (connection.isClosing || connection.isPaused) connection.terminate();
    else connection.end();
  }
}
