/**
 * The root directory of the image: the program, the libraries that it loads, and the few files that these
 * read. It has no shell, and nothing else that an attacker could start.
 *
 * The libraries are those of the machine that makes the image, which is a Debian or an Ubuntu. The records of
 * their packages come along, so that scanners of images find known faults in them.
 */

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PROGRAM } from "../../src/cli/command.ts";
import { DEFAULT_CONFIG_FILE } from "../../src/config/config-file.ts";
import type { Entry } from "./contents.ts";
import { runTool } from "./tools.ts";

/** The daemon's user in the image. Operators give their directories to this number, so it never changes. */
export const IMAGE_USER = 6293;

/** The directories that the daemon writes to. */
export const WRITTEN = [`/run/${PROGRAM}`, `/var/lib/${PROGRAM}`] as const;

const ACCOUNT = `${PROGRAM}:x:${IMAGE_USER}`;

const FILES: Readonly<Record<string, string>> = {
  "/etc/passwd": `root:x:0:0:root:/root:/usr/sbin/nologin\n${ACCOUNT}:${IMAGE_USER}:${PROGRAM}:/var/lib/${PROGRAM}:/usr/sbin/nologin\n`,
  "/etc/group": `root:x:0:\n${ACCOUNT}:\n`,
  // Without it, libc asks DNS before it reads /etc/hosts.
  "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
};

/** The files of the packages that are of use in a container. */
const TAKEN = [`/usr/bin/${PROGRAM}`, `/usr/share/doc/${PROGRAM}/copyright`];

/** Writes the files into an empty directory. Throws if this machine is not a Debian. */
export function makeImageRoot(root: string, entries: readonly Entry[], directory: string): void {
  const take = (source: string, path: string) => {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target);
  };
  for (const { src, dst } of entries.filter(({ dst: path }) => TAKEN.includes(path))) take(src, dst);
  take(join(root, `packaging/oci/${PROGRAM}.toml`), DEFAULT_CONFIG_FILE);
  take("/etc/os-release", "/etc/os-release");
  const libraries = librariesOf(join(directory, TAKEN[0] ?? ""));
  for (const path of libraries) take(path, path);
  for (const name of new Set(libraries.map(packageOf))) {
    take(`/usr/share/doc/${name}/copyright`, `/usr/share/doc/${name}/copyright`);
    const record = join(directory, "var/lib/dpkg/status.d", name);
    mkdirSync(dirname(record), { recursive: true });
    writeFileSync(record, runTool(["dpkg-query", "--status", name]));
  }
  for (const [path, text] of Object.entries(FILES)) writeFileSync(join(directory, path), text);
  // The modes are the same whatever the umask of this process is.
  runTool(["chmod", "-R", "u=rwX,go=rX", directory]);
  mkdirSync(join(directory, "tmp"));
  runTool(["chmod", "1777", join(directory, "tmp")]);
}

/** The paths of the libraries that the executable loads, and of the loader, as the executable names them. */
function librariesOf(executable: string): readonly string[] {
  const paths = runTool(["ldd", executable]).matchAll(/(?:=> |^\s+)(\/\S+)/gm);
  return Array.from(paths, ([, path = ""]) => path);
}

/** The name of the Debian package that a library is from. */
function packageOf(path: string): string {
  // If /lib is a link to /usr/lib, dpkg may know the file by its path in /usr.
  const found = runTool(["dpkg-query", "--search", `*${path}`]);
  const [, name] = /^([a-z0-9.+-]+)(?::\S+)?: /.exec(found) ?? [];
  if (name === undefined) throw new Error(`no package of Debian has ${path}; make the image on a Debian`);
  return name;
}
