/** A release that would fail at its end fails at its beginning, and says all that is missing. */

import { expect, test } from "bun:test";
import { missingFor, type Release, releaseOfFiles } from "../../scripts/release-ready.ts";

const GOOD: Release = {
  version: "3.1.0",
  repository: "git+https://github.com/example/maxwells-daemon.git",
  changelog: "# Changelog\n\n## Unreleased\n\n## 3.1.0\n\n- A change.\n",
  pages: new Map([
    ["docs/install.md", "maxwells-daemon-3.1.0-linux-x64.tar.gz; a daemon of the version 3.0.0"],
  ]),
  maintainer: "A Person <person@example.com>",
  tag: "v3.1.0",
  madeIn: "example/maxwells-daemon",
};

test("a release with all of it lacks nothing, in each form of the repository's address", () => {
  for (const repository of [
    GOOD.repository,
    "https://github.com/example/maxwells-daemon",
    "github:example/maxwells-daemon",
    "git@github.com:example/maxwells-daemon.git",
    "example/maxwells-daemon",
  ]) {
    expect([repository, missingFor({ ...GOOD, repository })]).toEqual([repository, []]);
  }
  expect(missingFor({ ...GOOD, tag: undefined, madeIn: undefined })).toEqual([]);
});

test.each<[Partial<Release>, RegExp]>([
  [{ tag: "v3.0.9" }, /^the tag is v3\.0\.9, .*; tag v3\.1\.0$/],
  [{ changelog: "## Unreleased\n\n## 3.1.0-rc1\n" }, /no section 3\.1\.0/],
  [{ changelog: "## Unreleased\n\n- A change.\n\n## 3.1.0\n" }, /^CHANGELOG\.md has .* under 3\.1\.0$/],
  [
    { pages: new Map([["a.md", "maxwells-daemon_3.0.9_amd64.deb"]]) },
    /^a\.md names .* 3\.0\.9; write 3\.1\.0$/,
  ],
  [{ pages: new Map([["a.md", "image: maxwells-daemon:3.0.9"]]) }, /^a\.md names .* 3\.0\.9; write 3\.1\.0$/],
  [{ repository: undefined }, /npm pkg set .*git\+https:\/\/github\.com\/example\/maxwells-daemon\.git$/],
  [{ repository: "https://github.com/example/other" }, /this is example\/maxwells-daemon/],
  [{ repository: "https://github.com/example/maxwells-daemon-fork" }, /this is example\/maxwells-daemon/],
  [{ maintainer: "All <maintainers@maxwells-daemon.invalid>" }, /identity\.ts$/],
])("one with %o lacks that, and the line has the remedy", (change, expected) => {
  const missing = missingFor({ ...GOOD, ...change });
  expect(missing).toHaveLength(1);
  expect(missing[0]).toMatch(expected);
});

test("the files of this repository are read", () => {
  const release = releaseOfFiles({ GITHUB_REF_NAME: "v1.2.3", GITHUB_REPOSITORY: "a/b" });
  expect(release).toMatchObject({ tag: "v1.2.3", madeIn: "a/b" });
  expect(release.version).toMatch(/^\d+\.\d+\.\d+$/);
  expect([...release.pages.keys()]).toContain("integrations/cloud-init/maxwells-daemon.yaml");
  // A page with the name of a file of an older version would not work.
  expect(missingFor(release).filter((line) => line.includes("names a package"))).toEqual([]);
  expect(missingFor(release)[0]).toStartWith("the tag is v1.2.3");
});
