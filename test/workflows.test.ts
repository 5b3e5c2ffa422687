/** The workflows and the shell scripts of packages, as the checkers of other projects read them. */

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PYPI } from "../scripts/test/needs.ts";

const ROOT = join(import.meta.dir, "..");
const WORKFLOWS = ".github/workflows";

const ZIZMOR = `${PYPI}/bin/zizmor`;

const absent = [
  ...["shellcheck"].filter((tool) => Bun.which(tool) === null),
  ...(existsSync(ZIZMOR) ? [] : ["zizmor"]),
];
if (absent.length > 0 && process.env["CI"]) throw new Error(`missing: ${absent.join(", ")}`);
if (absent.length > 0) console.warn(`skipped: the checks of workflows: missing: ${absent.join(", ")}`);

function run(...command: string[]) {
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  return { status: exitCode, said: `${stdout}${stderr}` };
}

describe.skipIf(absent.length > 0)("checkers find no fault", () => {
  test("in the workflows' safety: zizmor, without the network", () => {
    const { status, said } = run(ZIZMOR, "--offline", "--no-progress", "--quiet", WORKFLOWS);
    expect([status, said]).toEqual([0, expect.stringContaining("No findings")]);
  });

  test("in the shell scripts: ShellCheck", () => {
    const scripts = [
      "packaging/replace-daemon",
      "bin/maxwells-daemon",
      ".ci/run",
      ...scriptsIn("deb"),
      ...scriptsIn("rpm"),
    ];
    expect(scripts.length).toBeGreaterThan(8);
    // The scripts of rpm have no first line that names their shell.
    for (const path of scripts) {
      const shell = textOf(path).startsWith("#!/usr/bin/env bash") ? "bash" : "sh";
      expect([path, run("shellcheck", "-s", shell, path)]).toEqual([path, { status: 0, said: "" }]);
    }
  });
});

test("each action is one commit, with its version beside it", () => {
  const uses = readdirSync(join(ROOT, WORKFLOWS)).flatMap((name) =>
    Array.from(textOf(`${WORKFLOWS}/${name}`).matchAll(/\buses: (.*)$/gm), ([, text = ""]) => text),
  );
  expect(uses.length).toBeGreaterThan(5);
  const foreign = uses.filter((text) => !text.startsWith("./"));
  for (const text of foreign) expect(text).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test("a release runs CI before it builds a package", () => {
  expect(textOf(`${WORKFLOWS}/ci.yml`)).toMatch(/^ {2}workflow_call:$/m);
  const release = textOf(`${WORKFLOWS}/release.yml`);
  expect(release).toContain(
    "    uses: ./.github/workflows/ci.yml # zizmor: ignore[self-repository]\n\n  package:\n    needs: test\n",
  );
});

test("each command of the workflows runs here, too", () => {
  const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
  const commands = readdirSync(join(ROOT, WORKFLOWS)).flatMap((name) =>
    Array.from(textOf(`${WORKFLOWS}/${name}`).matchAll(/- run: (.*)$/gm), ([, text = ""]) => text),
  );
  expect(commands.length).toBeGreaterThan(4);
  for (const command of commands) {
    const [, script] = /^npm run (\S+)/.exec(command) ?? [];
    const isKnown =
      script === undefined ? /^(npm (ci|publish)\b|\.ci\/run$)/.test(command) : script in scripts;
    expect([command, isKnown]).toEqual([command, true]);
  }
});

/** The scripts of a package, by their names. */
function scriptsIn(format: string): string[] {
  const names = readdirSync(join(ROOT, "packaging", format)).filter((name) => /^(pre|post)/.test(name));
  return names.map((name) => `packaging/${format}/${name}`);
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
