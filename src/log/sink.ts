/**
 * Where lines of the log go: a file descriptor, written in the background.
 *
 * A write to a pipe that nobody reads blocks, and a disk may be full. So one write is under way at a time, what comes
 * meanwhile waits in a queue of bounded size, what is over is dropped, and the number of lost lines is written as soon
 * as something can be written again.
 */

import { close, constants, fstatSync, openSync, write } from "node:fs";
import type { LogSink } from "./log.ts";

/** How much waits for a slow disk or terminal before lines are dropped. */
const QUEUE_LENGTH_MAX = 1024 * 1024;

/** How soon a descriptor that is not ready is tried again. */
const RETRY_MS = 50;

const LF = 0x0a;

/** What one write is to bring out, and what is lost with it if it fails. */
interface Batch {
  readonly bytes: Buffer;
  /** How far it got. */
  written: number;
  /** Where the note of what was lost before ends. */
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
  /** The last write ended within a line. */
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

  /** Goes on with another descriptor and closes the old one when its last write has ended. */
  replace(descriptor: number): void {
    if (this.#underWay === undefined) {
      close(this.#descriptor);
      this.#isTorn = false;
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
        // The operator may have replaced it because nothing reads it.
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
 * Whether this descriptor leads to systemd's journal. The journal says in JOURNAL_STREAM which stream is its own, because a
 * program may have sent its output elsewhere since.
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

/** How many lines a batch that failed has not brought out, those that its own note told of among them. */
function lostWith({ bytes, written, noteEnd, lostBefore }: Batch): number {
  const rest = bytes.subarray(Math.max(written, noteEnd)).toString();
  return rest.split("\n").length - 1 + (written < noteEnd ? lostBefore : 0);
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

/** Without blocking: to open a named pipe that nobody reads fails, where it would otherwise stop the whole process. */
function openForAppending(path: string): number {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o644);
}
