/** The files that only packages need, made in a directory: completions, manual pages, schemas, and more. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM, PROGRAM_VERSION } from "../../src/cli/command.ts";
import type { Shell } from "../../src/cli/commands/completion/shells.ts";
import { COMMANDS } from "../../src/cli/list.ts";
import { MAINTAINER } from "./identity.ts";
import { manualPages } from "./manual.ts";

export interface Made {
  readonly executable: string;
  readonly copyright: string;
  readonly changelog: string;
  /** Compressed. */
  readonly manualPages: readonly { readonly name: string; readonly path: string }[];
  /** For editors. */
  readonly schemas: readonly { readonly name: string; readonly path: string }[];
  completion(shell: Shell): string;
}

const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

/**
 * @param executable the built program, which prints the completions and the schemas itself
 * @param directory gets the files
 */
export function make(root: string, executable: string, directory: string, date: Date): Made {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };
  for (const shell of SHELLS) write(`completion.${shell}`, printed(executable, "completion", shell));
  const pages = [...manualPages(COMMANDS, date)].map(([name, text]) => ({
    name: `${name}.gz`,
    path: write(`${name}.gz`, compressed(text)),
  }));
  return {
    executable,
    copyright: write("copyright", copyrightOf(readFileSync(join(root, "LICENSE"), "utf8"))),
    changelog: write("changelog.gz", compressed(changelogOf(date))),
    manualPages: pages,
    schemas: ["config", "rollouts"].map((file) => {
      const name = `${file}.schema.json`;
      return { name, path: write(name, printed(executable, "schema", file)) };
    }),
    completion: (shell) => join(directory, `completion.${shell}`),
  };
}

function printed(executable: string, ...words: readonly string[]): string {
  const { stdout, exitCode } = Bun.spawnSync([executable, ...words], { stderr: "inherit" });
  if (exitCode !== 0) throw new Error(`the executable does not do ${words.join(" ")}`);
  return String(stdout);
}

/** Without a name and a time in it, so that the same text gives the same bytes. */
function compressed(text: string): Uint8Array {
  return Bun.gzipSync(text, { level: 9 });
}

/** The form of https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/. */
function copyrightOf(license: string): string {
  const [, holder = ""] = /^Copyright \(c\) (.*)$/m.exec(license) ?? [];
  const [, text = ""] = /^(Permission [\s\S]*)$/m.exec(license) ?? [];
  const indented = text
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? " ." : ` ${line}`));
  return [
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
    `Upstream-Name: ${PROGRAM}`,
    "Comment: The executable holds Bun, and libraries of npm. The bill of materials beside the package",
    " names each with its version and its license.",
    "",
    "Files: *",
    `Copyright: ${holder}`,
    "License: Expat",
    ...indented,
    "",
  ].join("\n");
}

/** Debian's form, with one entry. CHANGELOG.md tells the changes. */
function changelogOf(date: Date): string {
  const day = date.toUTCString().replace("GMT", "+0000");
  return `${PROGRAM} (${PROGRAM_VERSION}) stable; urgency=medium\n\n  * Release ${PROGRAM_VERSION}.\n\n -- ${MAINTAINER}  ${day}\n`;
}
