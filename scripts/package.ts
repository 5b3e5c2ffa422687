/**
 * `npm run package`: the executable, and the packages for this machine's architecture, in `dist/packages`.
 *
 *     bun scripts/package.ts [deb | rpm] …        only these
 */

import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { contents, type Entry } from "./package/contents.ts";
import { make } from "./package/made.ts";
import { buildPackage, type PackageOptions } from "./package/nfpm.ts";
import { sourceDate } from "./package/source-date.ts";
import { runTool } from "./package/tools.ts";

const ROOT = resolve(import.meta.dir, "..");

export const PACKAGES = join(ROOT, "dist/packages");

const KINDS = ["deb", "rpm"] as const;
type Kind = (typeof KINDS)[number];

/** Makes these kinds, or all of them; resolves with the paths. */
export async function packageAll(chosen: readonly string[]): Promise<readonly string[]> {
  const unknown = chosen.filter((word) => !KINDS.some((kind) => kind === word));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: the kinds are ${KINDS.join(", ")}`);
  rmSync(PACKAGES, { recursive: true, force: true });
  mkdirSync(PACKAGES, { recursive: true });
  runTool([process.execPath, join(ROOT, "scripts/build.ts")], { cwd: ROOT });
  const date = sourceDate();
  const entries = entriesOf(date);
  return KINDS.filter((kind) => chosen.length === 0 || chosen.includes(kind)).map((kind) =>
    packageOf(kind, { entries, date, target: PACKAGES }),
  );
}

/** One package of the executable that is built already. */
export function packageOf(kind: Kind, options: Omit<PackageOptions, "root">): string {
  return buildPackage(kind, { root: ROOT, ...options });
}

/** The files of the packages; those that only packages need are made here. */
export function entriesOf(date: Date): readonly Entry[] {
  const made = make(ROOT, join(ROOT, "dist/maxwells-daemon"), join(ROOT, "dist/made"), date);
  return contents(ROOT, made);
}

if (import.meta.main) {
  for (const path of await packageAll(process.argv.slice(2))) console.log(path);
}
