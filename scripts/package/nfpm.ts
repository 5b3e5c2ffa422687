/** Debian's package and the one for RPM, made by nfpm. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM, PROGRAM_VERSION } from "../../src/cli/command.ts";
import type { Entry } from "./contents.ts";
import { ARCHITECTURES, DESCRIPTION, MAINTAINER, SUMMARY } from "./identity.ts";
import { runTool, toolPath } from "./tools.ts";

/** The oldest glibc with which Bun's binaries start. */
const GLIBC = "2.17";

export interface PackageOptions {
  readonly root: string;
  readonly entries: readonly Entry[];
  readonly date: Date;
  /** For the tests of an upgrade. */
  readonly version?: string;
  /** By default `gzip` for Debian, which every lintian knows, and `zstd` for RPM. `zstd:1` is a quick one. */
  readonly compression?: "gzip" | "none" | "zstd:1";
  /** The directory of the packages. */
  readonly target: string;
}

/** Returns the path of the package. */
export function buildPackage(format: "deb" | "rpm", options: PackageOptions): string {
  const { root, date, target, version = PROGRAM_VERSION } = options;
  const names = ARCHITECTURES[process.arch];
  if (names === undefined) throw new Error(`there are no packages for ${process.arch}`);
  const arch = names[format];
  const file = format === "deb" ? `${PROGRAM}_${version}_${arch}.deb` : `${PROGRAM}-${version}-1.${arch}.rpm`;
  mkdirSync(target, { recursive: true });
  const config = join(root, `dist/made/nfpm-${format}.json`);
  writeFileSync(config, JSON.stringify(configuration(format, { ...options, version }, names.go), null, 2));
  const path = join(target, file);
  runTool([toolPath("nfpm"), "package", "--config", config, "--packager", format, "--target", path], {
    cwd: root,
    env: { SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)) },
  });
  return path;
}

/** nfpm's configuration. It is YAML, of which JSON is a part. */
function configuration(
  format: "deb" | "rpm",
  { root, entries, date, version, compression }: PackageOptions,
  arch: string,
): object {
  const script = (name: string) => join(root, "packaging", format, name);
  return {
    name: PROGRAM,
    arch,
    platform: "linux",
    version,
    version_schema: "semver",
    section: "net",
    priority: "optional",
    maintainer: MAINTAINER,
    description: `${SUMMARY}\n${DESCRIPTION}`,
    license: "MIT",
    mtime: date.toISOString(),
    contents: entries.map(({ mode, ...entry }) => ({
      ...entry,
      // rpm can leave documentation out, if it knows which files are documentation.
      ...(format === "rpm" &&
        entry.type === undefined &&
        /^\/usr\/share\/(man|doc)\//.test(entry.dst) && { type: "doc" }),
      file_info:
        entry.type === "tree" ? {} : { mode, owner: "root", group: "root", mtime: date.toISOString() },
    })),
    ...(format === "deb" ? debPart(script, compression) : rpmPart(script, compression)),
  };
}

function debPart(script: (name: string) => string, compression = "gzip"): object {
  return {
    depends: [`libc6 (>= ${GLIBC})`, "systemd | systemd-standalone-sysusers"],
    scripts: {
      postinstall: script("postinst"),
      preremove: script("prerm"),
      postremove: script("postrm"),
    },
    deb: { compression },
  };
}

function rpmPart(script: (name: string) => string, compression = "zstd"): object {
  return {
    depends: [`glibc >= ${GLIBC}`, "systemd"],
    scripts: { postinstall: script("post"), preremove: script("preun"), postremove: script("postun") },
    release: "1",
    // Without `buildhost` it would be the name of this machine.
    rpm: { compression, summary: SUMMARY, group: "System Environment/Daemons", buildhost: "localhost" },
  };
}
