/** A file store with a release, and the command line on it. */

import { readFileSync, writeFileSync } from "node:fs";
import { readRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { releaseOf } from "../releases/world.ts";
import { type Run, run, temporaryDirectory, withoutFlags } from "./run.ts";

type Fields = Readonly<Record<string, unknown>>;
type Records = Readonly<Record<string, Readonly<Record<string, Fields | number>>>>;

/** The record of a release, as the release wrote it. */
export function recordOf(changes: Partial<Release> = {}, fields: Fields = {}): Fields {
  const release = releaseOf(changes);
  const [rollout, offset] = release.wrote;
  return { rollout, offset, release: releaseField(release), team: "checkout", ...fields };
}

export interface ReleaseFile extends Disposable {
  readonly address: string;
  /** The flags of this store are left out of the commands that it prints. */
  run(...argv: string[]): Promise<Run>;
  /** The same at a terminal. */
  typed(...argv: string[]): Promise<Run>;
  text(): string;
  write(records: Records): void;
  /** The fields of a record. */
  record(version?: string): Fields;
  /** The release of a record. Throws if there is none. */
  release(version?: string): Release;
}

/** The records of the application `app`. */
export function releaseFile(versions: Readonly<Record<string, Fields | number>>): ReleaseFile {
  const directory = temporaryDirectory();
  const path = directory.path("rollouts.json");
  const write = (records: Records) => writeFileSync(path, JSON.stringify(records));
  write({ app: versions });
  const text = () => readFileSync(path, "utf8");
  const record = (version = "canary") => JSON.parse(text())["app"][version] as Fields;
  const address = `file:${path}`;
  return {
    address,
    run: async (...argv) => withoutFlags(await run([...argv, "-store", address]), address),
    typed: async (...argv) =>
      withoutFlags(await run([...argv, "-store", address], {}, undefined, { isTerminal: true }), address),
    text,
    write,
    record,
    release(version) {
      const found = readRelease(record(version)["release"]);
      if (found.kind !== "release") throw new Error(JSON.stringify(found));
      return found.release;
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
