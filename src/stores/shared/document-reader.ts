/**
 * Reads a document again and again. Parts that have not changed are not parsed: if the document has the same
 * bytes, the answer is the same object, and if an application has the same bytes, its snapshot is. Other
 * parts are parsed in slices of time, and visitors are answered between two slices.
 */

import { isUtf8 } from "node:buffer";
import { RECORDS_MAX, type Snapshot, type Snapshots, StoreError } from "../store.ts";
import { noObject, notJson, parseDocument, snapshotOf } from "./document.ts";
import {
  APPLICATION_BYTES_MAX,
  APPLICATION_ESCAPES_MAX,
  APPLICATION_VALUES_MAX,
  type Fault,
  NAME_BYTES_MAX,
  type PartRefusal,
  placeOf,
  RECORD_DEPTH_MAX,
  type Steps,
  split,
} from "./document-parts.ts";
import { inSlices } from "./in-slices.ts";
import { findJsonFault } from "./json-fault.ts";

/**
 * If a document is not longer than this, it is parsed as a whole to find its fault, because then the message
 * is best.
 */
const SHORT_BYTES = 16 * 1024;

/** An application of a document. */
interface Entry {
  /** The place of its value in the document's bytes. */
  readonly start: number;
  readonly end: number;
  readonly refused: PartRefusal | undefined;
  /** Made at the first request. */
  snapshot: Snapshot | StoreError | undefined;
}

export class DocumentReader {
  readonly #path: string;
  #last: { readonly bytes: Buffer; readonly answer: Applications | StoreError } | undefined;
  /** The last document that could be read. */
  #known: Applications;

  /** @param path for messages */
  constructor(path: string) {
    this.#path = path;
    this.#known = new Applications(path, Buffer.alloc(0), new Map());
  }

  /**
   * @param bytes not to be changed afterwards
   * @throws {StoreError} malformed
   */
  async read(bytes: Buffer): Promise<Snapshots> {
    const last = this.#last;
    const answer =
      last !== undefined && Buffer.compare(last.bytes, bytes) === 0 ? last.answer : await this.#answer(bytes);
    this.#last = { bytes, answer };
    if (answer instanceof StoreError) throw answer;
    return answer;
  }

  async #answer(bytes: Buffer): Promise<Applications | StoreError> {
    if (!isUtf8(bytes)) {
      return new StoreError("malformed", `${this.#path} is not UTF-8 text; save it as UTF-8`);
    }
    const found = await inSlices(this.#understand(bytes));
    if (!(found instanceof Map)) return this.#faultAt(bytes, found);
    this.#known = new Applications(this.#path, bytes, found);
    return this.#known;
  }

  *#understand(bytes: Buffer): Steps<Map<string, Entry> | Fault> {
    const parts = yield* split(bytes);
    if (!Array.isArray(parts)) return parts;
    const entries = new Map<string, Entry>();
    for (const { nameStart, nameEnd, start, end, refused } of parts) {
      yield;
      if (nameEnd - nameStart > NAME_BYTES_MAX) {
        return { offset: nameStart, expected: `a name of at most ${NAME_BYTES_MAX} bytes` };
      }
      const parsed = parse(bytes.toString("utf8", nameStart, nameEnd));
      if (parsed === undefined) return { offset: nameStart, expected: "a name in quotes" };
      const name = parsed.value as string;
      const snapshot = this.#known.same(name, bytes, start, end);
      if (snapshot === undefined && refused === undefined) {
        const text = bytes.toString("utf8", start, end);
        const isSound = parse(text) !== undefined;
        yield;
        if (!isSound) return faultWithin(text, start);
      }
      entries.set(name, { start, end, refused, snapshot: snapshot === UNASKED ? undefined : snapshot });
    }
    return entries;
  }

  async #faultAt(bytes: Buffer, fault: Fault): Promise<StoreError> {
    if (bytes.length <= SHORT_BYTES) {
      try {
        parseDocument(this.#path, new TextDecoder().decode(bytes));
      } catch (error) {
        if (error instanceof StoreError) return error;
      }
    }
    if (fault.expected === "an object") return noObject(this.#path);
    const { line, column } = await inSlices(placeOf(bytes, fault.offset));
    const what =
      fault.expected === undefined ? "the value that begins here has no end" : `expected ${fault.expected}`;
    return notJson(`${this.#path}:${line}:${column}`, what);
  }
}

/** The applications of one document. */
class Applications implements Snapshots {
  readonly #path: string;
  readonly #bytes: Buffer;
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(path: string, bytes: Buffer, entries: ReadonlyMap<string, Entry>) {
    this.#path = path;
    this.#bytes = bytes;
    this.#entries = entries;
  }

  get(application: string): Snapshot | StoreError {
    const entry = this.#entries.get(application);
    if (entry === undefined) return NONE;
    entry.snapshot ??= this.#make(application, entry);
    return entry.snapshot;
  }

  /** The entry of an application whose text is the same in another document; undefined if it is not. */
  same(
    application: string,
    bytes: Buffer,
    start: number,
    end: number,
  ): Snapshot | StoreError | typeof UNASKED | undefined {
    const known = this.#entries.get(application);
    if (known === undefined || known.end - known.start !== end - start) return undefined;
    if (this.#bytes.compare(bytes, start, end, known.start, known.end) !== 0) return undefined;
    return known.snapshot ?? UNASKED;
  }

  #make(application: string, { start, end, refused }: Entry): Snapshot | StoreError {
    if (refused !== undefined) {
      const what = `${this.#path}: ${JSON.stringify(application)} ${REFUSALS[refused]}`;
      return new StoreError("malformed", `${what}; take out versions and fields that nothing needs`);
    }
    try {
      return snapshotOf(this.#path, application, JSON.parse(this.#bytes.toString("utf8", start, end)));
    } catch (error) {
      if (error instanceof StoreError) return error;
      throw error;
    }
  }
}

const REFUSALS: Readonly<Record<PartRefusal, string>> = {
  "too long": `is longer than ${APPLICATION_BYTES_MAX} bytes`,
  "too many versions": `has more than ${RECORDS_MAX} versions`,
  "too many values": `has more than ${APPLICATION_VALUES_MAX} values`,
  "too many escapes": `has more than ${APPLICATION_ESCAPES_MAX} backslashes`,
  "too deep": `is nested too deeply, more than ${RECORD_DEPTH_MAX} levels in a record`,
};

/** An application with a valid text, whose snapshot was not requested yet. */
const UNASKED = Symbol("unasked");

/** The snapshot of every application that the document does not name. */
const NONE: Snapshot = new Map();

function faultWithin(text: string, offset: number): Fault {
  const fault = findJsonFault(text);
  if (fault === undefined) return { offset, expected: "JSON" };
  const before = Buffer.byteLength(text.slice(0, fault.offset));
  return { offset: offset + before, expected: fault.expected };
}

/** In an object, because `undefined` says that it is not JSON. */
function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
