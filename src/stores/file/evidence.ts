/**
 * The evidence of releases in the directory `FILE.evidence`, beside the file of the rollouts:
 *
 *     rollouts.json.evidence/website-KEY-HASH/k3v9x2ab.log      one file for each process that appends
 *
 * A reader's cursor has its place in each file, with the end of the line before. If a file has something else
 * there, a backup took its place, and the reader reads it from its start.
 *
 * There is no watch: a read looks at the sizes of the files, and that is cheap.
 */

import { constants } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Evidence, EvidenceLog, EvidenceNews } from "../evidence.ts";
import { unlessAborted } from "../shared/abort.ts";
import { cursorOf, endOf, type Lines, linesIn, type Place, placesOf } from "./evidence-lines.ts";
import { directoryNameOf, evidenceOf, fileNameOf, nameIn } from "./evidence-names.ts";
import { EvidenceWriter } from "./evidence-writer.ts";
import { errorCode, evidenceFault } from "./faults.ts";
import { followLinks } from "./links.ts";

/** An answer ends after about this many bytes. Parsing it must not make visitors wait. */
const ANSWER_BYTES = 96 * 1024;

/** A read from the disk has at least this many bytes. */
const CHUNK_BYTES_MIN = 4_096;

/** No line of this program is longer. */
const LINE_BYTES_MAX = 512 * 1024;

/** The links above the file of the rollouts are followed again after this time. */
const LINKS_MS = 1_000;

/** A log has fewer files. */
const FILES_MAX = 256;

export class FileEvidence implements Evidence {
  readonly #path: string;
  readonly #clock: () => number;
  readonly #writer: EvidenceWriter;
  #target: { readonly path: Promise<string>; readonly followedAtMs: number } | undefined;

  /**
   * @param path  of the rollouts; absolute
   * @param clock monotonic, in milliseconds
   */
  constructor(path: string, clock: () => number) {
    this.#path = path;
    this.#clock = clock;
    this.#writer = new EvidenceWriter({ clock });
  }

  async append(log: EvidenceLog, batches: readonly string[], signal: AbortSignal): Promise<void> {
    const work = async () => {
      const target = await this.#followed();
      if (!signal.aborted) await this.#writer.append(target, log, batches);
    };
    await this.#inTime(signal, work());
  }

  async read(log: EvidenceLog, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews> {
    return this.#inTime(signal, this.#read(log, cursor ?? "", signal));
  }

  async #read(log: EvidenceLog, cursor: string, signal: AbortSignal): Promise<EvidenceNews> {
    const target = await this.#followed();
    const directory = join(evidenceOf(target), directoryNameOf(log));
    const before = placesOf(cursor);
    const places = new Map<string, Place>();
    const batches: string[] = [];
    let room = ANSWER_BYTES;
    let hasMore = false;
    for (const name of await namesIn(directory)) {
      const place = before.get(name);
      if (room <= 0 || signal.aborted) {
        // Whether it has news is seen at the next call.
        hasMore = true;
        if (place !== undefined) places.set(name, place);
        continue;
      }
      const news = await newsOf(join(directory, fileNameOf(name)), place, room);
      if (news === undefined) continue;
      batches.push(...news.batches);
      places.set(name, news.place);
      room -= news.length;
      hasMore ||= news.hasMore;
    }
    return { batches, cursor: cursorOf(places), hasMore };
  }

  /** The file of the rollouts. Hundreds of releases ask for it, so its links are not followed each time. */
  #followed(): Promise<string> {
    const nowMs = this.#clock();
    if (this.#target === undefined || nowMs - this.#target.followedAtMs > LINKS_MS) {
      const path = followLinks(this.#path).then(({ target }) => target);
      this.#target = { path, followedAtMs: nowMs };
    }
    return this.#target.path;
  }

  async #inTime<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
    try {
      return await unlessAborted(signal, work);
    } catch (error) {
      throw evidenceFault(evidenceOf(this.#path), error);
    }
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const names = (await readdir(directory)).flatMap((fileName) => nameIn(fileName) ?? []);
    return names.toSorted().slice(0, FILES_MAX);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

interface News extends Lines {
  readonly place: Place;
  readonly hasMore: boolean;
}

/** The lines of a file behind a place; undefined if the file was removed meanwhile. */
async function newsOf(path: string, before: Place | undefined, room: number): Promise<News | undefined> {
  let file: FileHandle | undefined;
  try {
    if (before !== undefined && (await stat(path)).size === before.offset) {
      return { batches: [], length: 0, nonce: before.nonce, place: before, hasMore: false };
    }
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const place = before !== undefined && (await isThere(file, before)) ? before : START;
    return await readOn(file, place, room);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  } finally {
    await file?.close();
  }
}

const START: Place = { offset: 0, nonce: "" };

/** Whether the line before this place is still the same. */
async function isThere(file: FileHandle, place: Place): Promise<boolean> {
  if (place.nonce === "") return (await file.stat()).size >= place.offset;
  const end = Buffer.from(endOf(place));
  const start = place.offset - end.byteLength;
  return start >= 0 && end.equals(await bytesAt(file, start, end.byteLength));
}

async function readOn(file: FileHandle, { offset, nonce }: Place, room: number): Promise<News> {
  for (let length = Math.max(room, CHUNK_BYTES_MIN); ; length = Math.min(length * 2, LINE_BYTES_MAX)) {
    const bytes = await bytesAt(file, offset, length);
    const lines = linesIn(bytes);
    const isWhole = bytes.byteLength < length;
    if (lines.length > 0) {
      const place = { offset: offset + lines.length, nonce: lines.nonce };
      return { ...lines, place, hasMore: !isWhole };
    }
    // The rest of the file is the beginning of a line.
    if (isWhole) return { ...lines, place: { offset, nonce }, hasMore: false };
    if (length < LINE_BYTES_MAX) continue;
    return { ...lines, length, place: { offset: offset + length, nonce: "" }, hasMore: true };
  }
}

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, offset + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}
