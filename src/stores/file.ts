/**
 * Rollouts in a JSON file: `file:/etc/maxwells-daemon/rollouts.json`.
 *
 *     { "website": { "canary": 0.25, "maintenance": 0 } }
 *
 * Operators edit the file, deployment tools replace it, and the command line writes it. Writers of this
 * program exclude each other by a lock file, and do not overwrite a file that another program has changed in
 * the meantime. A half-written file is an error and never a snapshot, because the text is one object, and an
 * object that is cut off is not valid JSON.
 */

import { resolve } from "node:path";
import type { Evidence } from "./evidence.ts";
import { areSame, readBytes, readIfAny, textOf, tooLarge } from "./file/contents.ts";
import { FileEvidence } from "./file/evidence.ts";
import { readFault, writeFault } from "./file/faults.ts";
import { followLinks } from "./file/links.ts";
import { takeLock } from "./file/lock.ts";
import { replaceFile } from "./file/replace.ts";
import { FileWatch } from "./file/watch.ts";
import { abandoned, unlessAborted } from "./shared/abort.ts";
import {
  applicationsOf,
  DOCUMENT_BYTES_MAX,
  type Document,
  findRecord,
  formatDocument,
  parseDocument,
  withoutRecord,
  withRecord,
} from "./shared/document.ts";
import { onlyApplication, withApplication } from "./shared/document-edit.ts";
import { refusalOf } from "./shared/document-parts.ts";
import { DocumentReader } from "./shared/document-reader.ts";
import { inSlices } from "./shared/in-slices.ts";
import {
  type Lost,
  type RecordFields,
  type Removed,
  type Snapshot,
  type Snapshots,
  type Store,
  type StoreContext,
  StoreError,
  type StoreKind,
  type Written,
} from "./store.ts";

/** A file that is not longer is written as a whole, and indented. In a longer one, only a part changes. */
const SHORT_BYTES = 32 * 1024;

export const file: StoreKind = {
  name: "file",
  usage: "file:PATH",
  summary: "a JSON file, noticed when it changes",

  check(location) {
    if (location === "" || location.endsWith("/") || location.includes("\0")) {
      return "write the path of a JSON file, as in file:/etc/maxwells-daemon/rollouts.json";
    }
    return undefined;
  },

  async open(context: StoreContext): Promise<Store> {
    return new FileStore(resolve(context.location), context.warn.bind(context));
  },
};

class FileStore implements Store {
  readonly address: string;
  readonly evidence: Evidence;
  readonly #path: string;
  readonly #warn: (message: string) => void;
  readonly #watch: FileWatch;
  readonly #reader: DocumentReader;

  constructor(path: string, warn: (message: string) => void) {
    this.address = `file:${path}`;
    this.#path = path;
    this.#warn = warn;
    this.#watch = new FileWatch(path, warn);
    this.#reader = new DocumentReader(path);
    this.evidence = new FileEvidence(path, () => performance.now());
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    const snapshot = (await this.readMany([application], signal)).get(application);
    if (snapshot instanceof StoreError || snapshot === undefined) throw snapshot;
    return snapshot;
  }

  async readMany(_applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    this.#watch.look();
    try {
      return await unlessAborted(signal, this.#readAll());
    } catch (error) {
      throw readFault(this.#path, error);
    }
  }

  async #readAll(): Promise<Snapshots> {
    return this.#reader.read(await readBytes(this.#path));
  }

  watch(_application: string, changed: () => void): () => void {
    return this.#watch.add(changed);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    let revision = "";
    const lost = await this.#replace(application, version, expected, signal, (document) => {
      const after = withRecord(this.#path, document, application, version, fields);
      // Refused here, because no daemon could read it later.
      revision = findRecord(this.#path, after, application, version, "refused")?.revision ?? "";
      return after;
    });
    return lost ?? { ok: true, revision };
  }

  async remove(
    application: string,
    version: string,
    expected: string,
    signal: AbortSignal,
  ): Promise<Removed> {
    const lost = await this.#replace(application, version, expected, signal, (document) =>
      withoutRecord(this.#path, document, application, version),
    );
    return lost ?? { ok: true };
  }

  /**
   * Replaces the file by the result of `change`, under the lock, if the record still has the revision
   * `expected`.
   */
  async #replace(
    application: string,
    version: string,
    expected: string | null,
    signal: AbortSignal,
    change: (document: Document) => Document,
  ): Promise<Lost | undefined> {
    try {
      if (signal.aborted) throw abandoned(signal);
      const { target } = await followLinks(this.#path);
      const lock = await takeLock(target, signal, this.#warn);
      try {
        const before = await readIfAny(target);
        const document = await this.#documentOf(before, application);
        const current = findRecord(this.#path, document, application, version);
        if ((current?.revision ?? null) !== expected) return { ok: false, current };

        const after = change(document);
        this.#refuseUnreadable(after, application);
        const bytes = await this.#bytesOf(before, application, after);
        if (bytes.byteLength > DOCUMENT_BYTES_MAX) throw tooLarge("refused", `${this.#path} would be`);
        await replaceFile(target, bytes, async () => {
          if (signal.aborted) throw abandoned(signal);
          await lock.confirm();
          if (!areSame(await readIfAny(target), before)) {
            throw new StoreError("unavailable", `${target} is being changed by another program; try again`);
          }
          if (signal.aborted) throw abandoned(signal);
        });
        return undefined;
      } finally {
        await lock.release();
      }
    } catch (error) {
      throw writeFault(this.#path, error);
    }
  }

  /** The document, or only the part of it with this application if it is long. */
  async #documentOf(bytes: Buffer | undefined, application: string): Promise<Document> {
    if (bytes === undefined) return {};
    if (isShort(bytes)) return parseDocument(this.#path, textOf(this.#path, bytes));
    // Rejects if any part of it is malformed.
    await this.#reader.read(bytes);
    return inSlices(onlyApplication(bytes, application));
  }

  /** The bytes of a file after a change of this application. */
  async #bytesOf(before: Buffer | undefined, application: string, after: Document): Promise<Buffer> {
    if (before === undefined || isShort(before)) return Buffer.from(formatDocument(after));
    return inSlices(withApplication(before, application, after));
  }

  /** Refuses a write after which no daemon could read the application. */
  #refuseUnreadable(document: Document, application: string): void {
    if (!Object.hasOwn(document, application)) return;
    const own = Object.fromEntries([[application, document[application]]]);
    const refused = refusalOf(Buffer.from(formatDocument(own)), application);
    if (refused === undefined) return;
    const remedy = "take out versions and fields that nothing needs; nothing was written";
    throw new StoreError("refused", `${application} would be ${refused} in ${this.#path}; ${remedy}`);
  }

  async applications(signal: AbortSignal): Promise<readonly string[]> {
    try {
      const bytes = await unlessAborted(signal, readBytes(this.#path));
      return applicationsOf(parseDocument(this.#path, textOf(this.#path, bytes)));
    } catch (error) {
      throw readFault(this.#path, error);
    }
  }

  async close(): Promise<void> {
    this.#watch.close();
  }
}

function isShort(bytes: Buffer): boolean {
  return bytes.byteLength <= SHORT_BYTES;
}
