/**
 * The program for machines with musl in place of glibc, such as Alpine: the same files with another Bun.
 *
 * npm installs only the Bun for this machine's libc, so `npm pack` gets the other one. package-lock.json has
 * its digest.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM } from "../../src/cli/command.ts";
import { compile } from "../build/compile.ts";
import type { Entry } from "./contents.ts";
import { runTool } from "./tools.ts";

/** The processor in the names of Bun's packages. */
const PROCESSORS: Readonly<Record<string, "x64" | "aarch64">> = { x64: "x64", arm64: "aarch64" };

/** Builds the executable; resolves with the entries, and the executable in place of the one for glibc. */
export async function entriesForMusl(root: string, entries: readonly Entry[]): Promise<readonly Entry[]> {
  const outfile = join(root, "dist/made", `${PROGRAM}-musl`);
  const directory = mkdtempSync(join(root, "dist/made", "bun-"));
  try {
    const bun = bunForMusl(root, directory);
    const problem = await compile({ root, outfile, bun });
    if (problem !== undefined) throw new Error(`the build for musl failed:\n${problem}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
  return entries.map((entry) => (entry.dst === `/usr/bin/${PROGRAM}` ? { ...entry, src: outfile } : entry));
}

/** Unpacks Bun for musl into this directory. */
function bunForMusl(root: string, directory: string) {
  const processor = PROCESSORS[process.arch];
  if (processor === undefined) throw new Error(`there is no Bun for musl on ${process.arch}`);
  const name = `@oven/bun-linux-${processor}-musl`;
  const archive = archiveOf(root, name);
  runTool(["tar", "-xzf", archive, "-C", directory, "package/bin/bun"]);
  return {
    target: `bun-linux-${process.arch as "x64" | "arm64"}-musl`,
    path: join(directory, "package/bin/bun"),
  } as const;
}

/** The package as it came from npm, once for each version. Throws if it is not the one of the lock file. */
function archiveOf(root: string, name: string): string {
  const lock: Lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version !== Bun.version) {
    throw new Error(`the lock file has ${name} ${version}, and this is Bun ${Bun.version}; run npm ci`);
  }
  const cache = join(root, "node_modules/.cache/musl");
  mkdirSync(cache, { recursive: true });
  const path = join(cache, `bun-${version}.tgz`);
  if (existsSync(path) && digestOf(path) === integrity) return path;
  const [packed]: [{ filename: string }] = JSON.parse(
    runTool(["npm", "pack", "--json", "--pack-destination", cache, `${name}@${version}`], { cwd: cache }),
  );
  const fresh = join(cache, packed.filename.replace("@", "").replace("/", "-"));
  if (digestOf(fresh) !== integrity) {
    rmSync(fresh);
    throw new Error(`npm sent another ${name} ${version} than package-lock.json names`);
  }
  renameSync(fresh, path);
  return path;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>;
}

/** In the form of the lock file. */
function digestOf(path: string): string {
  return `sha512-${new Bun.CryptoHasher("sha512").update(readFileSync(path)).digest("base64")}`;
}
