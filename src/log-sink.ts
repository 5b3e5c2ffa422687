/**
 * Where lines of the log go: a file descriptor, written in the background.
 *
 * A write to a pipe that nobody reads blocks, and a disk may be full. So one write is under way at a time, what comes
 * meanwhile waits in a queue of bounded size, what is over is dropped, and the number of lost lines is written as soon
 * as something can be written again.
 */

import { close, closeSync, openSync, write } from "node:fs";
import type { LogSink } from "./log.ts";

/** How much waits for a slow disk or terminal before lines are dropped. */
const QUEUE_BYTES_MAX = 1024 * 1024;

/** How soon a descriptor that is not ready is tried again. */
const RETRY_MS = 50;

export class DescriptorSink implements LogSink {
  #descriptor: number;
  #queue: string[] = [];
  #queuedLength = 0;
  #lost = 0;
  #underWay: Buffer | undefined;
  #retired: number | undefined;
  #idle: (() => void) | undefined;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(line: string): void {
    if (this.#queuedLength + line.length > QUEUE_BYTES_MAX) {
      this.#lost++;
      return;
    }
    this.#queue.push(line);
    this.#queuedLength += line.length;
    if (this.#underWay === undefined) this.#writeQueue();
  }

  /** Goes on with another descriptor and closes the old one when its last write has ended. */
  replace(descriptor: number): void {
    if (this.#underWay === undefined) {
      close(this.#descriptor);
    } else {
      // A second change within one write: the one in between has never been written to.
      if (this.#retired !== undefined) close(this.#descriptor);
      this.#retired ??= this.#descriptor;
    }
    this.#descriptor = descriptor;
  }

  /** Resolves when all is written, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#underWay === undefined) return;
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#idle = resolve;
      }),
      Bun.sleep(timeoutMs),
    ]);
  }

  #writeQueue(): void {
    let text = this.#queue.join("");
    const note = `${this.#lost} lines of the log were lost: they came faster than they could be written\n`;
    if (this.#lost > 0) text = `${note}${text}`;
    this.#lost = 0;
    this.#queue = [];
    this.#queuedLength = 0;
    this.#writeBytes(Buffer.from(text));
  }

  #writeBytes(bytes: Buffer): void {
    this.#underWay = bytes;
    write(this.#retired ?? this.#descriptor, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === "EAGAIN" || error?.code === "EBUSY") {
        setTimeout(() => this.#writeBytes(bytes), RETRY_MS);
      } else if (error === null && written < bytes.length) {
        this.#writeBytes(bytes.subarray(written));
      } else {
        if (error !== null) this.#lost += bytes.toString().split("\n").length - 1;
        this.#ended();
      }
    });
  }

  #ended(): void {
    this.#underWay = undefined;
    if (this.#retired !== undefined) {
      close(this.#retired);
      this.#retired = undefined;
    }
    if (this.#queue.length > 0) this.#writeQueue();
    else this.#idle?.();
  }
}

/** A log file: a sink that can be reopened after the file was rotated away. */
export class FileSink extends DescriptorSink {
  readonly #path: string;

  /** Throws where the file cannot be opened for appending. */
  constructor(path: string) {
    super(openForAppending(path));
    this.#path = path;
  }

  /** Throws where the file cannot be opened; the old one then stays in use. */
  reopen(): void {
    this.replace(openForAppending(this.#path));
  }
}

/** Whether a log could be kept at `path`; throws if not. */
export function probeLogfile(path: string): void {
  closeSync(openForAppending(path));
}

function openForAppending(path: string): number {
  return openSync(path, "a", 0o640);
}
