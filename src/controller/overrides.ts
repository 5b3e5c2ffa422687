/**
 * Overrides: a verdict takes the visitors of a release back on this daemon at once, before the record says
 * so.
 *
 *     <state-dir>/overrides/<key>.json
 *
 * The file makes the override outlast a restart. It is also the way for a person to end it: an override whose
 * file was removed is over. So only users who may write the state directory can do that, and no listener is
 * needed for it, which every user of the machine could reach.
 */

import type { StateFiles } from "../files/small-files.ts";
import type { Log } from "../log/log.ts";
import { releaseIn } from "../records/release-in.ts";
import { isUnderWay } from "../releases/release.ts";
import { clipped } from "../releases/release-field.ts";
import type { Now } from "../releases/request.ts";
import { fileOf, type Override, overrideIn, overrideText } from "../saved/override-file.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Target } from "../verbs/look.ts";

/** More overrides than this are not kept. There is one for each release at most. */
const OVERRIDES_MAX = 10_000;

export interface OverridesOptions {
  /** Undefined without a state directory: then a restart forgets. */
  readonly files: StateFiles | undefined;
  /** The store's address. Overrides of another store do not count. */
  readonly store: string;
  /** Whether this daemon serves an application. */
  readonly serves: (application: string) => boolean;
  readonly log: Log;
}

export class Overrides {
  readonly #options: OverridesOptions;
  readonly #byTarget = new Map<string, Override>();
  /** The keys whose file is on the disk. */
  readonly #saved = new Set<string>();
  #working: Promise<void> = Promise.resolve();

  constructor(options: OverridesOptions) {
    this.#options = options;
  }

  get all(): readonly Override[] {
    return [...this.#byTarget.values()];
  }

  /** Reads the files of an earlier process, for the applications that it serves now. Never rejects. */
  async load(): Promise<void> {
    const { files, store, serves, log } = this.#options;
    try {
      for (const name of (await files?.list()) ?? []) {
        const override = overrideIn((await files?.read(name)) ?? "", store);
        if (override === undefined || fileOf(override.key) !== name) continue;
        // This daemon reads no record of it that could end the override. If it serves the application again,
        // the file still counts.
        if (!serves(override.application)) continue;
        this.#byTarget.set(nameOf(override), override);
        this.#saved.add(override.key);
        log.warn(
          "visitors of a release go to master, because this daemon took them back before it restarted",
          {
            ...{ application: override.application, version: override.version, reason: override.reason },
          },
        );
      }
    } catch (error) {
      log.error("the overrides of an earlier process could not be read: visitors may go to a canary again", {
        error: errorMessage(error),
        remedy: "abort the release if it is still under way",
      });
    }
  }

  of(target: Target): Override | undefined {
    return this.#byTarget.get(nameOf(target));
  }

  /** The versions of an application that have one. */
  versions(application: string): readonly string[] {
    return this.all.flatMap((each) => (each.application === application ? [each.version] : []));
  }

  /**
   * Whether the visitors of this record are taken back.
   *
   * @param value the record's value; undefined if it is not known, as with a saved snapshot
   */
  isTakenBack(application: string, version: string, value: unknown): boolean {
    const override = this.of({ application, version });
    if (override === undefined) return false;
    if (value === undefined) return true;
    const found = releaseIn(value);
    if (found.kind === "none") return false;
    const key = found.kind === "release" ? found.release.key : found.key;
    return key === undefined || key === override.key;
  }

  /** Begins an override; it counts at once. False if this release has one already. */
  set(override: Override): boolean {
    const before = this.of(override);
    if (before?.key === override.key || this.#byTarget.size >= OVERRIDES_MAX) return false;
    const kept = { ...override, reason: clipped(override.reason) };
    this.#byTarget.set(nameOf(override), kept);
    this.#work(async (files, store) => {
      await files.write(fileOf(kept.key), overrideText(kept, store));
      this.#saved.add(kept.key);
    });
    return true;
  }

  /** Ends an override, and removes its file. */
  end(override: Override): void {
    if (this.of(override)?.key === override.key) this.#byTarget.delete(nameOf(override));
    this.#work(async (files) => {
      this.#saved.delete(override.key);
      await files.remove(fileOf(override.key));
    });
  }

  /** Why the record ends the override; undefined if it goes on. */
  endedBy({ found }: Now, { key }: Override): string | undefined {
    if (found.kind === "none") return "the release is gone from the record";
    if (found.kind === "problem") return undefined;
    if (found.release.key !== key) return "another release has taken its place";
    return isUnderWay(found.release) ? undefined : `the record says that it is ${found.release.state}`;
  }

  /** The overrides whose file a person has removed. Rejects if the directory cannot be read. */
  async lifted(): Promise<readonly Override[]> {
    const { files } = this.#options;
    await this.#working;
    const wanted = this.all.filter(({ key }) => this.#saved.has(key));
    if (files === undefined || wanted.length === 0) return [];
    const there = new Set(await files.list());
    return wanted.filter((override) => !there.has(fileOf(override.key)) && this.of(override) === override);
  }

  /** Resolves when all files are written. */
  async close(): Promise<void> {
    await this.#working;
  }

  #work(task: (files: StateFiles, store: string) => Promise<void>): void {
    const { files, store, log } = this.#options;
    if (files === undefined) return;
    this.#working = this.#working
      .then(() => task(files, store))
      .catch((error) => {
        log.error("an override could not be saved: after a restart, visitors may go to the canary again", {
          error: errorMessage(error),
          remedy: "abort the release",
        });
      });
  }
}

function nameOf({ application, version }: Target): string {
  return `${application}\0${version}`;
}
