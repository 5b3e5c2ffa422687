/** The files of the packages: the source of each, and its place on the machine. */

import { join } from "node:path";
import { PROGRAM } from "../../src/cli/command.ts";
import { DEFAULT_CONFIG_FILE } from "../../src/config/config-file.ts";
import type { Made } from "./made.ts";

export interface Entry {
  /** The path of the file, or of the directory whose files are meant. */
  readonly src: string;
  readonly dst: string;
  readonly mode: number;
  /**
   * `config|noreplace`: the operator changes it, and an upgrade keeps the change. `tree`: a directory with
   * its files. `dir`: a directory that goes with the package, without a source.
   */
  readonly type?: "config|noreplace" | "tree" | "dir";
  /** The only kind of package that has it. An archive has the files of Debian's package. */
  readonly packager?: "deb" | "rpm";
}

const PROGRAM_MODE = 0o755;
const FILE_MODE = 0o644;

/** Pages outside of `docs`. */
const PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"];

/** All files of the packages. */
export function contents(root: string, made: Made): readonly Entry[] {
  const systemd = (name: string) => join(root, "integrations/systemd", name);
  const file = (src: string, dst: string): Entry => ({ src, dst, mode: FILE_MODE });
  const tree = (src: string, dst: string): Entry => ({ ...file(src, dst), type: "tree" });
  return [
    { src: made.executable, dst: `/usr/bin/${PROGRAM}`, mode: PROGRAM_MODE },
    {
      src: join(root, "packaging/replace-daemon"),
      dst: `/usr/lib/${PROGRAM}/replace-daemon`,
      mode: PROGRAM_MODE,
    },
    file(systemd(`${PROGRAM}.service`), `/usr/lib/systemd/system/${PROGRAM}.service`),
    file(systemd(`${PROGRAM}.socket`), `/usr/lib/systemd/system/${PROGRAM}.socket`),
    file(systemd(`${PROGRAM}.sysusers`), `/usr/lib/sysusers.d/${PROGRAM}.conf`),
    file(systemd("spare.conf"), `/usr/share/${PROGRAM}/spare.conf`),
    { ...file(systemd(`${PROGRAM}.toml`), DEFAULT_CONFIG_FILE), type: "config|noreplace" },
    file(made.completion("bash"), `/usr/share/bash-completion/completions/${PROGRAM}`),
    { ...file(made.completion("zsh"), `/usr/share/zsh/vendor-completions/_${PROGRAM}`), packager: "deb" },
    { ...file(made.completion("zsh"), `/usr/share/zsh/site-functions/_${PROGRAM}`), packager: "rpm" },
    file(made.completion("fish"), `/usr/share/fish/vendor_completions.d/${PROGRAM}.fish`),
    ...made.manualPages.map((page) => file(page.path, `/usr/share/man/man1/${page.name}`)),
    ...made.schemas.map(({ name, path }) => file(path, `/usr/share/${PROGRAM}/${name}`)),
    ...["integrations", "docs"].map((name) => tree(join(root, name), `/usr/share/${PROGRAM}/${name}`)),
    // The pages above link to them. The licence has its place in Debian's copyright file.
    ...PAGES.map((name) => file(join(root, name), `/usr/share/${PROGRAM}/${name}`)),
    {
      ...file(join(root, "packaging/deb/lintian-overrides"), `/usr/share/lintian/overrides/${PROGRAM}`),
      packager: "deb",
    },
    file(made.copyright, `/usr/share/doc/${PROGRAM}/copyright`),
    // rpm removes only the directories of its list. dpkg removes each empty one.
    ...[
      `/etc/${PROGRAM}`,
      ...["lib", "share", "share/doc"].map((name) => `/usr/${name}/${PROGRAM}`),
      `/usr/share/${PROGRAM}/bench`,
    ].map((dst) => ({ src: "", dst, mode: PROGRAM_MODE, type: "dir" as const, packager: "rpm" as const })),
    file(made.changelog, `/usr/share/doc/${PROGRAM}/changelog.gz`),
  ];
}
