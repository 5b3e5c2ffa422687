/**
 * A root directory like Alpine's, with nothing of glibc: musl, and the libraries of `apk add libstdc++`.
 *
 * Debian has musl's loader, from Debian 13 on in a version that knows packed relocations. Alpine's libstdc++
 * and libgcc come from a wheel of PyPI, whose builders copy them from Alpine.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "../../scripts/package/tools.ts";

const CACHE = join(import.meta.dir, "../../node_modules/.cache/musl");

/** Any wheel with these two libraries would do. This one is small. */
const WHEEL = "pyzmq==27.3.0";

const DEBIAN = "trixie";
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

const PROCESSORS: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
const processor = PROCESSORS[process.arch] ?? "";

/** Why there can be no such root here; undefined if there can. In CI there has to be one. */
export function muslMissing(): string | undefined {
  const absent = ["apt-get", "dpkg", "python3", "unshare", "chroot"].filter(
    (tool) => Bun.which(tool) === null,
  );
  const missing = [
    ...absent.map((tool) => `${tool} is not installed`),
    ...(process.getuid?.() === 0
      ? []
      : ["only root can enter another root directory; run the tests as root"]),
    ...(processor === "" ? [`musl for ${process.arch} is unknown here`] : []),
  ];
  if (missing.length === 0) return undefined;
  if (process.env["CI"]) throw new Error(missing.join("; "));
  return missing.join("; ");
}

export class MuslRoot {
  readonly directory = mkdtempSync(join(tmpdir(), "musl-root-"));

  /** @param archive the packed program, which is unpacked here */
  constructor(archive: string) {
    // A proxy's user enters it for the socket.
    runTool(["chmod", "755", this.directory]);
    for (const name of ["lib", "usr/lib", "proc", "dev", "tmp", "run"])
      mkdirSync(join(this.directory, name), { recursive: true });
    const loader = join(this.directory, `lib/ld-musl-${processor}.so.1`);
    cpSync(muslLoader(), loader);
    // Alpine has this name, too.
    symlinkSync(`ld-musl-${processor}.so.1`, join(this.directory, `lib/libc.musl-${processor}.so.1`));
    const libraries = alpineLibraries();
    for (const name of readdirSync(libraries)) {
      const [, plain] = /^(libstdc\+\+)-.*\.so\.6/.exec(name) ?? [];
      const isNeeded = plain !== undefined || name.startsWith("libgcc_s-");
      if (isNeeded) {
        cpSync(
          join(libraries, name),
          join(this.directory, "usr/lib", plain === undefined ? name : `${plain}.so.6`),
        );
      }
    }
    runTool(["tar", "-xzf", archive, "-C", this.directory, "--strip-components=1"]);
  }

  /** The command line that runs the program in this root, with the processes and devices of this machine. */
  command(...words: string[]): string[] {
    const { directory } = this;
    const mounts = ["proc", "dev"].map((name) => `mount --rbind /${name} ${directory}/${name}`);
    const script = `${mounts.join(" && ")} && exec chroot ${directory} /usr/bin/maxwells-daemon "$@"`;
    return ["unshare", "--mount", "sh", "-c", script, "sh", ...words];
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The path of musl's loader, which is its libc, too. */
function muslLoader(): string {
  const unpacked = join(CACHE, "debian");
  const path = join(unpacked, `usr/lib/${processor}-linux-musl/libc.so`);
  if (existsSync(path)) return path;
  // Lists of its own, so that this machine never installs a package of the newer Debian.
  const own = join(CACHE, "apt");
  for (const name of ["lists/partial", "cache/archives/partial"])
    mkdirSync(join(own, name), { recursive: true });
  const places = runTool(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
  const [place = ""] = places.split("\n").filter((line) => /\/debian\/?$/.test(line));
  if (place === "") throw new Error(`apt-get names no archive of Debian:\n${places}`);
  writeFileSync(join(own, "sources.list"), `deb [signed-by=${KEYS}] ${place} ${DEBIAN} main\n`);
  const options = [
    ...["-qq", "-o", `Dir::Etc::SourceList=${own}/sources.list`, "-o", "Dir::Etc::SourceParts=/dev/null"],
    ...["-o", `Dir::State::Lists=${own}/lists`, "-o", `Dir::Cache=${own}/cache`],
    ...["-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"],
  ];
  runTool(["apt-get", ...options, "update"]);
  runTool(["apt-get", ...options, "download", "musl"], { cwd: own });
  const [name = ""] = readdirSync(own).filter((each) => each.endsWith(".deb"));
  runTool(["dpkg", "-x", join(own, name), unpacked]);
  rmSync(own, { recursive: true });
  return path;
}

/** The directory of Alpine's libraries in the wheel. */
function alpineLibraries(): string {
  const wheel = join(CACHE, "wheel");
  const [name, version] = WHEEL.split("==");
  const unpacked = join(wheel, version ?? "");
  if (!existsSync(unpacked)) {
    const platform = ["--platform", `musllinux_1_2_${processor}`, "--python-version", "3.12"];
    const flags = ["--quiet", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"];
    rmSync(wheel, { recursive: true, force: true });
    runTool(["python3", "-m", "pip", "download", ...flags, ...platform, "--dest", wheel, WHEEL]);
    const [file = ""] = readdirSync(wheel).filter((each) => each.endsWith(".whl"));
    runTool(["python3", "-m", "zipfile", "-e", join(wheel, file), unpacked]);
  }
  return join(unpacked, `${name}.libs`);
}
