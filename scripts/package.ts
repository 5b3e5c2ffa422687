/**
 * `npm run package`: the executable, and the packages for this machine's architecture, in `dist/packages`.
 *
 *     bun scripts/package.ts [deb | rpm | tar | musl | oci | sbom] …  only these, with their checksums;
 *                                                         -y installs nfpm and buildah without a question
 */

import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { PROGRAM, PROGRAM_VERSION } from "../src/cli/command.ts";
import { contents, type Entry } from "./package/contents.ts";
import { buildImage } from "./package/image.ts";
import { make } from "./package/made.ts";
import { entriesForMusl } from "./package/musl.ts";
import { buildPackage, type PackageOptions } from "./package/nfpm.ts";
import { writeBill } from "./package/sbom.ts";
import { sourceDate } from "./package/source-date.ts";
import { buildTarball, writeChecksums } from "./package/tarball.ts";
import { runTool, toolPath } from "./package/tools.ts";
import { consentOf, install } from "./test/install.ts";
import { NEEDS } from "./test/needs.ts";

const ROOT = resolve(import.meta.dir, "..");

export const PACKAGES = join(ROOT, "dist/packages");

export const KINDS = ["deb", "rpm", "tar", "musl", "oci", "sbom"] as const;
type Kind = (typeof KINDS)[number];

/** The programs that each kind needs, besides those that every machine has. */
const TOOLS: Readonly<Record<Kind, readonly string[]>> = {
  ...{ deb: ["nfpm"], rpm: ["nfpm"], oci: ["buildah"] },
  ...{ tar: [], musl: [], sbom: [] },
};

/** Makes these kinds, or all of them; resolves with the paths. */
export async function packageAll(chosen: readonly string[]): Promise<readonly string[]> {
  const unknown = chosen.filter((word) => !KINDS.some((kind) => kind === word));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: the kinds are ${KINDS.join(", ")}`);
  const kinds = KINDS.filter((kind) => chosen.length === 0 || chosen.includes(kind));
  // The build takes long, so a missing program is told before it.
  for (const kind of kinds) for (const tool of TOOLS[kind]) toolPath(tool);
  rmSync(PACKAGES, { recursive: true, force: true });
  mkdirSync(PACKAGES, { recursive: true });
  runTool([process.execPath, join(ROOT, "scripts/build.ts")], { cwd: ROOT });
  const date = sourceDate();
  const entries = entriesOf(date);
  const paths: string[] = [];
  for (const kind of kinds) paths.push(await packageOf(kind, { entries, date, target: PACKAGES }));
  return [...paths, writeChecksums(PACKAGES)];
}

/** One package of the executable that is built already. The one for musl has an executable of its own. */
export async function packageOf(kind: Kind, options: Omit<PackageOptions, "root">): Promise<string> {
  const { entries, date, target } = options;
  if (kind === "tar") return buildTarball(entries, date, target);
  if (kind === "musl") return buildTarball(await entriesForMusl(ROOT, entries), date, target, "musl");
  if (kind === "sbom") return writeBill(ROOT, date, join(target, `${PROGRAM}-${PROGRAM_VERSION}.cdx.json`));
  if (kind === "oci") return buildImage({ root: ROOT, ...options });
  return buildPackage(kind, { root: ROOT, ...options });
}

/** The files of the packages; those that only packages need are made here. */
export function entriesOf(date: Date): readonly Entry[] {
  const made = make(ROOT, join(ROOT, "dist/maxwells-daemon"), join(ROOT, "dist/made"), date);
  return contents(ROOT, made);
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  const isYes = words.includes("-y");
  const consent = consentOf({
    isCi: Boolean(process.env["CI"]),
    isYes,
    isTerminal: Boolean(process.stdin.isTTY),
  });
  await install(
    NEEDS.filter(({ sign }) => sign === "scripts/package.ts"),
    consent,
  );
  try {
    for (const path of await packageAll(words.filter((word) => word !== "-y"))) console.log(path);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
