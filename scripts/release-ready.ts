/**
 * `npm run release:ready`: names all that a release lacks, before anything is built. The status is 1 then.
 *
 * `GITHUB_REF_NAME` is the release's tag, and `GITHUB_REPOSITORY` the repository that it is made in. Without
 * them, only the files are checked.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MAINTAINER } from "./package/identity.ts";

const ROOT = join(import.meta.dir, "..");

export interface Release {
  readonly version: string;
  /** The address of the repository in package.json. */
  readonly repository: string | undefined;
  readonly changelog: string;
  /** The text of each page and sample, by its path. */
  readonly pages: ReadonlyMap<string, string>;
  /** The address of the packages' maintainer. */
  readonly maintainer: string;
  readonly tag: string | undefined;
  /** `OWNER/NAME` of the repository that makes the release. */
  readonly madeIn: string | undefined;
}

/** The name of a package, with its version: a file's, or an image's. */
const PACKAGE = /\bmaxwells-daemon[-_:](\d+\.\d+\.\d+)/g;

/** A line for each thing that is missing, with its remedy. */
export function missingFor(release: Release): string[] {
  const { version, repository, changelog, pages, maintainer, tag, madeIn } = release;
  const missing: string[] = [];
  if (tag !== undefined && tag !== `v${version}`) {
    missing.push(`the tag is ${tag}, and package.json has the version ${version}; tag v${version}`);
  }
  if (!new RegExp(`^## ${RegExp.escape(version)}$`, "m").test(changelog)) {
    missing.push(`CHANGELOG.md has no section ${version}; rename "Unreleased"`);
  }
  if (/^## Unreleased\n\s*(?!## )\S/m.test(changelog)) {
    missing.push(`CHANGELOG.md has changes under "Unreleased"; they belong under ${version}`);
  }
  for (const [path, text] of pages) {
    const other = Array.from(text.matchAll(PACKAGE), ([, named]) => named).find((named) => named !== version);
    if (other !== undefined) missing.push(`${path} names a package of version ${other}; write ${version}`);
  }
  if (repository === undefined) {
    const address = `https://github.com/${madeIn ?? "OWNER/NAME"}`;
    missing.push(
      `package.json has no repository, and npm publishes nothing with provenance without it; ` +
        `npm pkg set repository.type=git repository.url=git+${address}.git`,
    );
  } else if (madeIn !== undefined && nameOf(repository) !== madeIn) {
    missing.push(
      `package.json names the repository ${repository}, and this is ${madeIn}; npm refuses such a provenance`,
    );
  }
  if (/\.invalid>?$/.test(maintainer)) {
    missing.push(`the packages have no maintainer's address; write one into scripts/package/identity.ts`);
  }
  return missing;
}

/** `OWNER/NAME` of an address on GitHub, in any form that npm knows. */
function nameOf(repository: string): string | undefined {
  return /^(?:github:|.*\bgithub\.com[/:])?([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(repository)?.[1];
}

/** Old decisions keep the names of their time. */
function pagePaths(): string[] {
  const found = ["docs/**/*.md", "integrations/**/*.{md,yaml,yml}"].flatMap((pattern) => [
    ...new Bun.Glob(pattern).scanSync(ROOT),
  ]);
  return ["README.md", ...found.filter((path) => !path.startsWith("docs/decisions/")).toSorted()];
}

export function releaseOfFiles(environment: Readonly<Record<string, string | undefined>>): Release {
  const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
  const { version, repository } = JSON.parse(read("package.json"));
  return {
    version,
    repository: typeof repository === "string" ? repository : repository?.url,
    changelog: read("CHANGELOG.md"),
    pages: new Map(pagePaths().map((path) => [path, read(path)])),
    maintainer: MAINTAINER,
    tag: environment["GITHUB_REF_NAME"],
    madeIn: environment["GITHUB_REPOSITORY"],
  };
}

if (import.meta.main) {
  const missing = missingFor(releaseOfFiles(process.env));
  for (const line of missing) console.error(line);
  if (missing.length > 0) process.exit(1);
  console.log("the release is ready");
}
