/**
 * Stores of earlier versions of this program, to read what this version writes. Their code is as git has it:
 *
 *     git archive --format=tar COMMIT FILE … | gzip -9n > test/vectors/NAME.tar.gz
 *
 * Such an archive names its commit. Release 3.0.0 had stores in a file and in DynamoDB. The others came after
 * it, and the second archive has their code before there were releases.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CheckedRecord } from "../../src/records/check.ts";
import type { StoreKind } from "../../src/stores/store.ts";

const ROOT = join(import.meta.dir, "../..");

export const ARCHIVES = {
  "3.0.0": { name: "stores-3.0.0", check: "src/record.ts" },
  "before releases": { name: "stores-before-releases", check: "src/records/check.ts" },
} as const;

export type OlderVersion = keyof typeof ARCHIVES;

export interface OlderStores {
  /** The commit that the archive names. */
  readonly commit: string;
  /** Paths and texts. */
  readonly files: ReadonlyMap<string, string>;
  /** The kind of store of this name, from the file of this name. */
  kind(name: string): Promise<StoreKind>;
  /** The record after the checks of a daemon of that version. */
  check(version: string, value: unknown): Promise<CheckedRecord>;
  remove(): void;
}

/** Unpacks the stores of a version into a directory of their own. */
export async function olderStores(version: OlderVersion): Promise<OlderStores> {
  const { name, check } = ARCHIVES[version];
  const directory = mkdtempSync(join(tmpdir(), "older-stores-"));
  const archive = join(ROOT, "test/vectors", `${name}.tar.gz`);
  await run(["tar", "-xzf", archive, "-C", directory]);
  // For the packages of the engines.
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  const load = (path: string) => import(join(directory, path)) as Promise<Record<string, unknown>>;
  return {
    commit: (await run(["sh", "-c", `gzip -dc "$1" | git get-tar-commit-id`, "sh", archive])).trim(),
    files: filesBelow(directory, "src"),
    kind: async (kind) => (await load(`src/stores/${kind}.ts`))[kind] as StoreKind,
    async check(record, value) {
      const { checkRecord } = await load(check);
      return (checkRecord as (version: string, value: unknown) => CheckedRecord)(record, value);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** The text of a file at a commit; undefined if this clone does not have the commit. */
export async function textAt(commit: string, path: string): Promise<string | undefined> {
  return run(["git", "-C", ROOT, "show", `${commit}:${path}`]).catch(() => undefined);
}

function filesBelow(directory: string, path: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of readdirSync(join(directory, path))) {
    const inner = join(path, name);
    if (statSync(join(directory, inner)).isFile())
      files.set(inner, readFileSync(join(directory, inner), "utf8"));
    else for (const [each, text] of filesBelow(directory, inner)) files.set(each, text);
  }
  return files;
}

async function run(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
  return text;
}
