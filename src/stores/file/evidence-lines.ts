/**
 * The lines of a file of evidence, and the place of a reader in such files. Pure.
 *
 *     ["batch","batch"] 81c3f2a09b6d4e57
 *
 * A line has the batches of one append, and a nonce at its end. A line that was cut off has no nonce at its
 * end, so it does not count.
 */

import { shallowJsonOrText } from "../shared/json-text.ts";

export const NONCE_LENGTH = 16;

const LINE = /^(\[.*\]) ([0-9a-f]{16})$/;
const PLACE = /^([0-9a-z]{8})\.(\d{1,12})\.([0-9a-f]{16})?$/;
const LF = 0x0a;

/** The place in a file behind the last line that its reader has. */
export interface Place {
  /** In bytes. */
  readonly offset: number;
  /** The end of this line; empty if it had none. If the file has something else there, it is another file. */
  readonly nonce: string;
}

/** By the file's name. */
export type Places = ReadonlyMap<string, Place>;

/**
 * The text of one append. It begins with a line break, because the last writer may have died within a line.
 */
export function lineOf(batches: readonly string[], nonce: string): string {
  return `\n${JSON.stringify(batches)} ${nonce}\n`;
}

/** The end of the line that was at a place; it ends right before the place. */
export function endOf({ nonce }: Place): string {
  return `${nonce}\n`;
}

export interface Lines {
  readonly batches: readonly string[];
  /** The number of bytes that are read, up to the end of a line; 0 if no line is complete. */
  readonly length: number;
  /** The nonce of the last of these lines; empty if it has none. */
  readonly nonce: string;
}

/** The complete lines of these bytes. Lines that are not ours have no batches. */
export function linesIn(bytes: Buffer): Lines {
  const length = endOfLines(bytes);
  const batches: string[] = [];
  let nonce = "";
  for (const line of bytes.toString("utf8", 0, length).split("\n").slice(0, -1)) {
    const [, list = "", end = ""] = LINE.exec(line) ?? [];
    const found = shallowJsonOrText(list);
    if (Array.isArray(found)) batches.push(...found.filter((batch) => typeof batch === "string"));
    nonce = end;
  }
  return { batches, length, nonce };
}

/** The place behind the last line that is complete, without empty lines at the end. */
function endOfLines(bytes: Buffer): number {
  let end = bytes.lastIndexOf(LF) + 1;
  while (end > 0 && (end === 1 || bytes[end - 2] === LF)) end--;
  return end;
}

export function cursorOf(places: Places): string {
  return [...places].map(([name, { offset, nonce }]) => `${name}.${offset}.${nonce}`).join(" ");
}

/** Parts of a cursor that are not valid are left out. */
export function placesOf(cursor: string): Places {
  const places = new Map<string, Place>();
  for (const part of cursor.split(" ")) {
    const [, name, offset, nonce = ""] = PLACE.exec(part) ?? [];
    if (name !== undefined) places.set(name, { offset: Number(offset), nonce });
  }
  return places;
}
