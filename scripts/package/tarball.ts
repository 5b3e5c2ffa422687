/** The files of the packages for a machine without a package manager, and the checksums of all packages. */

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PROGRAM, PROGRAM_VERSION } from "../../src/cli/command.ts";
import type { Entry } from "./contents.ts";
import { runTool } from "./tools.ts";

/**
 * Makes the archive in `target`, and returns its path. The same files give the same bytes.
 *
 * @param libc ends the name, if it is not glibc
 */
export function buildTarball(entries: readonly Entry[], date: Date, target: string, libc?: "musl"): string {
  const name = [PROGRAM, PROGRAM_VERSION, "linux", process.arch, ...(libc === undefined ? [] : [libc])].join(
    "-",
  );
  const directory = mkdtempSync(join(tmpdir(), "tarball-"));
  try {
    for (const { src, dst, mode, type, packager } of entries) {
      if (packager === "rpm") continue;
      const path = join(directory, name, dst);
      mkdirSync(dirname(path), { recursive: true });
      if (type === "tree") runTool(["cp", "-R", src, path]);
      else copyFileSync(src, path);
      runTool([
        "chmod",
        type === "tree" ? "-R" : mode.toString(8),
        ...(type === "tree" ? ["u=rwX,go=rX"] : []),
        path,
      ]);
    }
    const path = join(target, `${name}.tar.gz`);
    packSame({ directory, names: [name], date, path, isCompressed: true });
    return path;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface PackOptions {
  readonly directory: string;
  /** The files and directories in it that are packed. */
  readonly names: readonly string[];
  readonly date: Date;
  readonly path: string;
  readonly isCompressed?: boolean;
}

/** Packs so that the same files give the same bytes, whatever user packs them, and when. */
export function packSame({ directory, names, date, path, isCompressed = false }: PackOptions): void {
  const same = [
    ...["--format=posix", "--pax-option=delete=atime,delete=ctime", "--sort=name"],
    ...["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"],
    `--mtime=@${Math.floor(date.getTime() / 1000)}`,
  ];
  const compressed = isCompressed ? ["-I", "gzip -n"] : [];
  runTool(["tar", ...same, ...compressed, "-cf", path, "-C", directory, ...names]);
}

/** Writes `SHA256SUMS` for all files in a directory, as `sha256sum -c` reads it; returns its path. */
export function writeChecksums(directory: string): string {
  const lines = readdirSync(directory)
    .sort()
    .map(
      (name) =>
        `${new Bun.CryptoHasher("sha256").update(readFileSync(join(directory, name))).digest("hex")}  ${name}\n`,
    );
  const path = join(directory, "SHA256SUMS");
  writeFileSync(path, lines.join(""));
  return path;
}
