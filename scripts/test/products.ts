/**
 * The program that tests start, and the package that they install. A run makes both once, because tests start
 * the program more than a thousand times. Its bytecode starts in a third of the time that the sources take.
 *
 * The launcher beside it is the shipped one. Tests of the launcher itself start the sources, and so do tests
 * of the directory in which a command is typed.
 */

import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGES, packageAll } from "../package.ts";
import { buildPage } from "../page/build.ts";
import type { Modules } from "./modules.ts";
import type { Chosen } from "./words.ts";

/** The variable that names the launcher of the bundle for `test/support/program.ts`. */
const PROGRAM_VARIABLE = "MAXWELLS_TEST_PROGRAM";

/** The variable that names the file of the package for `test/support/installed.ts`. */
const PACKAGE_VARIABLE = "MAXWELLS_TEST_PACKAGE";

/** The variable that tells `test/support/packages.ts` that the packages are made. */
const PACKAGES_VARIABLE = "MAXWELLS_TEST_PACKAGES";

/** Makes what these tests need, and resolves with the variables that tell them. */
export async function makeProducts(
  root: string,
  modules: Modules,
  chosen: readonly Chosen[],
): Promise<Readonly<Record<string, string>>> {
  const isUsed = (helper: string) => chosen.some(({ file }) => modules.reached(file).has(helper));
  const directory = join(root, "dist/test");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  if (isUsed("test/support/packages.ts")) await packageAll([]);
  return {
    ...(isUsed("test/support/packages.ts") && { [PACKAGES_VARIABLE]: PACKAGES }),
    ...(isUsed("test/support/program.ts") && { [PROGRAM_VARIABLE]: await bundle(root, directory) }),
    ...(isUsed("test/support/installed.ts") && { [PACKAGE_VARIABLE]: pack(root, directory) }),
  };
}

const ENTRY = "process.exit(await main(process.argv.slice(2), io));";

/** Bytecode is for CommonJS, which has no `await` outside a function. */
const WITHOUT_TOP_LEVEL_AWAIT: Bun.BunPlugin = {
  name: "without top-level await",
  setup(build) {
    build.onLoad({ filter: /\/src\/bin\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes(ENTRY)) throw new Error(`${path} does not end with ${ENTRY}`);
      return { loader: "ts", contents: text.replace(ENTRY, `(async () => ${ENTRY.slice(0, -1)})();`) };
    });
  },
};

/** Bundles the sources; resolves with the path of the launcher. */
async function bundle(root: string, directory: string): Promise<string> {
  await buildPage(root);
  await Bun.build({
    entrypoints: [join(root, "src/bin.ts")],
    outdir: join(directory, "src"),
    target: "bun",
    // A store's client is loaded only if an operator has that store, as from the sources.
    packages: "external",
    bytecode: true,
    format: "cjs",
    plugins: [WITHOUT_TOP_LEVEL_AWAIT],
  });
  const launcher = join(directory, "bin/maxwells-daemon");
  mkdirSync(join(directory, "bin"));
  const shipped = readFileSync(join(root, "bin/maxwells-daemon"), "utf8");
  writeFileSync(launcher, shipped.replaceAll("/src/bin.ts", "/src/bin.js"));
  chmodSync(launcher, 0o755);
  return launcher;
}

/** Has npm pack the package, with the entries for applications compiled. Returns the path of its file. */
export function pack(root: string, directory: string): string {
  const packed = Bun.spawnSync(["npm", "pack", "--json", "--pack-destination", directory], {
    cwd: root,
    stderr: "pipe",
  });
  const name = readdirSync(directory).find((each) => each.endsWith(".tgz"));
  if (packed.exitCode !== 0 || name === undefined) throw new Error(`npm pack failed:\n${packed.stderr}`);
  return join(directory, name);
}
