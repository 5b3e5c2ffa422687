/**
 * The highest state of each release that this daemon has seen (law 17), in memory and in the state directory:
 * one file for each application, written only when it changes.
 */

import type { StateFiles } from "../files/small-files.ts";
import type { Log } from "../log/log.ts";
import { VERSIONS_MAX } from "../records/check.ts";
import { KNOWN_MAX, knownAfter, NOTHING_KNOWN } from "../releases/known.ts";
import { isKey } from "../releases/release.ts";
import type { Known, KnownRelease, Now } from "../releases/request.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Target } from "../verbs/look.ts";

export interface HighestOptions {
  /** Undefined without a state directory: then a restart forgets. */
  readonly files: StateFiles | undefined;
  /** The store's address. States of another store do not count. */
  readonly store: string;
  readonly log: Log;
}

type Versions = Map<string, Known>;

export class Highest {
  readonly #options: HighestOptions;
  readonly #applications = new Map<string, Versions>();
  readonly #loaded = new Set<string>();
  readonly #loading = new Map<string, Promise<void>>();
  #names: Promise<ReadonlySet<string>> | undefined;
  /** Applications whose file is not up to date. */
  readonly #unwritten = new Set<string>();
  #writing: Promise<void> | undefined;

  constructor(options: HighestOptions) {
    this.#options = options;
  }

  isLoaded(application: string): boolean {
    return this.#options.files === undefined || this.#loaded.has(application);
  }

  /** Reads the file of an application, once. The directory is listed once for all. Never rejects. */
  load(application: string): Promise<void> {
    const loading = this.#loading.get(application) ?? this.#load(application);
    this.#loading.set(application, loading);
    return loading;
  }

  /** Nothing before `load` has resolved. */
  of({ application, version }: Target): Known {
    return this.#applications.get(application)?.get(version) ?? NOTHING_KNOWN;
  }

  /** The versions of which a release was seen. */
  versions(application: string): IterableIterator<string> {
    return this.#applications.get(application)?.keys() ?? [].values();
  }

  /**
   * Takes a look at a record into account. The file is written in the background. Returns whether it is
   * news.
   */
  see(target: Target, now: Now): boolean {
    const { application, version } = target;
    const before = this.of(target);
    const after = knownAfter(before, now);
    if (after === before) return false;
    const versions = this.#applications.get(application) ?? new Map<string, Known>();
    if (!versions.has(version) && versions.size >= VERSIONS_MAX) return false;
    this.#applications.set(application, versions.set(version, after));
    if (this.#options.files === undefined) return true;
    this.#unwritten.add(application);
    this.#write();
    return true;
  }

  /** Resolves when all files are up to date, or could not be written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #load(application: string): Promise<void> {
    const { files, store } = this.#options;
    try {
      this.#names ??= this.#list();
      const isThere = (await this.#names).has(fileOf(application));
      const text = isThere ? await files?.read(fileOf(application)) : undefined;
      if (text !== undefined) this.#applications.set(application, parse(text, store));
    } catch (error) {
      this.#complain(error);
    }
    this.#loaded.add(application);
    this.#loading.delete(application);
  }

  /** Never rejects. */
  async #list(): Promise<ReadonlySet<string>> {
    try {
      return new Set(await this.#options.files?.list());
    } catch (error) {
      this.#complain(error);
      return new Set();
    }
  }

  #complain(error: unknown): void {
    this.#options.log.warn(
      "what was seen of releases could not be read, so a store that went back may not be noticed",
      { error: errorMessage(error), remedy: "look at the rights of the state directory" },
    );
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    const { files, store, log } = this.#options;
    // The loop also visits applications that are added while it runs.
    for (const application of this.#unwritten) {
      this.#unwritten.delete(application);
      try {
        const versions = Object.fromEntries(this.#applications.get(application) ?? []);
        await files?.write(fileOf(application), `${JSON.stringify({ store, versions })}\n`);
      } catch (error) {
        log.warn("what was seen of a release could not be saved", {
          ...{ application, error: errorMessage(error) },
          now: "after a restart, this daemon may not notice a store that went back",
        });
      }
    }
  }
}

function fileOf(application: string): string {
  return `${application}.json`;
}

/** Empty if the text is not ours, or of another store. */
function parse(text: string, store: string): Versions {
  const versions: Versions = new Map();
  const saved = objectIn(text);
  if (saved?.["store"] !== store) return versions;
  for (const [version, value] of Object.entries(saved["versions"] ?? {}).slice(0, VERSIONS_MAX)) {
    const { seq, releases } = (value ?? {}) as { readonly seq?: unknown; readonly releases?: unknown };
    if (!isCount(seq) || !Array.isArray(releases) || !releases.every(isKnownRelease)) continue;
    versions.set(version, { seq, releases: releases.slice(0, KNOWN_MAX) });
  }
  return versions;
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isKnownRelease(value: unknown): value is KnownRelease {
  const { key, seq, isOver, isZero } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return isKey(key) && isCount(seq) && typeof isOver === "boolean" && typeof isZero === "boolean";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
