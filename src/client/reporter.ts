/**
 * Reports outcomes to the daemon, over a connection of their own, so that no visitor's question waits behind
 * them.
 *
 * Reports are worth little one by one. So nothing waits for them, and nothing keeps them: what does not fit
 * into the queue is dropped and counted, and so is what was on its way when the connection broke. After that
 * the reporter tries again a second later. A daemon that does not know the question `?outcome` would count
 * each report as a bad request, so the reporter leaves it alone for a minute.
 */

import { connect, type Socket } from "node:net";
import { type ClientAddress, connectOptions } from "./address.ts";

/** Reports go out together after this time. */
const BATCH_MS = 50;

/** Reports that wait. Further ones are dropped. */
export const QUEUE_MAX = 4_096;

/** Bytes that the kernel and the daemon have not taken. Reports wait while there are more. */
const UNSENT_BYTES_MAX = 262_144;

/** Time without a connection after one broke, or after the daemon did not understand. */
const BROKEN_MS = 1_000;
const UNKNOWN_MS = 60_000;

/** The answer to a report is `1` or `0`, and an empty line. */
const ANSWERS = /^(?:[01]\n\n)*(?:[01]\n?)?$/;

export interface ReporterStats {
  /** Reports that were given to the daemon. */
  readonly sent: number;
  /** Reports that were not. */
  readonly dropped: number;
}

export class Reporter {
  readonly #address: ClientAddress;
  #socket: Socket | undefined;
  #queue: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The end of an answer that has not come whole. */
  #partial = "";
  #retryAtMs = 0;
  #isClosed = false;
  #sent = 0;
  #dropped = 0;

  constructor(address: ClientAddress) {
    this.#address = address;
  }

  get stats(): ReporterStats {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  /** Takes a line, or undefined for a report that cannot be sent. Never throws or waits. */
  add(line: string | undefined): void {
    if (line === undefined || this.#isClosed || this.#queue.length >= QUEUE_MAX) {
      this.#dropped++;
      return;
    }
    this.#queue.push(line);
    this.#sendSoon();
  }

  /** Sends what waits, if there is a connection, and closes it. */
  close(): void {
    if (this.#isClosed) return;
    this.#send();
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#dropped += this.#queue.length;
    this.#queue = [];
    this.#socket?.end();
  }

  #sendSoon(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send();
    }, BATCH_MS);
    this.#timer.unref?.();
  }

  #send(): void {
    if (this.#queue.length === 0 || this.#isClosed) return;
    if (performance.now() < this.#retryAtMs) {
      this.#sendSoon();
      return;
    }
    this.#socket ??= this.#open();
    const socket = this.#socket;
    if (socket === undefined) return;
    if (socket.writableLength > UNSENT_BYTES_MAX) {
      this.#sendSoon();
      return;
    }
    const lines = this.#queue;
    this.#queue = [];
    this.#sent += lines.length;
    socket.write(lines.join(""));
  }

  #open(): Socket | undefined {
    try {
      const socket = connect(connectOptions(this.#address));
      socket.unref();
      socket.on("data", (bytes: Buffer) => this.#receive(socket, bytes.toString("latin1")));
      for (const end of ["end", "error", "close"]) socket.on(end, () => this.#lost(socket, BROKEN_MS));
      this.#partial = "";
      return socket;
    } catch {
      // Deno throws if a permission is missing.
      this.#lost(undefined, UNKNOWN_MS);
      return undefined;
    }
  }

  #receive(socket: Socket, bytes: string): void {
    const text = this.#partial + bytes;
    if (!ANSWERS.test(text)) {
      this.#lost(socket, UNKNOWN_MS);
      return;
    }
    const whole = text.lastIndexOf("\n\n");
    this.#partial = whole < 0 ? text : text.slice(whole + 2);
  }

  #lost(socket: Socket | undefined, waitMs: number): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#retryAtMs = performance.now() + waitMs;
    socket?.destroy();
  }
}
