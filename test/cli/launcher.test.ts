/**
 * `bin/maxwells-daemon`, in the layouts in which npm may leave it. The Bun that it finds is a script that
 * prints its arguments; the last tests run the packed package for real.
 */

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { temporaryDirectory } from "./run.ts";

const ROOT = resolve(import.meta.dir, "../..");
const directory = temporaryDirectory();
afterAll(() => directory[Symbol.dispose]());

const isMusl = readdirSync("/lib").some((name) => name.startsWith("ld-musl-"));
const machine = process.arch === "arm64" ? "aarch64" : "x64";
const platform =
  process.platform === "darwin" ? `darwin-${machine}` : `linux-${machine}${isMusl ? "-musl" : ""}`;

/** Larger than any stub. */
const PADDING = `\n${"#".repeat(1_100_000)}\n`;

let layouts = 0;

/** A package in a directory of its own, with scripts in place of Bun at these paths below that directory. */
function layout(...buns: readonly string[]): { at: string; launcher: string } {
  layouts++;
  const at = directory.path(`layout ${layouts}`);
  const launcher = `${at}/lib/node_modules/maxwells-daemon/bin/maxwells-daemon`;
  mkdirSync(dirname(launcher), { recursive: true });
  copyFileSync(`${ROOT}/bin/maxwells-daemon`, launcher);
  for (const bun of buns) writeScript(`${at}/${bun}`, `echo "$0"; echo "$$"; printf '%s\\n' "$@"; exit 7`);
  return { at, launcher };
}

function writeScript(path: string, body: string, padding = PADDING): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}${padding}`);
  chmodSync(path, 0o755);
}

function launch(command: string, args: readonly string[] = [], path = "/usr/bin:/bin") {
  const child = Bun.spawnSync([command, ...args], { cwd: "/", env: { PATH: path }, stderr: "pipe" });
  return {
    status: child.exitCode,
    pid: child.pid,
    lines: String(child.stdout).split("\n"),
    stderr: String(child.stderr),
  };
}

/** The arguments that Bun gets. */
const OPTIONS = [
  "--config=/dev/null",
  "--no-env-file",
  "--no-install",
  "--tsconfig-override=/dev/null",
  "--smol",
];

const OWN = "lib/node_modules/maxwells-daemon/node_modules";
const FLAT = "lib/node_modules";

describe("the Bun", () => {
  test.each<[string, string]>([
    ["inside the package, as carried by its platform's package", `${OWN}/@oven/bun-${platform}/bin/bun`],
    ["inside the package, put into place by the install script", `${OWN}/bun/bin/bun.exe`],
    ["beside the package", `${FLAT}/@oven/bun-${platform}/bin/bun`],
    ["beside the package, put into place", `${FLAT}/bun/bin/bun.exe`],
    ["nested in bun itself", `${FLAT}/bun/node_modules/@oven/bun-${platform}/bin/bun`],
    ["further up", `node_modules/@oven/bun-${platform}/bin/bun`],
  ])("%s is found", (_, bun) => {
    const { at, launcher } = layout(bun);
    const { status, lines } = launch(launcher);
    expect(status).toBe(7);
    expect(lines[0]).toBe(`${at}/${bun}`);
  });

  test("nearest to the package is taken", () => {
    const own = `${OWN}/bun/bin/bun.exe`;
    const { at, launcher } = layout(own, `${FLAT}/@oven/bun-${platform}/bin/bun`);
    expect(launch(launcher).lines[0]).toBe(`${at}/${own}`);
  });

  test("for glibc is taken on a machine that has musl beside glibc, and the one for musl on Alpine", () => {
    const [gnu, musl] = ["", "-musl"].map((end) => `${FLAT}/@oven/bun-linux-${machine}${end}/bin/bun`);
    for (const [buns, expected] of [
      [[gnu], gnu],
      [[gnu, musl], musl],
    ] as [string[], string][]) {
      const { at, launcher } = layout(...buns);
      writeFileSync(`${at}/ld-musl-x.so.1`, "");
      const text = readFileSync(launcher, "utf8");
      writeFileSync(launcher, text.replace("/lib/ld-musl-", `"${at}"/ld-musl-`).replace("Darwin)", "None)"));
      expect(launch(launcher).lines[0]).toBe(`${at}/${expected}`);
    }
  });

  test("is not the stub that stands there where install scripts are blocked", () => {
    const { at, launcher } = layout(`${FLAT}/@oven/bun-${platform}/bin/bun`);
    writeScript(`${at}/${OWN}/bun/bin/bun.exe`, "exit 1", "");
    expect(launch(launcher).status).toBe(7);
  });

  test("is the one in PATH at last, and otherwise there is a remedy", () => {
    const { at, launcher } = layout("path/bun");
    expect(launch(launcher, [], `${at}/path:/usr/bin:/bin`).lines[0]).toBe(`${at}/path/bun`);
    const { status, stderr } = launch(launcher);
    expect(status).toBe(1);
    expect(stderr).toContain("npm install bun");
  });
});

test("arguments arrive as they are, and no process of a shell stays", () => {
  const { at, launcher } = layout(`${OWN}/bun/bin/bun.exe`);
  const args = ["a b", "", "*", "$HOME", "-x=\"'"];
  const { lines, pid } = launch(launcher, args);
  expect(lines.slice(1, -1)).toEqual([
    String(pid),
    ...OPTIONS,
    `${at}/lib/node_modules/maxwells-daemon/src/bin.ts`,
    ...args,
  ]);
});

test("symlinks lead to the package, one behind the other and relative", () => {
  const { at } = layout(`${OWN}/bun/bin/bun.exe`);
  mkdirSync(`${at}/bin`);
  symlinkSync("../lib/node_modules/maxwells-daemon/bin/maxwells-daemon", `${at}/bin/maxwells-daemon`);
  symlinkSync(`${at}/bin/maxwells-daemon`, `${at}/md`);
  expect(launch(`${at}/md`, ["version"]).lines.slice(2, -1)).toEqual([
    ...OPTIONS,
    `${at}/lib/node_modules/maxwells-daemon/src/bin.ts`,
    "version",
  ]);
});

test("the packed package holds all that it needs to run", () => {
  const packed = Bun.spawnSync(
    ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", directory.path("")],
    {
      cwd: ROOT,
    },
  );
  const archive = directory.path(String(packed.stdout).trim());
  expect(existsSync(archive), String(packed.stderr)).toBeTrue();
  const at = directory.path("packed/node_modules/maxwells-daemon");
  mkdirSync(at, { recursive: true });
  expect(Bun.spawnSync(["tar", "-xzf", archive, "-C", at, "--strip-components=1"]).exitCode).toBe(0);
  symlinkSync(`${ROOT}/node_modules`, `${at}/node_modules`);
  const { status, lines } = launch(`${at}/bin/maxwells-daemon`, ["get", "-store", "constant:0.25"]);
  expect(status).toBe(0);
  expect(lines[1]).toContain("25%");
});
