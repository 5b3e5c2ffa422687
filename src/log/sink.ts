/**
 * The end of the log: a file descriptor that is written in the background.
 *
 * A write blocks if it goes to a full pipe without a reader, and a disk may be full. So only one write is
 * under way at a time, and later lines wait in a queue of limited size. If the queue is full, lines are
 * dropped. Their number is written as soon as a write succeeds again.
 */

import { close, constants, fstatSync, openSync, write } from "node:fs";
import type { LogSink } from "./log.ts";

/** This many characters may wait for a slow disk or terminal. Then lines are dropped. */
const QUEUE_LENGTH_MAX = 1024 * 1024;

/** The wait before a descriptor that is not ready is tried again. */
const RETRY_MS = 50;

const LF = 0x0a;

/** The bytes of one write, and the facts that tell how many lines are lost if it fails. */
interface Batch {
  readonly bytes: Buffer;
  /** Number of bytes that are written. */
  written: number;
  /** Number of bytes at the beginning that are the note of lines lost before. */
  readonly noteEnd: number;
  readonly lostBefore: number;
}

export class DescriptorSink implements LogSink {
  readonly isJournal: boolean;
  #descriptor: number;
  #queue: string[] = [];
  #queuedLength = 0;
  #lost = 0;
  #lostLine = (count: number) => `${count} lines of the log were lost: they could not be written\n`;
  /** Whether the last write ended within a line. */
  #isTorn = false;
  #underWay: Batch | undefined;
  #retired: number | undefined;
  #idle: (() => void) | undefined;

  constructor(descriptor: number, isJournal = false) {
    this.#descriptor = descriptor;
    this.isJournal = isJournal;
  }

  write(line: string, lostLine = this.#lostLine): void {
    this.#lostLine = lostLine;
    if (this.#queuedLength + line.length > QUEUE_LENGTH_MAX) {
      this.#lost++;
      return;
    }
    this.#queue.push(line);
    this.#queuedLength += line.length;
    if (this.#underWay === undefined) this.#writeQueue();
  }

  /** Continues with another descriptor, and closes the old one when its last write has ended. */
  replace(descriptor: number): void {
    if (this.#underWay === undefined) {
      close(this.#descriptor);
      this.#isTorn = false;
    } else {
      // This is the second change during one write, so nothing was ever written to the descriptor in
      // between.
      if (this.#retired !== undefined) close(this.#descriptor);
      this.#retired ??= this.#descriptor;
    }
    this.#descriptor = descriptor;
  }

  /** Resolves when all lines are written, or after `timeoutMs`. */
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
    const note = `${this.#isTorn ? "\n" : ""}${this.#lost > 0 ? this.#lostLine(this.#lost) : ""}`;
    const bytes = Buffer.from(note + this.#queue.join(""));
    this.#underWay = { bytes, written: 0, noteEnd: Buffer.byteLength(note), lostBefore: this.#lost };
    this.#lost = 0;
    this.#queue = [];
    this.#queuedLength = 0;
    this.#writeBatch(this.#underWay);
  }

  #writeBatch(batch: Batch): void {
    const { bytes, written } = batch;
    write(this.#retired ?? this.#descriptor, bytes, written, bytes.length - written, null, (error, count) => {
      if (error?.code === "EAGAIN" || error?.code === "EBUSY") {
        // The descriptor may have been replaced because nothing reads it. Then the rest goes to the new one.
        this.#closeRetired();
        setTimeout(() => this.#writeBatch(batch), RETRY_MS);
        return;
      }
      batch.written += error === null ? count : 0;
      if (error === null && batch.written < bytes.length) {
        this.#writeBatch(batch);
        return;
      }
      if (batch.written > 0) this.#isTorn = bytes[batch.written - 1] !== LF;
      if (error !== null) this.#lost += lostWith(batch);
      this.#ended();
    });
  }

  #ended(): void {
    this.#underWay = undefined;
    this.#closeRetired();
    if (this.#queue.length > 0) this.#writeQueue();
    else this.#idle?.();
  }

  #closeRetired(): void {
    if (this.#retired === undefined) return;
    close(this.#retired);
    this.#retired = undefined;
    this.#isTorn = false;
  }
}

/**
 * Whether this descriptor leads to systemd's journal. JOURNAL_STREAM names the journal's stream. The
 * descriptor is compared with it, because the output may have been redirected since.
 */
export function leadsToJournal(
  descriptor: number,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const stream = env["JOURNAL_STREAM"];
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** The number of lines that are lost because a batch failed, including those that its own note counted. */
function lostWith({ bytes, written, noteEnd, lostBefore }: Batch): number {
  const rest = bytes.subarray(Math.max(written, noteEnd)).toString();
  return rest.split("\n").length - 1 + (written < noteEnd ? lostBefore : 0);
}

/** A log file: a sink that can be reopened after log rotation has moved the file. */
export class FileSink extends DescriptorSink {
  readonly #path: string;

  /** Throws if the file cannot be opened for appending. */
  constructor(path: string) {
    super(openForAppending(path));
    this.#path = path;
  }

  /** Throws if the file cannot be opened. The old one then stays in use. */
  reopen(): void {
    this.replace(openForAppending(this.#path));
  }
}

/**
 * Opens without blocking. If the path is a named pipe without a reader, opening fails; otherwise it would
 * stop the whole process.
 */
function openForAppending(path: string): number {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o644);
}
